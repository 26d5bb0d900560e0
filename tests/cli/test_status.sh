#!/bin/bash
# status, history, workflows; and what is said when the cluster cannot be
# asked at all.

# shellcheck disable=SC2119 # arguments of the functions are optional

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

oneTimeSetUp()
{
	seed_images
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	pods_fare
	given_no_dws
}

# --- status -----------------------------------------------------------------

test_status_without_dws()
{
	given_no_dws
	run_dws status
	assert_rc 0
	assert_out 'DWS is not installed'
	run_dws status -o json
	assert_rc 0
	assert_json '.installed' false
	run_dws history
	assert_rc 0
	run_dws workflows list
	assert_rc 0
	assert_err 'no Workflows'
}

test_status_as_a_table()
{
	given_dws
	run_dws status
	assert_rc 0
	assert_out "DWS $release in namespace dws-system" 'Installed by dws-csm' \
		"registry.local/dws:$release" sha256: dws-controller-manager \
		1/1 dws-webhook 3/3 Ready "workflows.$group" "$storage" \
		'3 endpoints' dws-mutating-webhook-configuration \
		webhook-server-cert 'valid until' '0 in flight'
}

test_status_of_0_0_20()
{
	use_release 0.0.20
	seed_images
	given_no_dws
	given_dws
	test_status_as_a_table
	run_dws status -o json
	assert_rc 0
	assert_json .version 0.0.20
	assert_json '.crds | length' 9
	given_no_dws
	use_release 0.1.17
}

test_status_as_json_and_yaml()
{
	given_dws
	run_dws status -o json
	assert_rc 0
	assert_json '.installed' true
	assert_json '.version' "$release"
	assert_json '.managedBy' dws-csm
	assert_json '.recordStatus' deployed
	assert_json '.kubernetes' \
		"$(kubectl version -o json | jq -r .serverVersion.gitVersion)"
	assert_json '[.deployments[] | "\(.ready)/\(.desired)"] | join(" ")' \
		'1/1 3/3'
	assert_json '.webhook.endpoints' 3
	assert_json '[.webhook.configurations[].caBundle] | all' true
	assert_json '.webhook.certificate.issuedBy' dws-csm
	assert_json '.workflows.count' 0
	assert_json '.crds | length' 10
	cp "$TEST_DIR/out" "$TEST_DIR/status.json"
	run_dws status -o yaml
	assert_rc 0
	assertEquals 'yaml is the same' "$(jq -S . "$TEST_DIR/status.json")" \
		"$(/usr/bin/python3 -c 'import json, sys, yaml
print(json.dumps(yaml.safe_load(sys.stdin)))' <"$TEST_DIR/out" | jq -S .)"
}

test_status_tells_what_is_wrong()
{
	given_dws
	must kubectl -n dws-system scale deployment dws-controller-manager \
		--replicas=0
	must kubectl -n dws-system delete deployment dws-webhook
	must kubectl delete mutatingwebhookconfiguration \
		dws-mutating-webhook-configuration
	must kubectl -n dws-system delete secret webhook-server-cert
	run_dws status -o json
	assert_rc 0
	assert_json '.deployments[1].state' Missing
	assert_json '.webhook.configurations[0].present' false
	assert_json '.webhook.certificate.error' 'not there'
	run_dws status
	assert_rc 0
	assert_out Missing missing 'not there'
	given_dws
}

test_status_says_unknown_where_it_may_not_look()
{
	given_dws
	must kubectl create clusterrole look-around --verb=get,list \
		--resource=customresourcedefinitions.apiextensions.k8s.io,namespaces,deployments.apps,secrets,pods,endpoints,mutatingwebhookconfigurations.admissionregistration.k8s.io,validatingwebhookconfigurations.admissionregistration.k8s.io
	must kubectl create clusterrolebinding look-around \
		--clusterrole=look-around --user=limited
	run_dws status --kubeconfig "$T/limited.conf"
	assert_rc 0
	assert_out "DWS $release" unknown workflows forbidden
	must kubectl delete clusterrole,clusterrolebinding look-around
}

test_refused_access_is_told()
{
	run_dws status --kubeconfig "$T/limited.conf"
	assert_rc 5
	assert_err forbidden '"limited"' customresourcedefinitions
}

# --- history ----------------------------------------------------------------

test_history_lists_revisions()
{
	only_kinds Storage Workflow
	given_no_dws
	given_dws
	given_dws --replicas 2
	run_dws history
	assert_rc 0
	assert_out REVISION VERSION STATUS "$release" superseded deployed
	assertEquals 'lines' 3 "$(wc -l <"$TEST_DIR/out")"
	run_dws history -o json
	assert_rc 0
	assert_json '[.[] | "\(.revision) \(.version) \(.status)"] | join(", ")' \
		"1 $release superseded, 2 $release deployed"
	assert_json '.[-1].host' "$(uname -n)"
	given_no_dws
}

# --- workflows --------------------------------------------------------------

test_workflows_are_listed_and_shown()
{
	given_dws
	must kubectl create namespace jobs
	workflow bb4714 default 4714
	workflow bb4715 jobs 4715 example.com/held
	run_dws workflows list
	assert_rc 0
	assert_out NAMESPACE default bb4714 4714 jobs bb4715 4715 1001 \
		Proposal example.com/held
	run_dws workflows list -n jobs -o json
	assert_rc 0
	assert_json '[.[].metadata.name] | join(" ")' bb4715
	run_dws status -o json
	assert_json '.workflows.count' 2
	run_dws workflows show 4715
	assert_rc 0
	assert_out bb4715 '#DW jobdw type=xfs capacity=1GB name=bb4715'
	run_dws workflows show bb4714 -o json
	assert_rc 0
	assert_json '.spec.jobID' 4714
	assert_json '.kind' Workflow
	run_dws workflows show bb0
	assert_rc 1
	assert_err "'bb0'" "'dws-csm workflows list'"
	run_dws workflows show
	assert_rc 2
	no_workflow bb4714 default
	no_workflow bb4715 jobs
	must kubectl delete namespace jobs --wait=false
}

# Another group may call something Workflow as well (Argo does).
test_workflows_of_others_are_not_meant()
{
	given_dws
	cat >"$TEST_DIR/argo.yaml" <<-END
	apiVersion: apiextensions.k8s.io/v1
	kind: CustomResourceDefinition
	metadata: {name: workflows.argoproj.io}
	spec:
	  group: argoproj.io
	  scope: Namespaced
	  names: {plural: workflows, singular: workflow, kind: Workflow,
	          listKind: WorkflowList}
	  versions:
	  - name: v1alpha1
	    served: true
	    storage: true
	    schema: {openAPIV3Schema: {type: object}}
	END
	must kubectl apply -f "$TEST_DIR/argo.yaml"
	must kubectl wait --for=condition=established --timeout=60s \
		crd/workflows.argoproj.io
	cat >"$TEST_DIR/pipeline.yaml" <<-END
	apiVersion: argoproj.io/v1alpha1
	kind: Workflow
	metadata: {name: pipeline, namespace: default}
	END
	eventually 'a Workflow of another kind' \
		kubectl create -f "$TEST_DIR/pipeline.yaml"
	run_dws workflows list -o json
	assert_rc 0
	assert_json length 0
	run_dws uninstall
	assert_rc 0
	must kubectl get workflows.argoproj.io pipeline
	must kubectl delete -f "$TEST_DIR/argo.yaml"
}

# --- the way to the cluster -------------------------------------------------

# edited SED-EXPRESSION: a kubeconfig that differs from the good one.
edited()
{
	sed -e "$1" "$KUBECONFIG" >"$TEST_DIR/edited.conf"
	chmod 0600 "$TEST_DIR/edited.conf"
}

test_unreachable_server()
{
	edited 's|server: .*|server: https://127.0.0.1:1|'
	run_dws status --kubeconfig "$TEST_DIR/edited.conf"
	assert_rc 5
	assert_err 'https://127.0.0.1:1' 'cannot be reached' \
		"$TEST_DIR/edited.conf"
	edited 's|server: .*|server: https://nowhere.invalid:6443|'
	run_dws install --skip-images --kubeconfig "$TEST_DIR/edited.conf"
	assert_rc 5
	assert_err 'nowhere.invalid'
}

test_server_of_another_authority()
{
	edited "s|certificate-authority-data: .*|certificate-authority-data: $(
		base64 -w 0 "$REGISTRY_CA")|"
	run_dws status --kubeconfig "$TEST_DIR/edited.conf"
	assert_rc 5
	assert_err "$KUBE_SERVER" certificate certificate-authority-data \
		"$TEST_DIR/edited.conf"
}

test_unverified_server_is_warned_of()
{
	edited 's|certificate-authority-data: .*|insecure-skip-tls-verify: true|'
	run_dws status --kubeconfig "$TEST_DIR/edited.conf"
	assert_rc 0
	assert_err warning 'not verified' insecure-skip-tls-verify
}

test_unknown_token()
{
	sed -e 's/token: .*}/token: nobody}/' "$T/token.conf" \
		>"$TEST_DIR/edited.conf"
	chmod 0600 "$TEST_DIR/edited.conf"
	run_dws status --kubeconfig "$TEST_DIR/edited.conf"
	assert_rc 5
	assert_err Unauthorized "$TEST_DIR/edited.conf"
	assertNotContains 'the token' "$err" nobody
}

test_token_works()
{
	run_dws status --kubeconfig "$T/token.conf"
	assert_rc 0
}

test_missing_kubeconfig()
{
	run_dws status --kubeconfig "$TEST_DIR/none.conf"
	assert_rc 1
	assert_err "'$TEST_DIR/none.conf'" 'No such file'
}

test_unknown_context()
{
	run_dws status --context production
	assert_rc 1
	assert_err "'production'" kubernetes-admin@kubernetes
}

test_broken_kubeconfig()
{
	echo 'clusters: [' >"$TEST_DIR/edited.conf"
	run_dws status --kubeconfig "$TEST_DIR/edited.conf"
	assert_rc 1
	assert_err "'$TEST_DIR/edited.conf'"
	: >"$TEST_DIR/edited.conf"
	run_dws status --kubeconfig "$TEST_DIR/edited.conf"
	assert_rc 1
	assert_err "'$TEST_DIR/edited.conf'"
}

test_no_kubeconfig_at_all()
{
	local home=$HOME config=$KUBECONFIG

	[ ! -e /etc/kubernetes/admin.conf ] || startSkipping
	unset KUBECONFIG KUBERNETES_SERVICE_HOST
	HOME=$TEST_DIR run_dws status
	export HOME=$home KUBECONFIG=$config
	assert_rc 1
	assert_err KUBECONFIG .kube/config /etc/kubernetes/admin.conf \
		'--kubeconfig'
}

test_merged_kubeconfigs()
{
	edited 's/kubernetes-admin@kubernetes/other@kubernetes/'
	KUBECONFIG=$TEST_DIR/edited.conf:$KUBECONFIG run_dws status -v \
		--context kubernetes-admin@kubernetes
	assert_rc 0
	assert_err "context 'kubernetes-admin@kubernetes'"
}

# shellcheck disable=SC1091 # Debian's
. shunit2
