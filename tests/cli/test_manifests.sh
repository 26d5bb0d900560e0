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
	status=$?
	assertEquals "$(<"$TEST_DIR/reference")" 0 "$status"
	# The same as in a clone that stands alone: by digests.
	DWS_REFERENCE=$TEST_DIR/none "$root/tests/cli/reference.py" \
		--version "$1" "$TEST_DIR/out" >"$TEST_DIR/reference" 2>&1
	status=$?
	assertEquals "$(<"$TEST_DIR/reference")" 0 "$status"
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
	"$root/tests/cli/reference.py" "$TEST_DIR/out" \
		>"$TEST_DIR/reference"
	assertEquals 'reference.py' 1 $?
	assertContains 'its complaint' "$(<"$TEST_DIR/reference")" dws-webhook
}

test_default_release_and_form()
{
	run_dws manifests --version 0.1.17 -o yaml
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
	run_dws manifests --list -o json
	assert_json '[.[] | select(.default).version] | join(" ")' 0.1.17
}

# kubectl_accepts OBJECTS ARG...
kubectl_accepts()
{
	local wanted=$1

	shift
	run_dws manifests "$@"
	assert_rc 0
	kubectl apply --dry-run=client -f "$TEST_DIR/out" \
		>"$TEST_DIR/applied" 2>&1
	status=$?
	assertEquals "$(<"$TEST_DIR/applied")" 0 "$status"
	assertEquals 'objects' "$wanted" "$(wc -l <"$TEST_DIR/applied")"
}

test_kubectl_accepts_it()
{
	cert_manager v1alpha2 v1alpha3
	kubectl_accepts 64 -o yaml
	kubectl_accepts 64 -o json
	kubectl_accepts 35 -o yaml --version 0.0.20
	kubectl_accepts 35 -o json --version 0.0.20
	cert_manager
}

# Nothing else is another than upstream has it.
test_host_time_is_stripped_when_told()
{
	run_dws manifests --host-time keep -o json
	assert_rc 0
	assert_json '[.items[] | .spec.template.spec.volumes[]? |
		select(.hostPath)] | length' 4
	jq '.items |= map(if .kind != "Deployment" then . else
		.spec.template.spec |= (
			.volumes |= map(select(.hostPath | not)) |
			if .volumes == [] then del(.volumes) else . end |
			.containers |= map(if .volumeMounts then
				.volumeMounts |= map(select(
					.name != "localtime" and
					.name != "tzdata"))
				else . end |
				if .volumeMounts == [] then
				del(.volumeMounts) else . end)) end)' \
		"$TEST_DIR/out" >"$TEST_DIR/wanted"
	run_dws manifests --host-time strip -o json
	assert_rc 0
	"$root/tests/cli/reference.py" "$TEST_DIR/out" "$TEST_DIR/wanted" \
		>"$TEST_DIR/reference" 2>&1
	status=$?
	assertEquals "$(<"$TEST_DIR/reference")" 0 "$status"
	assert_json '[.. | .hostPath? | values] | length' 0
	run_dws manifests --host-time strip --version 0.0.20 -o json
	assert_rc 0
	"$root/tests/cli/reference.py" --version 0.0.20 "$TEST_DIR/out" \
		>"$TEST_DIR/reference" 2>&1
	status=$?
	assertEquals "$(<"$TEST_DIR/reference")" 0 "$status"
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
