#!/bin/bash
# Bundles that were tampered with are refused by `install` and `upgrade` before
# the API server or the registry sees a single write: both have a proxy before
# them that counts.

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/transaction.sh
. "$(dirname "${BASH_SOURCE[0]}")/transaction.sh"
# shellcheck source=tests/cli/bundles.sh
. "$(dirname "${BASH_SOURCE[0]}")/bundles.sh"

seed=${TAMPER_SEED:-20261123}
plain=$TEST_DIR/plain.bundle
older=$TEST_DIR/older.bundle
whole=$TEST_DIR/dws-csm-whole
spoilt=$TEST_DIR/spoilt
forged=$TEST_DIR/forged

oneTimeSetUp()
{
	only_kinds Workflow
	if ! registry_up || ! proxy_up || ! kube_proxy; then
		fail 'the servers do not start'
	fi
	given_inputs "$inputs" "$new"
	given_bundle "$plain" --created 1700000000
	given_bundle "$older" --created 1600000000
	given_bundle "$whole" --created 1700000000 --elf "$DWS_CSM"
	given_key "$TEST_DIR/foreign"
	must "$root/tests/cli/forge.py" "$plain" "$key.pem" \
		"$TEST_DIR/foreign.pem" "$older" "$forged"
	given_no_dws
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	given_no_dws
	registry_down kube fault images
}

# What the registry has already is neither sent nor read: each test begins
# with repositories of its own.
setUp()
{
	new_prefix
	fault_rules fault '[]'
	fault_rules kube '[]'
}

# The options that every change takes here.
options()
{
	printf '%s\n' --trust "${trusted:-$key.pub}" \
		--registry "$proxy/$prefix" --authfile "$REGISTRY_AUTHFILE" \
		--registry-ca "$REGISTRY_CA" --version "$new"
}

# change COMMAND [ARG...]: through both proxies.
change()
{
	local common

	mapfile -t common < <(options)
	run_proxied "$@" "${common[@]}"
}

# assert_refused WHAT [CODE]: with a message.
assert_refused()
{
	assertEquals "$1: exit code ($err)" "${2:-9}" "$rc"
	[[ $err == *'dws-csm: '* ]] || fail "$1: no message: $err"
}

# What may be asked is no change: a review of rights, a rehearsal. The Lease is
# the lock under which images are pushed, and is given back.
assert_nothing_written()
{
	assertEquals 'writes that the registry saw' 0 "$(fault_count fault \
		'.method | test("^(POST|PUT|PATCH|DELETE)$")')"
	assertEquals 'writes that the API server saw' '' "$(jq -r 'select(
		(.method | test("^(POST|PUT|PATCH|DELETE)$")) and
		(.path | test("reviews|dryRun=All|/leases") | not)) |
		"\(.method) \(.path)"' "$T/log/kube.jsonl" | sort -u)"
}

# refuses COMMAND...: each of the forgeries, and some flipped bits.
refuses()
{
	local file common count=0

	for file in "$forged"/refused/*; do
		count=$((count + 1))
		# Each was refused by `bundle verify`; here every second one.
		[ $((count % 2)) = 0 ] || continue
		change "$@" --bundle "$file"
		assert_refused "${file##*/}"
	done
	echo "$((count / 2)) forgeries"
	mapfile -t common < <(options)
	cp "$plain" "$spoilt"
	KUBECONFIG=$proxied "$root/tests/cli/tamper.py" flips "$spoilt" \
		--seed "$seed" --count 40 -- "$DWS_CSM" "$@" \
		--bundle "$spoilt" "${common[@]}" >"$TEST_DIR/tampered" 2>&1 ||
		fail "flips: $(<"$TEST_DIR/tampered")"
	echo "flips, seed $seed: $(<"$TEST_DIR/tampered")"
	bundle_py make "$inputs" "$spoilt"
	change "$@" --bundle "$spoilt"
	assert_refused unsigned
	trusted=$TEST_DIR/foreign.pub change "$@" --bundle "$plain"
	assert_refused 'a foreign key'
	assert_nothing_written
}

test_install_refuses_before_any_change()
{
	all_objects >"$TEST_DIR/before"
	refuses install
	all_objects >"$TEST_DIR/after"
	assertEquals 'objects' '' \
		"$(diff "$TEST_DIR/before" "$TEST_DIR/after" 2>&1)"
}

test_install_of_an_executable_refuses_its_own_bundle_when_changed()
{
	local at

	rm -f "$spoilt"
	cp "$whole" "$spoilt"
	read -r at _ < <(region "$whole" content "manifests/$new.yaml")
	flip_bit "$spoilt" $((at * 8 + 1))
	DWS_CSM=$spoilt change install
	assert_refused 'its own bundle'
	assert_nothing_written
}

# Without this one the refusals would prove nothing.
test_install_takes_the_untouched_bundle()
{
	change install --bundle "$plain"
	assert_rc 0
	assertNotEquals 'writes that the registry saw' 0 \
		"$(fault_count fault '.method == "PUT"')"
	assertNotEquals 'writes that the API server saw' 0 \
		"$(fault_count kube '.method == "PATCH"')"
	assert_same_image "$inputs/oci"
}

test_upgrade_refuses_before_any_change()
{
	seed_images "$old"
	given_release "$old"
	note_state old
	setUp
	refuses upgrade
	assert_whole old
}

# The same release, of a bundle that was made before the one in use.
test_an_older_bundle_is_refused_unless_allowed()
{
	local command

	given_no_dws
	change install --bundle "$plain"
	assert_rc 0
	for command in install upgrade; do
		setUp
		change "$command" --bundle "$older"
		assert_refused 'an older bundle' 3
		assert_err --allow-downgrade
		assert_nothing_written
	done
}

# shellcheck source=/dev/null
. shunit2
