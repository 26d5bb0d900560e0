#!/bin/bash
# uninstall: what stops it, what goes, and that nothing else is left or lost.

# shellcheck disable=SC2119 # arguments of the functions are optional

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

finalizer=dataworkflowservices.github.io/workflow

oneTimeSetUp()
{
	only_kinds Servers Storage Workflow
	seed_images
	given_no_dws
	given_namespace
	no_backups
	all_objects >"$TEST_DIR/without-dws"
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	given_no_dws
}

# Those that another script left, whose host this one is not, keep Namespaces.
no_backups()
{
	must kubectl -n dws-system delete secrets -l dws-csm.io/record=backup
}

# assert_only_namespace_left: all is as before the installation; garbage that
# the cluster collects by itself may take a moment.
assert_only_namespace_left()
{
	eventually 'what is left' is_as_before
}

is_as_before()
{
	all_objects | diff "$TEST_DIR/without-dws" -
}

storage()
{
	cat >"$TEST_DIR/storage.yaml" <<-END
	apiVersion: $group/$storage
	kind: Storage
	metadata: {name: rabbit-1, namespace: default}
	spec: {state: Enabled}
	END
	eventually 'Storage rabbit-1' kubectl create -f "$TEST_DIR/storage.yaml"
}

test_workflow_stops_it()
{
	local before

	given_dws
	must kubectl create namespace jobs
	workflow bb4711 jobs 4711 "$finalizer"
	before=$(live_versions)
	run_dws uninstall --yes
	assert_rc 3
	assert_err "'bb4711'" "namespace 'jobs'" 4711 "$finalizer" Proposal \
		'cancel'
	assertEquals 'objects' "$before" "$(live_versions)"
	run_dws uninstall --yes --dry-run
	assert_rc 3
	no_workflow bb4711 jobs
	must kubectl delete namespace jobs --wait=false
}

test_unknown_workflows_stop_it()
{
	local before

	given_dws
	cat >"$TEST_DIR/limited.yaml" <<-END
	apiVersion: rbac.authorization.k8s.io/v1
	kind: ClusterRole
	metadata: {name: all-but-workflows}
	rules:
	- {apiGroups: ["", apps, apiextensions.k8s.io], resources: ["*"],
	   verbs: ["*"]}
	- {apiGroups: [admissionregistration.k8s.io, rbac.authorization.k8s.io,
	   coordination.k8s.io], resources: ["*"], verbs: ["*"]}
	END
	must kubectl apply -f "$TEST_DIR/limited.yaml"
	must kubectl create clusterrolebinding all-but-workflows \
		--clusterrole=all-but-workflows --user=limited
	before=$(live_versions)
	run_dws uninstall --yes --kubeconfig "$T/limited.conf"
	assert_rc 3
	assert_err 'not known' 'nothing is removed' forbidden limited workflows
	assertEquals 'objects' "$before" "$(live_versions)"
	must kubectl delete clusterrole,clusterrolebinding all-but-workflows
}

test_custom_resources_go_only_when_told()
{
	local before

	given_dws
	storage
	before=$(live_versions)
	run_dws uninstall
	assert_rc 3
	assert_err "Storage 'rabbit-1'" "namespace 'default'" '--yes'
	assertEquals 'objects' "$before" "$(live_versions)"
	assertEquals 'the Storage' rabbit-1 "$(kubectl get \
		"storages.$storage.$group" -o jsonpath='{.items[*].metadata.name}')"
	run_dws uninstall --yes
	assert_rc 0
	assert_only_namespace_left
}

test_custom_resource_with_a_finalizer_is_waited_for()
{
	given_dws
	storage
	must kubectl patch "storages.$storage.$group" rabbit-1 --type=merge \
		-p '{"metadata":{"finalizers":["example.com/held"]}}'
	run_dws uninstall --yes --timeout 2s
	assert_rc 6
	assert_err rabbit-1 "'dws-csm uninstall' again"
	must kubectl -n dws-system get deployment dws-controller-manager
	must kubectl get crd "workflows.$group"
	must kubectl patch "storages.$storage.$group" rabbit-1 --type=merge \
		-p '{"metadata":{"finalizers":null}}'
	run_dws uninstall --yes
	assert_rc 0
	assert_only_namespace_left
}

test_dry_run_tells_all_and_removes_nothing()
{
	local before

	given_dws
	storage
	before=$(live_versions)
	run_dws uninstall --dry-run
	assert_rc 0
	assert_out rabbit-1 "workflows.$group" dws-controller-manager \
		dws-mutating-webhook-configuration "$role" \
		webhook-server-cert
	assertEquals 'objects' "$before" "$(live_versions)"
	must kubectl get "storages.$storage.$group" rabbit-1
	run_dws uninstall --dry-run -o json
	assert_rc 0
	assert_json '[.steps[].action] | unique | join(" ")' \
		'back up close delete open'
	must kubectl delete "storages.$storage.$group" rabbit-1
}

test_only_the_namespace_is_left()
{
	only_kinds
	given_dws
	run_dws uninstall
	assert_rc 0
	assert_err "DWS $release is removed"
	assert_only_namespace_left
	only_kinds Servers Storage Workflow
}

test_only_the_namespace_is_left_of_0_0_20()
{
	only_kinds
	use_release 0.0.20
	seed_images
	given_dws
	workflow bb4712 default 4712 "$finalizer"
	run_dws uninstall --yes
	assert_rc 3
	assert_err "'bb4712'" "namespace 'default'"
	no_workflow bb4712 default
	storage
	run_dws uninstall --dry-run
	assert_rc 0
	assert_out rabbit-1 "clusterrole.rbac.authorization.k8s.io/$role"
	run_dws uninstall --yes
	assert_rc 0
	assert_err "DWS 0.0.20 is removed"
	assert_only_namespace_left
	use_release 0.1.17
	only_kinds Servers Storage Workflow
}

test_second_run_finds_nothing()
{
	given_no_dws
	run_dws uninstall
	assert_rc 0
	assert_err 'nothing of DWS'
	assertTrue "it took $took_ms ms" "[ $took_ms -lt 20000 ]"
	assert_only_namespace_left
}

test_namespace_goes_when_told()
{
	given_dws
	run_dws uninstall --delete-namespace --verbose
	assert_rc 0
	assertEquals "namespace, after: $err" '' \
		"$(kubectl get namespace dws-system --ignore-not-found -o yaml)"
	run_dws uninstall --delete-namespace
	assert_rc 0
	given_namespace
	assert_only_namespace_left
}

# The only copy of what somebody may want again.
test_namespace_stays_with_the_backup_of_another_host()
{
	given_dws
	run_dws backup create
	assert_rc 0
	run_dws uninstall --delete-namespace --state-dir "$TEST_DIR/elsewhere"
	assert_rc 0
	assert_err "stays in the cluster, and Namespace 'dws-system' with it"
	assertNotNull 'its Secrets' "$(kubectl -n dws-system get secrets \
		-l dws-csm.io/record=backup -o name)"
	no_backups
	assert_only_namespace_left
}

test_other_things_in_the_namespace_stay()
{
	given_dws
	must kubectl -n dws-system create configmap of-the-site --from-literal=a=b
	must kubectl create clusterrole workload-manager-of-the-site \
		--verb=get --resource=pods
	run_dws uninstall
	assert_rc 0
	must kubectl -n dws-system delete configmap of-the-site
	must kubectl delete clusterrole workload-manager-of-the-site
	assert_only_namespace_left
}

# A run that was killed between CRDs and the rest.
test_half_removed_is_removed()
{
	given_dws
	must kubectl delete crd "workflows.$group" "storages.$group"
	must kubectl -n dws-system delete deployment dws-webhook
	run_dws uninstall
	assert_rc 0
	assert_only_namespace_left
}

# shellcheck disable=SC1091 # Debian's
. shunit2
