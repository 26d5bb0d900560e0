#!/bin/bash
# upgrade, rollback and resume: from one release to another and back, with
# custom resources of each kind, on a real API server.

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/transaction.sh
. "$(dirname "${BASH_SOURCE[0]}")/transaction.sh"

oneTimeSetUp()
{
	seed_images "$old" "$new"
	make_images "$new"
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	given_no_dws
	cert_manager
}

# few_kinds: from now on, without the state of before.
few_kinds()
{
	only_kinds PersistentStorageInstance Servers Storage SystemStatus Workflow
	[ -e "$TEST_DIR/few" ] || rm -f "$TEST_DIR/state.old"
	touch "$TEST_DIR/few"
}

# given_new: the same after an upgrade.
given_new()
{
	given_old
	run_dws upgrade --skip-images
	assert_rc 0
}

# assert_custom FILE: custom resources are as they were, but for their version.
assert_custom()
{
	assertEquals 'custom resources' '' \
		"$(custom_resources | diff "$1" - | head -n 20)"
}

# assert_rests: as after a transaction that ended.
assert_rests()
{
	assertEquals 'what is left open' '' "$(nothing_open)"
}

# assert_objects RELEASE [CERT-MANAGER-VERSION]: as that release has them, and
# as upstream's reference of it where that is at hand.
assert_objects()
{
	local reference=${DWS_REFERENCE:-$root/../shared/reference/dws}/$1

	release=$1
	assert_as_released "${@:2}"
	[ -e "$reference/csm.yaml" ] || return 0
	"$root/tests/cli/reference.py" --live --version "$1" \
		--without cert-manager.io "$TEST_DIR/live.json" \
		>"$TEST_DIR/reference" 2>&1
	status=$?
	assertEquals "$(<"$TEST_DIR/reference")" 0 "$status"
}

# deployed VERSION: what the newest revision that is deployed says.
assert_deployed()
{
	run_dws history -o json
	assert_json '[.[] | select(.status == "deployed") | .version] |
		join(" ")' "$1"
}

workflow_of()
{
	storage=$1
	workflow "$2" default 4711
	no_workflow "$2" default
}

# --- there and back ---------------------------------------------------------

test_the_newest_release_and_back()
{
	local images

	mapfile -t images < <(from_archives "$new")
	given_old
	run_dws upgrade "${images[@]}" --registry-ca "$REGISTRY_CA"
	assert_rc 0
	assert_err "$new"
	assertEquals 'standard output' '' "$out"
	assert_objects "$new"
	assert_custom "$TEST_DIR/custom.old"
	assert_deployed "$new"
	assert_rests
	workflow_of v1alpha7 after-upgrade
	run_dws rollback --skip-images
	assert_rc 0
	assert_err "$old"
	assert_objects "$old"
	assert_whole old
	assert_deployed "$old"
	workflow_of v1alpha2 after-rollback
	run_dws history -o json
	assert_json '[.[-3:][] | .version + " " + .operation] | join(", ")' \
		"$old install, $new upgrade, $old rollback"
	assert_json '[.[-3:][].status] | join(" ")' \
		'superseded superseded deployed'
}

test_dry_run_changes_nothing()
{
	given_old
	run_dws upgrade --skip-images --dry-run
	assert_rc 0
	assert_out "systemstatuses.$group" dws-controller-manager
	assert_whole old
	run_dws upgrade --skip-images --dry-run -o json
	assert_rc 0
	assert_json '.steps | length > 60' true
	assert_whole old
}

# By kubectl, with what a hand had changed besides.
test_what_was_made_by_hand_and_back()
{
	given_no_dws
	cert_manager v1alpha2 v1alpha3
	given_namespace
	"$DWS_CSM" manifests --version "$old" | sed \
		-e 's/- --leader-elect$/&\n        - --of-the-hand/' \
		-e 's/^  name: dws-webhook-service$/&\n  labels: {of-the-hand: "yes"}/' \
		>"$TEST_DIR/hand.yaml"
	must kubectl apply -f "$TEST_DIR/hand.yaml"
	eventually 'the Deployments' kubectl -n dws-system wait \
		--for=condition=Available --timeout=20s \
		deployment/dws-controller-manager deployment/dws-webhook
	given_resources "$old"
	note_state hand
	custom_resources >"$TEST_DIR/custom.hand"
	run_dws upgrade --skip-images
	assert_rc 0
	assert_objects "$new" cert-manager.io/v1alpha3
	assert_custom "$TEST_DIR/custom.hand"
	assert_rests
	run_dws rollback --skip-images
	assert_rc 0
	assert_whole hand
	given_no_dws
	cert_manager
	rm -f "$TEST_DIR/state.old"
}

test_any_revision_can_be_gone_back_to()
{
	local first

	few_kinds
	given_old
	run_dws history -o json
	first=$(jq -r '.[-1].revision' "$TEST_DIR/out")
	run_dws upgrade --skip-images
	assert_rc 0
	note_state new
	run_dws rollback "$first" --skip-images
	assert_rc 0
	assert_whole old
	run_dws rollback $((first + 1)) --skip-images
	assert_rc 0
	assert_whole new
	run_dws rollback 4711 --skip-images
	assert_rc 3
	assert_err 4711
	run_dws rollback "$first" --skip-images
	assert_rc 0
	assert_whole old
}

# --- custom resources -------------------------------------------------------

# As they are when it goes back, not as they were when it went there.
test_custom_resources_of_the_new_release_are_carried_back()
{
	few_kinds
	given_new
	cat >"$TEST_DIR/new.yaml" <<-END
	apiVersion: $group/v1alpha7
	kind: Storage
	metadata: {name: made-meanwhile, namespace: default, labels: {a: b}}
	spec: {state: Disabled}
	status: {capacity: 17, status: Ready, type: NVMe}
	END
	must "$root/tests/cli/resources.py" load "$TEST_DIR/new.yaml"
	custom_resources >"$TEST_DIR/custom.new"
	run_dws rollback --skip-images
	assert_rc 0
	assert_custom "$TEST_DIR/custom.new"
	must kubectl delete "storages.v1alpha2.$group" made-meanwhile
	assert_whole old
}

test_what_the_old_release_does_not_know_stops_the_rollback()
{
	few_kinds
	given_new
	cat >"$TEST_DIR/new.yaml" <<-END
	apiVersion: $group/v1alpha7
	kind: SystemStatus
	metadata: {name: of-the-system, namespace: default}
	data:
	  nodes: {rabbit-0: Enabled}
	END
	must "$root/tests/cli/resources.py" load "$TEST_DIR/new.yaml"
	note_state with-status
	run_dws rollback --skip-images
	assert_rc 3
	assert_err SystemStatus of-the-system --abandon-resources
	assert_whole with-status
	run_dws rollback --skip-images --abandon-resources SystemStatus
	assert_rc 0
	assert_whole old
}

# --- what stands in the way -------------------------------------------------

test_workflow_stops_it()
{
	few_kinds
	given_old
	storage=v1alpha2
	workflow bb4711 default 4711
	note_state with-workflow
	run_dws upgrade --skip-images
	assert_rc 3
	assert_err "'bb4711'" 4711
	assert_whole with-workflow
	no_workflow bb4711 default
	assert_whole old
}

test_same_release_is_there_already()
{
	few_kinds
	given_new
	note_state new
	run_dws upgrade --skip-images
	assert_rc 0
	assert_err "$new" 'nothing was changed'
	assert_whole new
	run_dws rollback --skip-images
	assert_rc 0
	assert_whole old
}

test_nothing_to_upgrade_is_told()
{
	few_kinds
	given_no_dws
	given_namespace
	note_state none
	run_dws upgrade --skip-images
	assert_rc 3
	assert_err "'dws-csm install'"
	run_dws rollback --skip-images
	assert_rc 3
	run_dws resume
	assert_rc 0
	assert_err 'nothing to resume'
	assert_whole none
	rm -f "$TEST_DIR/state.old"
}

# shellcheck disable=SC1091 # Debian's
. shunit2
