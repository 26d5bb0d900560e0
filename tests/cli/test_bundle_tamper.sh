#!/bin/bash
# Bundles that were tampered with: each flipped bit, each cut, each forgery is
# refused by `bundle verify`, and by `images push` before the registry hears of
# it. The untouched ones pass everything, else the refusals would prove nothing.
# servers: none

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/bundles.sh
. "$(dirname "${BASH_SOURCE[0]}")/bundles.sh"

# What is chosen at random is the same in each run, unless told otherwise.
seed=${TAMPER_SEED:-20261123}
plain=$TEST_DIR/plain.bundle
older=$TEST_DIR/older.bundle
whole=$TEST_DIR/dws-csm-whole
parts=$TEST_DIR/parts.bundle
spoilt=$TEST_DIR/spoilt
forged=$TEST_DIR/forged
part_bytes=100000

oneTimeSetUp()
{
	if ! registry_up || ! proxy_up; then
		fail 'the servers do not start'
	fi
	to=$proxy
	given_bundle "$plain" --created 1700000000
	given_bundle "$older" --created 1600000000
	given_bundle "$whole" --created 1700000000 --elf "$DWS_CSM"
	given_bundle "$parts" --created 1700000000 --split "$part_bytes"
	given_key "$TEST_DIR/foreign"
}

oneTimeTearDown()
{
	registry_down fault images
}

setUp()
{
	new_prefix
	fault_rules fault '[]'
}

# tamper WHAT FILE COUNT [OPTION...] -- COMMAND...: of a copy, $spoilt.
tamper()
{
	local what=$1

	if [ ! "$2" -ef "$spoilt" ]; then
		# With the mode that it has.
		rm -f "$spoilt"
		cp "$2" "$spoilt"
	fi
	"$root/tests/cli/tamper.py" "$what" "$spoilt" --seed "$seed" \
		--count "$3" "${@:4}" >"$TEST_DIR/tampered" 2>&1 ||
		fail "$what of ${2##*/}: $(<"$TEST_DIR/tampered")"
	echo "$what of ${2##*/}, seed $seed: $(<"$TEST_DIR/tampered")"
	bundle_py map "$spoilt"
}

# Each of $forged/KIND in turn: $file.
forge()
{
	[ ! -d "$forged" ] || return 0
	must "$root/tests/cli/forge.py" "$plain" "$key.pem" \
		"$TEST_DIR/foreign.pem" "$older" "$forged"
}

# assert_refused WHAT [CODE...]: the last command, with a message.
assert_refused()
{
	local what=$1

	shift
	[ $# -gt 0 ] || set -- 9
	[[ " $* " == *" $rc "* ]] ||
		fail "$what: exit code $rc, not $*: $err"
	[[ $err == *'dws-csm: '* ]] || fail "$what: no message: $err"
}

# Requests that change something in the registry.
registry_writes()
{
	fault_count fault '.method | test("^(POST|PUT|PATCH|DELETE)$")'
}

assert_registry_untouched()
{
	assertEquals 'writes that the registry saw' 0 "$(registry_writes)"
	assert_no_tag
}

push_bundle()
{
	push --bundle "$1" --trust "${2:-$key.pub}"
}

# --- untouched --------------------------------------------------------------

test_untouched_bundles_are_believed()
{
	local file

	for file in "$plain" "$older" "$whole" "$parts"; do
		bundle_py check "$file" --pub "$key.pub"
		bundle_verify "$file"
		assert_rc 0
	done
	command_line=whole
	out=$("$whole" bundle verify --trust "$key.pub" 2>&1)
	assertEquals "its own: $out" 0 $?
}

test_skopeo_reads_an_untouched_bundle()
{
	local reference

	for reference in "registry.local/$dws" \
		registry.local/kube-rbac-proxy:v0.14.1; do
		must skopeo inspect "oci-archive:$plain:$reference"
		rm -rf "$TEST_DIR/copy"
		must skopeo copy --insecure-policy \
			"oci-archive:$plain:$reference" "dir:$TEST_DIR/copy"
	done
}

test_openssl_verifies_the_signature()
{
	local at len

	read -r at len < <(region "$plain" content bundle.json)
	tail -c "+$((at + 1))" "$plain" | head -c "$len" >"$TEST_DIR/json"
	read -r at len < <(region "$plain" content bundle.json.sig)
	tail -c "+$((at + 1))" "$plain" | head -c "$len" |
		base64 -d >"$TEST_DIR/sig"
	must openssl dgst -sha256 -verify "$key.pub" -signature \
		"$TEST_DIR/sig" "$TEST_DIR/json"
}

test_an_untouched_bundle_is_pushed()
{
	push_bundle "$plain"
	assert_rc 0
	assert_same_image "$inputs/oci"
	assertNotEquals 'writes' 0 "$(registry_writes)"
}

# Two programs that know of each other only the description of the format.
test_create_makes_the_bytes_that_the_description_wants()
{
	local made=$TEST_DIR/made again=$TEST_DIR/again like=$TEST_DIR/like

	run_dws bundle create "$made" --release "$release" \
		--from "oci:$inputs/oci" --doc "$inputs/docs/INSTALL.md" \
		--rpm "$inputs"/rpms/*.rpm
	assert_rc 0
	bundle_py check "$made"
	# The objects are printed in another form there.
	cp -r "$inputs" "$like"
	tar -xOf "$made" "manifests/$release.yaml" \
		>"$like/manifests/$release.yaml"
	bundle_py make "$like" "$again" --like "$made"
	assertEquals 'bytes' '' "$(cmp "$made" "$again" 2>&1)"
}

# --- bits and lengths -------------------------------------------------------

test_each_flipped_bit_is_refused()
{
	tamper flips "$plain" 1000 -- \
		"$DWS_CSM" bundle verify "$spoilt" --trust "$key.pub"
}

test_each_truncation_is_refused()
{
	tamper truncations "$plain" 100 -- \
		"$DWS_CSM" bundle verify "$spoilt" --trust "$key.pub"
}

test_each_flipped_bit_of_an_executable_is_refused()
{
	tamper flips "$whole" 100 -- \
		"$DWS_CSM" bundle verify "$spoilt" --trust "$key.pub"
}

# It may die of it, since it is the program itself that is spoilt.
test_an_executable_with_a_flipped_bit_does_not_believe_itself()
{
	tamper flips "$whole" 60 --any -- \
		"$spoilt" bundle verify --trust "$key.pub"
}

test_each_truncation_of_an_executable_is_refused()
{
	tamper truncations "$whole" 20 -- \
		"$DWS_CSM" bundle verify "$spoilt" --trust "$key.pub"
}

test_flipped_bits_are_refused_before_the_registry_hears_of_it()
{
	tamper flips "$plain" 40 -- "$DWS_CSM" images push \
		--bundle "$spoilt" --trust "$key.pub" \
		--registry "$proxy/$prefix" --authfile "$REGISTRY_AUTHFILE" \
		--registry-ca "$REGISTRY_CA"
	assert_registry_untouched
	push_bundle "$spoilt"
	assert_rc 0
}

# --- forgeries --------------------------------------------------------------

test_each_forgery_is_refused()
{
	local file tried=0

	forge
	for file in "$forged"/refused/*; do
		bundle_verify "$file"
		assert_refused "${file##*/}"
		tried=$((tried + 1))
	done
	echo "$tried forgeries"
	assertTrue "$tried forgeries" "[ $tried -gt 50 ]"
}

test_forgeries_are_refused_before_the_registry_hears_of_it()
{
	local file

	forge
	for file in "$forged"/refused/*; do
		push_bundle "$file"
		assert_refused "${file##*/}"
	done
	assert_registry_untouched
}

# What nobody but the owner of the key can make, and a faulty program would.
test_what_is_signed_and_wrong_is_refused()
{
	local file tried=0

	forge
	for file in "$forged"/broken/*; do
		bundle_verify "$file"
		assert_refused "${file##*/}" 1 9
		assertNotContains "${file##*/}" "$err" $'\e'
		tried=$((tried + 1))
	done
	echo "$tried wrong ones"
	assertTrue "$tried wrong ones" "[ $tried -gt 60 ]"
}

test_what_is_odd_and_right_is_taken()
{
	local file

	forge
	for file in "$forged"/good/*; do
		bundle_verify "$file"
		assert_rc 0
	done
}

test_no_text_of_a_stranger_reaches_the_terminal()
{
	local file option

	forge
	for file in "$forged"/shown/* "$forged"/broken/*; do
		for option in '' --sbom '-o yaml'; do
			[[ -z $option || $file == */shown/* ]] || continue
			# shellcheck disable=SC2086 # two words, or none
			run_dws bundle inspect "$file" $option
			[ "$rc" -le 9 ] || fail "${file##*/}: $rc: $err"
			assertNotContains "${file##*/} $option" \
				"$out$err" $'\e'
		done
	done
}

test_an_unsigned_bundle_is_refused_unless_allowed()
{
	bundle_py make "$inputs" "$spoilt" --created 1700000000
	bundle_verify "$spoilt"
	assert_refused 'unsigned'
	assert_err unsigned
	push_bundle "$spoilt"
	assert_refused 'unsigned'
	assert_registry_untouched
	bundle_verify "$spoilt" --allow-unsigned
	assert_rc 0
	# That does not make a wrong signature a right one, nor a wrong digest.
	tamper flips "$spoilt" 100 -- "$DWS_CSM" bundle verify "$spoilt" \
		--trust "$key.pub" --allow-unsigned
	bundle_py sign "$spoilt" "$TEST_DIR/foreign.pem"
	bundle_verify "$spoilt" --allow-unsigned
	assert_refused 'signed by a foreign key'
}

test_a_foreign_key_is_refused_by_name()
{
	run_dws bundle verify "$plain" --trust "$TEST_DIR/foreign.pub"
	assert_refused 'a foreign key'
	push_bundle "$plain" "$TEST_DIR/foreign.pub"
	assert_refused 'a foreign key'
	assert_registry_untouched
	mkdir -p "$TEST_DIR/nobody"
	push_bundle "$plain" "$TEST_DIR/nobody"
	assert_refused 'no key'
	assert_registry_untouched
}

# --- executables ------------------------------------------------------------

test_executable_and_bundle_belong_together()
{
	local start size

	read -r start _ < <(region "$whole" header bundle.json)
	size=$(stat -c %s "$whole")
	# Another program before it, of the same length.
	cp "$whole" "$spoilt"
	printf 'other' | dd of="$spoilt" bs=1 seek=$((start / 2)) \
		conv=notrunc status=none
	bundle_verify "$spoilt"
	assert_refused 'another program'
	# A bundle that knows of no program.
	{
		head -c "$start" "$whole"
		cat "$plain"
	} >"$spoilt"
	bundle_verify "$spoilt"
	assert_refused 'a program that the bundle does not name'
	# Its bundle alone.
	tail -c "$((size - start))" "$whole" >"$spoilt"
	bundle_verify "$spoilt"
	assert_refused 'a bundle without its program'
	# The bundle somewhere else.
	{
		head -c "$start" "$whole"
		head -c 512 /dev/zero
		tail -c "$((size - start))" "$whole"
	} >"$spoilt"
	bundle_verify "$spoilt"
	assert_refused 'further behind'
	# Something else behind it.
	{
		head -c "$start" "$whole"
		seq 1000
	} >"$spoilt"
	chmod +x "$spoilt"
	bundle_verify "$spoilt"
	assert_refused 'no bundle behind'
	DWS_CSM=$spoilt push
	assert_refused 'a program with something else behind it'
}

test_an_executable_pushes_nothing_that_was_changed()
{
	local at bit end

	read -r at _ < <(region "$whole" content manifests/"$release".yaml)
	rm -f "$spoilt"
	cp "$whole" "$spoilt"
	# The first is of the section headers, which no run of it needs.
	read -r _ end < <(region "$whole" elf)
	for bit in $((end * 8 - 100)) $((at * 8)) \
		$((($(stat -c %s "$whole") - 1) * 8)); do
		flip_bit "$spoilt" "$bit"
		DWS_CSM=$spoilt push --trust "$key.pub"
		assert_refused "bit $bit"
		flip_bit "$spoilt" "$bit"
	done
	assert_registry_untouched
	DWS_CSM=$spoilt push --trust "$key.pub"
	assert_rc 0
}

# --- parts ------------------------------------------------------------------

# given_parts: copies of them, $spoilt.partNNN.
given_parts()
{
	local part

	rm -f "$spoilt" "$spoilt".part*
	for part in "$parts".part*; do
		cp "$part" "$spoilt.${part##*.}"
	done
}

test_parts_that_are_not_its_own_are_refused()
{
	local last what

	given_parts
	bundle_verify "$spoilt"
	assert_rc 0
	bundle_verify "$spoilt.part001"
	assert_rc 0
	last=$(printf '%s\n' "$spoilt".part* | tail -n 1)
	for what in first middle last more exchanged flipped shorter empty \
		longer another; do
		given_parts
		case $what in
		first) rm "$spoilt.part001" ;;
		middle) rm "$spoilt.part003" ;;
		last) rm "$last" ;;
		more) cp "$last" "${last%.*}.part$(printf %03d \
			$((10#${last##*.part} + 1)))" ;;
		exchanged)
			mv "$spoilt.part002" "$TEST_DIR/part"
			mv "$spoilt.part003" "$spoilt.part002"
			mv "$TEST_DIR/part" "$spoilt.part003"
			;;
		flipped) flip_bit "$spoilt.part004" 4242 ;;
		shorter) truncate -s -1 "$last" ;;
		empty) : >"$spoilt.part002" ;;
		longer) echo >>"$spoilt.part002" ;;
		another) head -c "$part_bytes" "$older" >"$spoilt.part001" ;;
		esac
		bundle_verify "$spoilt"
		# A part that lacks is told as such.
		assert_refused "$what" 1 9
		push_bundle "$spoilt"
		assert_refused "$what" 1 2 9
	done
	assert_registry_untouched
	rm -f "$spoilt".part*
}

# shellcheck source=/dev/null
. shunit2
