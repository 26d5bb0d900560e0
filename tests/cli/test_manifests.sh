#!/bin/bash
# manifests: what is printed is what upstream has, and kubectl takes it.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# assert_reference VERSION FORMAT
assert_reference()
{
	run_dws manifests --version "$1" -o "$2"
	assert_rc 0
	assertEquals 'standard error' '' "$err"
	"$root/tests/cli/reference.py" --version "$1" "$TEST_DIR/out" \
		>"$TEST_DIR/reference" 2>&1
	assertEquals "$(<"$TEST_DIR/reference")" 0 $?
	# The same as in a clone that stands alone: by digests.
	DWS_REFERENCE=$TEST_DIR/none "$root/tests/cli/reference.py" \
		--version "$1" "$TEST_DIR/out" >"$TEST_DIR/reference" 2>&1
	assertEquals "$(<"$TEST_DIR/reference")" 0 $?
}

test_0_0_20_is_as_upstream_has_it()
{
	assert_reference 0.0.20 json
	assert_reference 0.0.20 yaml
}

test_0_1_17_is_as_upstream_has_it()
{
	assert_reference 0.1.17 json
	assert_reference 0.1.17 yaml
}

test_another_field_is_noticed()
{
	run_dws manifests -o json --replicas 2
	assert_rc 0
	"$root/tests/cli/reference.py" --version 0.0.20 "$TEST_DIR/out" \
		>"$TEST_DIR/reference"
	assertEquals 'reference.py' 1 $?
	assertContains 'its complaint' "$(<"$TEST_DIR/reference")" dws-webhook
}

test_default_release_and_form()
{
	run_dws manifests --version 0.0.20 -o yaml
	cp "$TEST_DIR/out" "$TEST_DIR/explicit"
	run_dws manifests
	assert_rc 0
	cmp -s "$TEST_DIR/out" "$TEST_DIR/explicit"
	assertEquals 'the same' 0 $?
}

test_releases_are_listed()
{
	run_dws manifests --list
	assert_rc 0
	assert_out VERSION 0.0.20 v1alpha2 0.1.17 v1alpha7
}

test_kubectl_accepts_it()
{
	local format

	cert_manager v1alpha2 v1alpha3
	for format in yaml json; do
		run_dws manifests -o $format
		assert_rc 0
		kubectl apply --dry-run=client -f "$TEST_DIR/out" \
			>"$TEST_DIR/applied" 2>&1
		assertEquals "$(<"$TEST_DIR/applied")" 0 $?
		assertEquals 'objects' 35 "$(wc -l <"$TEST_DIR/applied")"
	done
	cert_manager
}

test_registry_is_written_into_the_images()
{
	run_dws manifests --registry nexus.example.com:5000/hpe -o json
	assert_rc 0
	assert_json '[.items[] | select(.kind == "Deployment") |
		.spec.template.spec.containers[].image] | unique | join(" ")' \
		"nexus.example.com:5000/hpe/dws:$release nexus.example.com:5000/hpe/kube-rbac-proxy:v0.14.1"
}

test_wrong_use()
{
	run_dws manifests --version 9.9.9
	assertNotEquals 'exit code' 0 "$rc"
	assert_err "'9.9.9'" 0.0.20 0.1.17
	run_dws manifests -o table
	assert_rc 2
	assert_err yaml json
	run_dws manifests extra
	assert_rc 2
	assert_err "'extra'"
}

test_full_disk_is_told()
{
	"$DWS_CSM" manifests >/dev/full 2>"$TEST_DIR/err"
	rc=$? command_line='dws-csm manifests >/dev/full'
	err=$(<"$TEST_DIR/err")
	assert_rc 1
	assert_err 'No space left'
}

# shellcheck disable=SC1091 # Debian's
. shunit2
