#!/bin/bash
# Workflows that are created while DWS is replaced: none is lost, and who is
# refused hears why.

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/transaction.sh
. "$(dirname "${BASH_SOURCE[0]}")/transaction.sh"

# What those hear who are refused at the gate.
at_the_gate='failed calling webhook "dws-upgrade-in-progress.dws-csm.io"'

oneTimeSetUp()
{
	only_kinds PersistentStorageInstance Servers Storage Workflow
	seed_images "$old" "$new"
	kube_proxy || fail 'the proxy does not start'
	cat >"$TEST_DIR/create" <<-END
	#!/bin/sh
	"$KUBECTL" --kubeconfig "$KUBECONFIG" create --validate=false \
		-f "$TEST_DIR/workflow.yaml" >"$TEST_DIR/tried" 2>&1
	END
	chmod +x "$TEST_DIR/create"
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	spoil ''
	given_no_dws
	server_stop kube
}

# upgrade_meeting VERSION RULE: an upgrade during which a Workflow of that API
# version is created just before the request that the rule says goes upstream.
upgrade_meeting()
{
	given_old
	storage=v1alpha2
	workflow meeting default 4711
	no_workflow meeting default
	sed -i "s/v1alpha2/$1/" "$TEST_DIR/workflow.yaml"
	spoil "{$2, \"nth\": 1, \"run\": [\"$TEST_DIR/create\"]}"
	run_proxied upgrade --skip-images
}

test_workflow_between_check_and_gate_stops_it()
{
	upgrade_meeting v1alpha2 '"method": "POST|PUT|PATCH",
		"path": "/validatingwebhookconfigurations",
		"names": "dws-csm-gate"'
	assertEquals "$group/meeting created" \
		"$(sed 's/^workflow\.//' "$TEST_DIR/tried")"
	assert_rc 3
	assert_err "'meeting'"
	assertEquals 'what is left open' '' "$(nothing_open)"
	no_workflow meeting default
	assert_whole old
}

test_workflow_behind_the_gate_is_refused()
{
	upgrade_meeting v1alpha2 '"method": "DELETE",
		"path": "/deployments/dws-controller-manager"'
	assert_rc 0
	assertContains "$(<"$TEST_DIR/tried")" "$at_the_gate"
	assertEquals 'what is left open' '' "$(nothing_open)"
	storage=v1alpha7
	workflow afterwards default 4712
	no_workflow afterwards default
	run_dws rollback --skip-images
	assert_rc 0
	assert_whole old
}

test_workflow_before_the_gate_opens_is_refused()
{
	upgrade_meeting v1alpha7 '"method": "DELETE", "path": "/dws-csm-gate"'
	assert_rc 0
	assertContains "$(<"$TEST_DIR/tried")" "$at_the_gate"
	run_dws rollback --skip-images
	assert_rc 0
	assert_whole old
}

# race COMMAND...: until it gets a moment without any Workflow.
race()
{
	local racer n

	rm -f "$TEST_DIR/stop"
	"$root/tests/cli/racer.py" "$TEST_DIR/stop" >"$TEST_DIR/race" &
	racer=$!
	for ((n = 0; n < 100; n++)); do
		run_dws "$@"
		[ "$rc" = 3 ] || break
		assert_err racer-
	done
	# It goes on where it was gone on.
	sleep 0.5
	touch "$TEST_DIR/stop"
	wait "$racer"
	assert_rc 0
	assertEquals 'Workflows that were lost' '[]' \
		"$(jq -c .lost "$TEST_DIR/race")"
	assertTrue 'Workflows were made' \
		"[ $(jq .made "$TEST_DIR/race") -gt 0 ]"
}

# assert_refused OPERATION: those who were refused met the gate, or found no
# Workflows at all, while their kind was away; with the storage of a kind that
# goes, the API server also drops connections ("0").
assert_refused()
{
	local others

	assertTrue "some met the gate: $(<"$TEST_DIR/race")" "jq -e \
		'.refused | any(keys[]; contains(\"dws-$1-in-progress\"))' \
		'$TEST_DIR/race' >'$TEST_DIR/jq'"
	others=$(jq -r --arg gate "\"dws-$1-in-progress." '.refused | keys[] |
		select(contains($gate) | not) |
		select(test("^404 |^405 .*terminating|^0 $") | not)' \
		"$TEST_DIR/race")
	assertEquals 'others were refused' '' "$others"
}

test_workflows_in_a_tight_loop()
{
	given_old
	race upgrade --skip-images
	assert_refused upgrade
	race rollback --skip-images
	assert_refused rollback
	assert_whole old
}

# shellcheck disable=SC1091 # Debian's
. shunit2
