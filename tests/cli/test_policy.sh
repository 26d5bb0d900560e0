#!/bin/bash
# What the site's policies forbid: the mounts of the host's time zone, where a
# policy engine or PodSecurityPolicy refuses hostPath.

# shellcheck disable=SC2119 # arguments of the functions are optional

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$root/tests/servers/lib.sh"

stripped_note='the pods run in UTC'
refusal='HostPath volumes are forbidden. The field'

oneTimeSetUp()
{
	only_kinds Storage Workflow
	servers_init
	seed_images
	engine_up
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	forbid
	given_no_dws
	kubectl delete validatingwebhookconfiguration policy-engine \
		--ignore-not-found >/dev/null 2>&1
	server_stop policy
}

# engine_up: the stand-in for Kyverno, which forbids nothing yet.
engine_up()
{
	local port

	port=$(free_port)
	forbid
	must server_cert policy localhost
	must server_run policy "$root/tests/servers/policy.py" --port "$port" \
		--cert "$T/tls/policy.crt" --key "$T/tls/policy.key" \
		--control "$TEST_DIR/forbidden"
	must wait_for 'the policy engine' policy port_open "$port"
	kubectl create -f - >"$TEST_DIR/engine" 2>&1 <<-END ||
	apiVersion: admissionregistration.k8s.io/v1
	kind: ValidatingWebhookConfiguration
	metadata: {name: policy-engine}
	webhooks:
	- name: validate.kyverno.svc-fail
	  admissionReviewVersions: [v1]
	  clientConfig:
	    url: https://127.0.0.1:$port/
	    caBundle: $(base64 -w 0 "$T/tls/ca.crt")
	  failurePolicy: Fail
	  sideEffects: NoneOnDryRun
	  rules:
	  - apiGroups: ["", apps]
	    apiVersions: [v1]
	    operations: [CREATE, UPDATE]
	    resources: [pods, deployments]
	END
		fail "no policy engine: $(<"$TEST_DIR/engine")"
}

# forbid [KIND...]: see tests/servers/policy.py.
forbid()
{
	echo "$*" >"$TEST_DIR/forbidden"
}

# assert_host_paths NUMBER: so many the Deployments that stand have.
assert_host_paths()
{
	assertEquals 'hostPath volumes' "$1" "$(kubectl -n dws-system get \
		deployments -o json | jq '[.items[] |
		.spec.template.spec.volumes[]? | select(.hostPath)] | length')"
}

# What of the notes of a dry run is about it.
host_time_notes()
{
	run_dws install --skip-images --dry-run -o json "$@"
	assert_rc 0
	jq -r '.notes[] | select(test("time zone"))' "$TEST_DIR/out"
}

# assert_stripped: what stands is what `manifests` says it is then.
assert_stripped()
{
	assert_host_paths 0
	"$DWS_CSM" manifests --host-time strip -o json \
		>"$TEST_DIR/stripped.json"
	kubectl get -o json deployments -n dws-system >"$TEST_DIR/live.json"
	jq '.items |= map(select(.kind == "Deployment"))' \
		"$TEST_DIR/stripped.json" >"$TEST_DIR/wanted.json"
	"$root/tests/cli/reference.py" --live "$TEST_DIR/live.json" \
		"$TEST_DIR/wanted.json" >"$TEST_DIR/reference" 2>&1
	status=$?
	assertEquals "$(<"$TEST_DIR/reference")" 0 "$status"
}

test_without_policy_the_mounts_stay()
{
	given_no_dws
	forbid
	assertEquals 'notes' '' "$(host_time_notes)"
	run_dws install --skip-images
	assert_rc 0
	assert_as_released
	assert_host_paths 4
}

test_policy_on_deployments_strips_them()
{
	given_no_dws
	forbid Deployment
	run_dws install --skip-images
	assert_rc 0
	assert_err "$stripped_note" "$refusal" 'validate.kyverno.svc-fail'
	assert_stripped
	run_dws install --skip-images
	assert_rc 0
	assert_err 'nothing was changed'
}

test_policy_on_pods_strips_them()
{
	given_no_dws
	forbid Pod
	run_dws install --skip-images
	assert_rc 0
	assert_err "$stripped_note" "$refusal"
	assert_stripped
}

# A policy that comes later: the same command mends it, from a Deployment that
# stands and whose pods run.
test_policy_that_comes_later_is_followed()
{
	given_no_dws
	forbid
	given_dws
	forbid Pod Deployment
	run_dws install --skip-images
	assert_rc 0
	assert_err "$stripped_note"
	assert_stripped
	forbid
	run_dws install --skip-images
	assert_rc 0
	assert_as_released
}

test_policy_is_found_before_the_namespace_is_there()
{
	local before

	given_no_dws
	must kubectl delete namespace dws-system --ignore-not-found
	before=$(all_objects)
	forbid Pod
	assertContains 'notes' "$(host_time_notes)" "$stripped_note"
	assertEquals 'objects' "$before" "$(all_objects)"
	run_dws install --skip-images
	assert_rc 0
	assert_stripped
}

test_keep_keeps_them_and_warns()
{
	given_no_dws
	given_namespace
	forbid Pod
	assertContains 'notes' "$(host_time_notes --host-time keep)" \
		"deployment 'dws-"
	assertContains 'notes' "$(host_time_notes --host-time keep)" \
		'--host-time strip'
	run_dws install --skip-images --host-time keep --timeout 30s
	assert_rc 1
	assert_err 'the cluster forbids' "$refusal" \
		'its pods cannot be created'
	assert_host_paths 4
	# And then it is mended.
	run_dws install --skip-images
	assert_rc 0
	assert_stripped
}

test_keep_is_silent_where_nothing_forbids()
{
	forbid
	assertEquals 'notes' '' "$(host_time_notes --host-time keep)"
}

test_strip_strips_without_a_policy()
{
	given_no_dws
	forbid
	assertContains 'notes' "$(host_time_notes --host-time strip)" \
		'--host-time strip'
	run_dws install --skip-images --host-time strip
	assert_rc 0
	assert_stripped
}

# What refuses all pods has nothing against these mounts.
test_other_refusals_strip_nothing()
{
	given_no_dws
	given_namespace
	forbid Pod all
	assertEquals 'notes' '' "$(host_time_notes)"
	forbid
	must kubectl -n dws-system create quota none --hard=pods=0
	assertEquals 'notes' '' "$(host_time_notes)"
	must kubectl -n dws-system delete quota none
}

test_older_release_has_none()
{
	given_no_dws
	use_release 0.0.20
	forbid Pod Deployment
	assertEquals 'notes' '' "$(host_time_notes --host-time strip)"
	use_release 0.1.17
}

# Who may not speak for the controller asks for himself.
test_without_the_right_to_impersonate()
{
	given_no_dws
	given_namespace
	must kubectl create clusterrole all-but-impersonate --resource='*.*' \
		--verb=get,list,watch,create,update,patch,delete,deletecollection,bind,escalate
	must kubectl create clusterrolebinding all-but-impersonate \
		--clusterrole=all-but-impersonate --user=limited
	forbid Pod
	assertContains 'notes' "$(host_time_notes --kubeconfig \
		"$T/limited.conf")" "$stripped_note"
	must kubectl delete clusterrole,clusterrolebinding all-but-impersonate
}

# api_server FLAG: another one, with another admission. Killed, as it would
# wait for its watchers to go; controllers begin anew, as they would take half
# a minute to see that it is back.
api_server()
{
	kill -KILL "$(<"$T/run/kube-apiserver.pid")"
	server_stop kube-apiserver
	server_stop kube-controller-manager
	# Its threads may end a little after it.
	eventually 'the port to be free' eval '! port_open 6443'
	APISERVER_FLAGS=$1 must apiserver_start
	must wait_for 'the API server' kube-apiserver kube_get /readyz
	must controllers_start
}

# As on a CSM of before 1.6: administrators may everything, accounts may not.
# Only whoever asks in the controller's name finds out.
test_pod_security_policy_strips_them()
{
	given_no_dws
	given_namespace
	forbid
	cat >"$TEST_DIR/psp.yaml" <<-END
	apiVersion: policy/v1beta1
	kind: PodSecurityPolicy
	metadata: {name: no-host-path}
	spec:
	  volumes: [configMap, emptyDir, projected, secret, downwardAPI]
	  seLinux: {rule: RunAsAny}
	  supplementalGroups: {rule: RunAsAny}
	  runAsUser: {rule: RunAsAny}
	  fsGroup: {rule: RunAsAny}
	---
	apiVersion: rbac.authorization.k8s.io/v1
	kind: ClusterRole
	metadata: {name: no-host-path}
	rules:
	- {apiGroups: [policy], resources: [podsecuritypolicies], verbs: [use],
	   resourceNames: [no-host-path]}
	---
	apiVersion: rbac.authorization.k8s.io/v1
	kind: ClusterRoleBinding
	metadata: {name: no-host-path}
	roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole,
	          name: no-host-path}
	subjects:
	- {kind: Group, name: "system:serviceaccounts",
	   apiGroup: rbac.authorization.k8s.io}
	END
	sed 's/no-host-path/everything/; s/volumes: .*/volumes: ["*"]/; /^---/q' \
		"$TEST_DIR/psp.yaml" >"$TEST_DIR/everything.yaml"
	must kubectl apply -f "$TEST_DIR/psp.yaml" -f "$TEST_DIR/everything.yaml"
	api_server --enable-admission-plugins=NodeRestriction,PodSecurityPolicy
	assertContains 'notes' "$(host_time_notes)" 'PodSecurityPolicy'
	run_dws install --skip-images
	assert_rc 0
	assert_err "$stripped_note"
	assert_stripped
	given_no_dws
	api_server --enable-admission-plugins=NodeRestriction
	must kubectl delete -f "$TEST_DIR/psp.yaml" \
		-f "$TEST_DIR/everything.yaml"
}

# shellcheck disable=SC1091 # Debian's
. shunit2
