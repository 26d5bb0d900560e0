#!/bin/bash
# Keys and signatures: what the program makes others check, and the other way
# round.
# servers: none

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/bundles.sh
. "$(dirname "${BASH_SOURCE[0]}")/bundles.sh"

plain=$TEST_DIR/plain.bundle
own=$TEST_DIR/own
typist=$root/tests/cli/typist.py

oneTimeSetUp()
{
	given_bundle "$plain"
	echo >"$TEST_DIR/empty"
	keygen "$own" ''
}

# keygen NAME PASSWORD [OPTION...]
keygen()
{
	echo "$2" | must "$DWS_CSM" bundle keygen "$1" --key-password-stdin \
		--force "${@:3}"
}

# dws_with STDIN ARG...: as run_dws, with that on standard input.
dws_with()
{
	command_line="dws-csm ${*:2}"
	"$DWS_CSM" "${@:2}" >"$TEST_DIR/out" 2>"$TEST_DIR/err" <<<"$1"
	rc=$?
	out=$(<"$TEST_DIR/out")
	err=$(<"$TEST_DIR/err")
}

# dws_at_terminal LINE... -- ARG...
dws_at_terminal()
{
	local typed=()

	while [ "$1" != -- ]; do
		typed+=(--type "$1")
		shift
	done
	shift
	command_line="dws-csm $*"
	"$typist" "${typed[@]}" "$DWS_CSM" "$@" >"$TEST_DIR/out" 2>&1
	rc=$?
	out=$(<"$TEST_DIR/out")
	err=$out
}

fingerprint_of()
{
	openssl pkey -pubin -in "$1" -outform DER | sha256sum | cut -c 1-64
}

# openssl_verify BUNDLE PUB: the signature out of the bundle, by openssl alone.
openssl_verify()
{
	local dir=$TEST_DIR/openssl

	rm -rf "$dir"
	mkdir "$dir"
	tar -C "$dir" -xf "$1" bundle.json bundle.json.sig || return
	base64 -d "$dir/bundle.json.sig" >"$dir/der" || return
	openssl dgst -sha256 -verify "$2" -signature "$dir/der" \
		"$dir/bundle.json" >"$dir/out" 2>&1
}

test_keygen_makes_a_pair_that_openssl_reads()
{
	local name=$TEST_DIR/pair

	dws_with '' bundle keygen "$name" --key-password-stdin
	assert_rc 0
	assertEquals 'mode of the private key' 600 "$(stat -c %a "$name.key")"
	assertEquals 'mode of the public key' 644 "$(stat -c %a "$name.pub")"
	assert_out "sha256:$(fingerprint_of "$name.pub")" \
		/etc/dws-csm/trust.d 'without a password'
	assertEquals 'its public half' "$(<"$name.pub")" \
		"$(openssl pkey -in "$name.key" -pubout)"
}

test_keygen_leaves_keys_alone_that_are_there()
{
	local name=$TEST_DIR/there before

	keygen "$name" ''
	before=$(cat "$name.key" "$name.pub")
	dws_with '' bundle keygen "$name" --key-password-stdin
	assert_rc 2
	assert_err "'$name.key' is there already" --force
	rm "$name.key"
	dws_with '' bundle keygen "$name" --key-password-stdin
	assert_rc 2
	assert_err "'$name.pub' is there already"
	assertFalse 'no key without its public half' "[ -e '$name.key' ]"
	dws_with '' bundle keygen "$name" --key-password-stdin --force
	assert_rc 0
	assertNotEquals "$before" "$(cat "$name.key" "$name.pub")"
	before=$(<"$name.key")
	rm "$name.pub"
	mkdir "$name.pub"
	dws_with '' bundle keygen "$name" --key-password-stdin --force
	assert_rc 1
	assertEquals 'the only private key' "$before" "$(<"$name.key")"
	rmdir "$name.pub"
}

test_keygen_encrypts_with_the_password()
{
	local name=$TEST_DIR/secret

	keygen "$name" 'open sesame'
	grep -q 'BEGIN ENCRYPTED PRIVATE KEY' "$name.key" ||
		fail 'the key is not encrypted'
	assertEquals "$(<"$name.pub")" "$(openssl pkey -in "$name.key" \
		-passin 'pass:open sesame' -pubout)"
	assertFalse 'another password opens it' \
		"openssl pkey -in '$name.key' -passin pass:x"
}

test_keygen_asks_twice_at_a_terminal_and_shows_nothing()
{
	local name=$TEST_DIR/typed

	dws_at_terminal s3same s3same -- bundle keygen "$name"
	assert_rc 0
	assert_out 'Password of the new key' 'again'
	assertNotContains "$out" s3same
	must openssl pkey -in "$name.key" -passin pass:s3same -noout
	dws_at_terminal s3same different -- bundle keygen "$name.two"
	assert_rc 2
	assert_out 'the two passwords differ'
	assertFalse 'no key' "[ -e '$name.two.key' ]"
}

test_keygen_without_anybody_to_ask_makes_no_key()
{
	setsid -w "$DWS_CSM" bundle keygen "$TEST_DIR/alone" </dev/null \
		>"$TEST_DIR/out" 2>&1
	assertEquals 'exit code' 2 $?
	assertContains "$(<"$TEST_DIR/out")" --key-password-stdin
	assertFalse 'no key' "[ -e '$TEST_DIR/alone.key' ]"
	run_dws bundle keygen
	assert_rc 2
	run_dws bundle keygen "$TEST_DIR/nowhere/key" --key-password-stdin
	assert_rc 1
	assert_err nowhere
}

test_sign_makes_what_openssl_and_verify_accept()
{
	local bundle=$TEST_DIR/signed.bundle

	cp "$plain" "$bundle"
	openssl_verify "$bundle" "$own.pub" && fail 'signed by that key before'
	run_dws bundle sign "$bundle" --key "$own.key"
	assert_rc 0
	assert_out "sha256:$(fingerprint_of "$own.pub")"
	openssl_verify "$bundle" "$own.pub" ||
		fail "$(<"$TEST_DIR/openssl/out")"
	run_dws bundle verify "$bundle" --trust "$own.pub" -o json
	assert_rc 0
	assert_json .signature.key "$own.pub"
	assert_json .signature.fingerprint \
		"sha256:$(fingerprint_of "$own.pub")"
	run_dws bundle verify "$bundle" --trust "$key.pub"
	assert_rc 9
	assert_err 'not signed by a trusted key' "$key.pub"
}

test_sign_changes_the_signature_alone()
{
	local bundle=$TEST_DIR/same.bundle offset first

	cp "$plain" "$bundle"
	run_dws bundle sign "$bundle" --key "$own.key"
	assert_rc 0
	assertEquals 'size' "$(stat -c %s "$plain")" "$(stat -c %s "$bundle")"
	read -r offset _ <<<"$(region "$plain" header bundle.json.sig)"
	for first in $(cmp -l "$plain" "$bundle" | awk '{ print $1 - 1 }'); do
		if [ "$first" -lt "$offset" ] ||
			[ "$first" -ge $((offset + 1024)) ]; then
			fail "byte $first changed, the signature is at $offset"
			break
		fi
	done
	bundle_py check "$bundle" --pub "$own.pub"
}

test_sign_reaches_into_parts_and_behind_executables()
{
	local whole=$TEST_DIR/whole parts=$TEST_DIR/parts.bundle part_bytes
	local offset

	given_bundle "$whole" --elf "$DWS_CSM"
	run_dws bundle sign "$whole" --key "$own.key"
	assert_rc 0
	assertTrue 'still a program' "[ -x '$whole' ]"
	bundle_py check "$whole" --pub "$own.pub"
	# One boundary within the header of the signature, so that it lies in
	# two parts.
	read -r offset _ <<<"$(region "$plain" header bundle.json.sig)"
	part_bytes=$((offset + 700))
	given_bundle "$parts" --split "$part_bytes"
	run_dws bundle sign "$parts" --key "$own.key"
	assert_rc 0
	bundle_py check "$parts" --pub "$own.pub"
	run_dws bundle verify "$parts" --trust "$own.pub" -o json
	assert_rc 0
	assertTrue 'several parts' "[ $(jq .parts "$TEST_DIR/out") -gt 1 ]"
}

test_sign_follows_a_link()
{
	given_bundle "$TEST_DIR/linked.bundle"
	ln -sf linked.bundle "$TEST_DIR/link"
	run_dws bundle sign "$TEST_DIR/link" --key "$own.key"
	assert_rc 0
	assertTrue 'still a link' "[ -L '$TEST_DIR/link' ]"
	bundle_py check "$TEST_DIR/linked.bundle" --pub "$own.pub"
}

test_a_running_executable_is_not_signed()
{
	local whole=$TEST_DIR/running

	given_bundle "$whole" --elf "$DWS_CSM"
	must chmod +x "$whole"
	"$whole" bundle sign "$whole" --key "$own.key" >"$TEST_DIR/out" 2>&1
	assertEquals 'exit code' 1 $?
	assertContains "$(<"$TEST_DIR/out")" 'it is running'
	must "$whole" bundle verify --trust "$key.pub"
}

test_sign_takes_keys_of_openssl()
{
	local pem=$TEST_DIR/openssl.pem bundle=$TEST_DIR/openssl.bundle line

	cp "$plain" "$bundle"
	while read -r line; do
		must sh -c "$line >$pem"
		dws_with sesame bundle sign "$bundle" --key "$pem" \
			--key-password-stdin
		assert_rc 0
		must openssl pkey -in "$pem" -passin pass:sesame -pubout \
			-out "$TEST_DIR/openssl.pub"
		openssl_verify "$bundle" "$TEST_DIR/openssl.pub" ||
			fail "$line: $(<"$TEST_DIR/openssl/out")"
	done <<-'END'
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:sesame
	openssl ecparam -name prime256v1 -genkey
	openssl ecparam -name prime256v1 -genkey -noout
	END
}

test_sign_asks_for_the_password_of_an_encrypted_key()
{
	local bundle=$TEST_DIR/asked.bundle

	cp "$plain" "$bundle"
	keygen "$TEST_DIR/locked" 'open sesame'
	dws_with 'open sesame' bundle sign "$bundle" \
		--key "$TEST_DIR/locked.key" --key-password-stdin
	assert_rc 0
	dws_with 'open barley' bundle sign "$bundle" \
		--key "$TEST_DIR/locked.key" --key-password-stdin
	assert_rc 9
	assert_err "$TEST_DIR/locked.key" 'password of the private key is wrong'
	assertNotContains "$err" barley
	dws_with '' bundle sign "$bundle" --key "$TEST_DIR/locked.key" \
		--key-password-stdin
	assert_rc 2
	assert_err 'no password was given'
	setsid -w "$DWS_CSM" bundle sign "$bundle" \
		--key "$TEST_DIR/locked.key" </dev/null >"$TEST_DIR/out" 2>&1
	assertEquals 'exit code without a terminal' 2 $?
	assertContains "$(<"$TEST_DIR/out")" --key-password-stdin
	dws_at_terminal 'open sesame' -- bundle sign "$bundle" \
		--key "$TEST_DIR/locked.key"
	assert_rc 0
	assert_out "Password of $TEST_DIR/locked.key"
	assertNotContains "$out" sesame
}

test_sign_says_what_is_wrong_with_a_key()
{
	run_dws bundle sign "$plain"
	assert_rc 2
	assert_err "'--key'" 'bundle keygen'
	run_dws bundle sign "$plain" --key "$TEST_DIR/nowhere.key"
	assert_rc 2
	run_dws bundle sign "$plain" --key "$own.pub"
	assert_rc 1
	assert_err 'this is a public key'
	must openssl genpkey -algorithm RSA -out "$TEST_DIR/rsa.pem"
	run_dws bundle sign "$plain" --key "$TEST_DIR/rsa.pem"
	assert_rc 1
	assert_err RSA 'ECDSA on P-256'
}

test_sign_refuses_what_is_no_bundle()
{
	local file=$TEST_DIR/other

	echo 'no bundle' >"$file"
	run_dws bundle sign "$file" --key "$own.key"
	assert_rc 1
	assertEquals 'no bundle' "$(<"$file")"
	cp "$plain" "$file"
	flip_bit "$file" $((512 * 8 + 100))
	cp "$file" "$file.before"
	run_dws bundle sign "$file" --key "$own.key"
	assert_rc 9
	cmp -s "$file" "$file.before" || fail 'it was changed'
	run_dws bundle sign "$TEST_DIR/nowhere.bundle" --key "$own.key"
	assert_rc 1
}

test_an_unsigned_bundle_is_refused_until_it_is_signed()
{
	local bundle=$TEST_DIR/unsigned.bundle

	bundle_py make "$inputs" "$bundle"
	run_dws bundle verify "$bundle" --trust "$own.pub"
	assert_rc 9
	assert_err 'is not signed' --allow-unsigned
	run_dws bundle verify "$bundle" --allow-unsigned -o json
	assert_rc 0
	assert_json .signature.state unsigned
	run_dws bundle sign "$bundle" --key "$own.key"
	assert_rc 0
	run_dws bundle verify "$bundle" --trust "$own.pub"
	assert_rc 0
}

test_keys_of_directories_count()
{
	local dir=$TEST_DIR/trust

	mkdir -p "$dir"
	run_dws bundle verify "$plain" --trust "$dir"
	assert_rc 9
	assert_err 'no public key'
	cp "$own.pub" "$dir/a.pub"
	cp "$key.pub" "$dir/b.txt"
	run_dws bundle verify "$plain" --trust "$dir"
	assert_rc 9
	assert_err "$dir/a.pub"
	cp "$key.pub" "$dir/b.pub"
	run_dws bundle verify "$plain" --trust "$dir" -o json
	assert_rc 0
	assert_json .signature.key "$dir/b.pub"
	assertNotContains "$err" chmod
	chmod o+w "$dir/b.pub"
	run_dws bundle verify "$plain" --trust "$dir"
	assert_rc 0
	assert_err "'$dir/b.pub' can be written by others" "chmod go-w $dir/b.pub"
	chmod o-w "$dir/b.pub"
	chmod g+w "$dir"
	run_dws bundle verify "$plain" --trust "$dir"
	assert_err "'$dir' can be written by others"
	chmod g-w "$dir"
	run_dws bundle verify "$plain" --trust "$own.key"
	assert_rc 2
	assert_err 'this is a private key'
}

# An /etc of its own.
test_keys_of_the_host_count_without_any_option()
{
	# shellcheck disable=SC2016 # for the shell inside
	must unshare --mount sh -c '
		mount -t tmpfs trust /etc && mkdir -p /etc/dws-csm/trust.d &&
		cp "$2" /etc/dws-csm/trust.d/site.pub &&
		"$1" bundle verify "$3"' trust "$DWS_CSM" "$key.pub" "$plain"
	run_dws bundle verify "$plain"
	assert_rc 9
	assert_err /etc/dws-csm/trust.d --trust
}

# shellcheck disable=SC1091 # Debian's
. shunit2
