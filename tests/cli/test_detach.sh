#!/bin/bash
# What custom resources may lose while they are carried: finalizers are taken
# off before their CRD goes, and come back whatever happens in between; what is
# being deleted goes on doing so; and no controller sees half of them.

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/transaction.sh
. "$(dirname "${BASH_SOURCE[0]}")/transaction.sh"

upgrade=(upgrade --skip-images --timeout 60s)
storage=storages.$group

oneTimeSetUp()
{
	seed_images "$old" "$new"
	kube_proxy || fail 'the proxy does not start'
	given_old
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	spoil ''
	set_free rabbit-0
	set_free rabbit-1
	given_no_dws
	server_stop kube
}

# set_free NAME
set_free()
{
	kubectl -n default patch "$storage" "$1" --type=merge \
		-p '{"metadata": {"finalizers": null}}' >/dev/null 2>&1
}

# held NAME: by somebody's finalizer.
held()
{
	must kubectl -n default patch "$storage" "$1" --type=merge \
		-p '{"metadata": {"finalizers": ["example.com/site"]}}'
}

setUp()
{
	spoil ''
	set_free rabbit-0
	set_free rabbit-1
	rm -f "$TEST_DIR/state.old"
	given_old
	held rabbit-0
	held rabbit-1
	must kubectl -n default label "$storage" rabbit-1 site=mine
	note_state old
	custom_resources >"$TEST_DIR/custom.old"
}

dying()
{
	must kubectl -n default delete "$storage" rabbit-1 --wait=false
}

is_dying()
{
	kubectl -n default get "$storage" rabbit-1 -o json |
		jq -e '.metadata.deletionTimestamp and
			.metadata.finalizers == ["example.com/site"]'
}

guarded()
{
	spoil '{"method": "DELETE", "path": "/customresourcedefinitions/",
		"status": 403, "headers": {"Content-Type": "application/json"},
		"body": {"kind": "Status", "apiVersion": "v1",
		"status": "Failure", "code": 403, "reason": "Forbidden",
		"message": "CRDs are guarded"}}'
}

killed_before_the_first_crd_goes()
{
	spoil "{\"method\": \"DELETE\", \"path\": \"/customresourcedefinitions/\",
		\"kill\": \"before\", \"pidfile\": \"$TEST_DIR/pid\"}"
	run_proxied "${upgrade[@]}"
	assert_rc 137
}

# carried_over: to the other release, nothing missing.
assert_carried_over()
{
	assertEquals 'custom resources' '' \
		"$(custom_resources | diff "$TEST_DIR/custom.old" -)"
}

test_way_back_gives_finalizers_back()
{
	guarded
	run_proxied "${upgrade[@]}"
	assert_rc 7
	assert_err 'CRDs are guarded'
	assert_whole old
}

test_way_back_brings_back_what_was_being_deleted()
{
	dying
	guarded
	run_proxied "${upgrade[@]}"
	assert_rc 7
	assertTrue 'it is still being deleted' 'is_dying >/dev/null'
}

test_resume_gives_finalizers_back()
{
	killed_before_the_first_crd_goes
	run_dws resume
	assert_rc 0
	assert_carried_over
}

test_resume_carries_what_was_being_deleted()
{
	dying
	killed_before_the_first_crd_goes
	run_dws resume
	assert_rc 0
	assertTrue 'it is still being deleted' 'is_dying >/dev/null'
}

test_rollback_by_hand_gives_finalizers_back()
{
	dying
	killed_before_the_first_crd_goes
	run_dws rollback
	assert_rc 0
	assertTrue 'it is still being deleted' 'is_dying >/dev/null'
	assertEquals 'finalizers' example.com/site "$(kubectl -n default \
		get "$storage" rabbit-0 -o 'jsonpath={.metadata.finalizers[*]}')"
}

# hook PATH COMMAND...: before the first such request goes upstream.
hook()
{
	local path=$1

	shift
	printf '#!/bin/bash\n%s >>%s 2>&1\n' "$*" "$TEST_DIR/hook.out" \
		>"$TEST_DIR/hook"
	chmod +x "$TEST_DIR/hook"
	rm -f "$TEST_DIR/hook.out"
	spoil "{\"method\": \"POST|PATCH\", \"path\": \"$path\", \"times\": 1,
		\"run\": [\"$TEST_DIR/hook\"]}"
}

test_controllers_start_when_all_is_restored()
{
	hook '/v1alpha7/namespaces/default/storages$' \
		"$KUBECTL" -n dws-system get deployments -o name
	run_proxied "${upgrade[@]}"
	assert_rc 0
	assertEquals 'while resources are restored' \
		deployment.apps/dws-webhook "$(<"$TEST_DIR/hook.out")"
	assert_carried_over
}

test_status_that_a_controller_makes_up_does_not_stay()
{
	hook '/storages/rabbit-0/status' \
		curl -sS --fail -X PATCH --cacert "$KUBE_CA" \
		--cert "$T/pki/admin.crt" --key "$T/pki/admin.key" \
		-H "'Content-Type: application/merge-patch+json'" \
		-d "'{\"status\": {\"status\": \"Starting\"}}'" \
		"$KUBE_SERVER/apis/$group/v1alpha7/namespaces/default/storages/rabbit-0/status"
	run_proxied "${upgrade[@]}"
	assert_rc 0
	assertContains "$(<"$TEST_DIR/hook.out")" Starting
	assert_carried_over
}

# shellcheck disable=SC1091 # Debian's
. shunit2
