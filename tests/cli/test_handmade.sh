#!/bin/bash
# An installation that somebody made by hand, as upstream's `make deploy` does
# it: kubectl apply of the csm overlay, the role for workload managers apart.

# shellcheck disable=SC2119 # arguments of the functions are optional

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

oneTimeSetUp()
{
	given_no_dws
	cert_manager v1alpha2 v1alpha3
	given_namespace
	all_objects >"$TEST_DIR/without-dws"
	upstream_of 0.0.20
}

# upstream_of VERSION: what a hand has of a release, csm.yaml and role.yaml.
upstream_of()
{
	local upstream=${DWS_REFERENCE:-$root/../shared/reference/dws}/$1

	use_release "$1"
	seed_images
	if [ -z "${DWS_CSM_OVERLAY:-}" ] && [ -e "$upstream/csm.yaml" ]; then
		cp "$upstream/csm.yaml" "$TEST_DIR/csm.yaml"
		cp "$upstream/workload_manager_role.yaml" "$TEST_DIR/role.yaml"
	else
		run_dws manifests
		cp "$TEST_DIR/out" "$TEST_DIR/csm.yaml"
		: >"$TEST_DIR/role.yaml"
	fi
}

# With all kinds of custom resources the others are.
few_kinds()
{
	only_kinds Servers Storage Workflow
	upstream_of 0.0.20
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	given_no_dws
	cert_manager
}

# by_hand FILE: client side, as upstream does; then all that follows from it.
by_hand()
{
	must kubectl apply -f "$1"
	[ ! -s "$TEST_DIR/role.yaml" ] ||
		must kubectl apply -f "$TEST_DIR/role.yaml"
	eventually 'the Deployments' kubectl -n dws-system wait \
		--for=condition=Available --timeout=20s \
		deployment/dws-controller-manager deployment/dws-webhook
}

# What running it leaves in the cluster besides.
leftovers()
{
	must kubectl -n dws-system get secret webhook-server-cert
	cat >"$TEST_DIR/leftovers.yaml" <<-END
	apiVersion: coordination.k8s.io/v1
	kind: Lease
	metadata:
	  name: a08857a2.$group
	  namespace: dws-system
	spec: {holderIdentity: dws-controller-manager-0}
	---
	apiVersion: rbac.authorization.k8s.io/v1
	kind: ClusterRoleBinding
	metadata: {name: slurm-dws-viewer}
	roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole,
	          name: workload-manager}
	subjects: [{kind: User, name: slurm, apiGroup: rbac.authorization.k8s.io}]
	END
	must kubectl apply -f "$TEST_DIR/leftovers.yaml"
}

is_as_before()
{
	all_objects | diff "$TEST_DIR/without-dws" -
}

test_status_recognises_it()
{
	given_no_dws
	by_hand "$TEST_DIR/csm.yaml"
	run_dws status
	assert_rc 0
	assert_out "DWS $release" 'by hand' "registry.local/dws:$release" \
		dws-controller-manager dws-webhook "workflows.$group"
	run_dws status -o json
	assert_rc 0
	assert_json '.version' "$release"
	assert_json '.managedBy' hand
	assert_json '[.deployments[].state] | unique | join(" ")' Ready
	assert_json '.crds | length' 9
	run_dws history
	assert_rc 0
}

test_install_adopts_it()
{
	given_no_dws
	# As an earlier hand left it: a flag and a label that are not upstream's.
	sed -e 's/- --leader-elect$/&\n        - --of-the-hand/' \
		-e 's/^  name: dws-webhook-service$/&\n  labels: {of-the-hand: "yes"}/' \
		"$TEST_DIR/csm.yaml" >"$TEST_DIR/edited.yaml"
	by_hand "$TEST_DIR/edited.yaml"
	run_dws install --skip-images
	assert_rc 0
	assert_err "DWS $release is installed"
	assert_as_released cert-manager.io/v1alpha3
	run_dws status -o json
	assert_rc 0
	assert_json '.managedBy' dws-csm
	assertEquals 'fields that stay of the hand' '' "$(live_objects \
		cert-manager.io/v1alpha3 | jq -r '.items[] |
		select(.metadata.managedFields[] |
			.manager == "kubectl-client-side-apply" and
			.operation == "Update") | .kind + " " + .metadata.name')"
	run_dws install --skip-images
	assert_rc 0
	assert_err 'nothing was changed'
	run_dws uninstall
	assert_rc 0
	eventually 'what is left' is_as_before
}

test_uninstall_removes_it_and_its_leftovers()
{
	few_kinds
	given_no_dws
	by_hand "$TEST_DIR/csm.yaml"
	leftovers
	run_dws uninstall --dry-run
	assert_rc 0
	assert_out webhook-server-cert "a08857a2.$group" workload-manager \
		slurm-dws-viewer dws-serving-cert dws-selfsigned-issuer
	run_dws uninstall
	assert_rc 0
	assert_err "DWS $release is removed"
	eventually 'what is left' is_as_before
}

test_workflow_stops_its_removal()
{
	few_kinds
	given_no_dws
	by_hand "$TEST_DIR/csm.yaml"
	workflow bb4713 default 4713
	run_dws uninstall
	assert_rc 3
	assert_err "'bb4713'"
	must kubectl -n dws-system get deployment dws-webhook
	no_workflow bb4713 default
}

# The tag tells, where the labels do not.
test_release_is_told_by_the_tag()
{
	few_kinds
	given_no_dws
	by_hand "$TEST_DIR/csm.yaml"
	must kubectl -n dws-system label deployment --all \
		app.kubernetes.io/version- app.kubernetes.io/component-
	run_dws status -o json
	assert_json '.version' "$release"
	must kubectl -n dws-system label deployment --all \
		app.kubernetes.io/version=0.0.19 app.kubernetes.io/component=dws
	run_dws status -o json
	assert_json '.version' 0.0.19
	run_dws install --skip-images
	assert_rc 3
	assert_err 0.0.19 "$release"
	run_dws uninstall
	assert_rc 0
	eventually 'what is left' is_as_before
}

test_0_1_17_by_hand_is_known_and_adopted()
{
	only_kinds
	given_no_dws
	upstream_of 0.1.17
	by_hand "$TEST_DIR/csm.yaml"
	run_dws status -o json
	assert_rc 0
	assert_json '.version' 0.1.17
	assert_json '.managedBy' hand
	assert_json '.crds | length' 10
	run_dws install --skip-images
	assert_rc 0
	assert_err 'DWS 0.1.17 is installed'
	assert_as_released cert-manager.io/v1alpha3
	run_dws uninstall
	assert_rc 0
	eventually 'what is left' is_as_before
	upstream_of 0.0.20
}

# shellcheck disable=SC1091 # Debian's
. shunit2
