#!/bin/bash
# install: a release onto a real API server, and everything that may be in the
# way of it.

# shellcheck disable=SC2119 # arguments of the functions are optional

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

oneTimeSetUp()
{
	use_archives
}

# The options for the images of the release.
use_archives()
{
	make_images
	mapfile -t archives < <(from_archives)
	archives+=(--registry-ca "$REGISTRY_CA")
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	pods_fare
	given_no_dws
}

# --- what is installed ------------------------------------------------------

test_install_puts_every_object_there()
{
	given_no_dws
	must kubectl delete namespace dws-system --ignore-not-found
	run_dws install "${archives[@]}"
	assert_rc 0
	assert_err "DWS $release is installed" 'revision 1'
	assertEquals 'standard output' '' "$out"
	assert_as_released
	must kubectl get clusterrole "$role"
	must kubectl -n dws-system wait --for=condition=Available --timeout=0 \
		deployment/dws-controller-manager deployment/dws-webhook
}

test_install_puts_an_older_release_there()
{
	given_no_dws
	use_release 0.0.20
	use_archives
	test_install_puts_every_object_there
	test_install_again_changes_nothing_and_is_quick
	test_self_signed_certificate_serves_the_webhook
	given_no_dws
	use_release 0.1.17
	use_archives
}

no_pods()
{
	[ -z "$(kubectl -n dws-system get pods -o name)" ]
}

# Neither Deployment nor pods, whatever else there is: quicker than nothing.
given_no_deployments()
{
	must kubectl -n dws-system delete deployment --all --ignore-not-found
	eventually 'the pods to go' no_pods
}

given_dws_from_archives()
{
	"$DWS_CSM" install "${archives[@]}" >"$TEST_DIR/given" 2>&1 \
		</dev/null || fail "cannot install: $(<"$TEST_DIR/given")"
}

test_install_leaves_the_images_in_the_registry()
{
	local image wanted name

	given_dws_from_archives
	for image in "dws:$release" kube-rbac-proxy:v0.14.1; do
		name=${image%%:*}
		wanted=$(skopeo_site inspect --raw \
			"docker://registry.local/$image" |
			jq -r '.config.digest')
		assertEquals "configuration of $image" "$wanted" "sha256:$(
			tar -xOf "$T/images/$release/$name.tar" manifest.json |
			jq -r '.[0].Config' | sed 's/\.json$//')"
	done
	run_dws status -o json
	assert_rc 0
	assert_json '[.images[].digest | test("^sha256:[0-9a-f]{64}$")] | all' \
		true
}

test_install_again_changes_nothing_and_is_quick()
{
	local before best=999999 n limit=1000

	# Other sandboxes may take the processors.
	[ "$(awk '{ print int($1) }' /proc/loadavg)" -le "$(nproc)" ] ||
		limit=5000
	given_dws_from_archives
	before=$(live_versions)
	# The best of some, as the machine may be busy.
	for n in 1 2 3 4 5; do
		run_dws install "${archives[@]}"
		assert_rc 0
		assert_err "DWS $release is installed already" \
			'nothing was changed'
		[ "$took_ms" -ge "$best" ] || best=$took_ms
		[ "$best" -ge "$limit" ] || break
	done
	assertEquals 'resource versions' "$before" "$(live_versions)"
	run_dws history -o json
	assert_json length 1
	[ -z "$SANITIZE" ] || startSkipping
	assertTrue "it took $best ms" "[ $best -lt $limit ]"
}

test_install_mends_what_drifted()
{
	given_dws
	must kubectl -n dws-system patch deployment dws-controller-manager \
		--type=json -p '[{"op": "replace", "value": "10.0.0.1",
		"path": "/spec/template/spec/containers/0/args/0"}]'
	must kubectl -n dws-system delete service dws-webhook-service
	must kubectl delete clusterrole "$role"
	run_dws install --skip-images
	assert_rc 0
	assertNotContains 'message' "$err" 'nothing was changed'
	assert_as_released
	must kubectl get clusterrole "$role"
}

test_install_refuses_to_replace_another_release()
{
	local before

	given_dws
	before=$(live_versions)
	run_dws install --skip-images --version 0.0.20
	assert_rc 3
	assert_err "$release" 0.0.20 "'dws-csm upgrade'"
	assertEquals 'resource versions' "$before" "$(live_versions)"
}

test_install_refuses_an_unknown_release()
{
	run_dws install --skip-images --version 9.9.9
	assertNotEquals 'exit code' 0 "$rc"
	assert_err "'9.9.9'" 0.0.20 0.1.17
}

test_install_takes_one_replica()
{
	given_no_deployments
	run_dws install --skip-images --replicas 1
	assert_rc 0
	assertEquals 'pods' 1 "$(kubectl -n dws-system get deployment \
		dws-webhook -o jsonpath='{.status.readyReplicas}')"
}

# On three nodes for the webhook's three pods, no two on one: none is free for
# the pods of a new template.
test_install_pins_digests()
{
	local digest

	given_dws
	run_dws install "${archives[@]}" --pin-digests
	assert_rc 0
	digest=$(skopeo_site inspect --format '{{.Digest}}' \
		"docker://registry.local/dws:$release")
	assertEquals 'image' "registry.local/dws:$release@$digest" \
		"$(kubectl -n dws-system get deployment dws-controller-manager \
		-o json | jq -r '.spec.template.spec.containers[] |
			select(.name == "manager").image')"
	run_dws status
	assert_rc 0
	assert_out "DWS $release" "$digest"
}

test_install_does_not_pin_what_it_does_not_push()
{
	run_dws install --skip-images --pin-digests
	assert_rc 2
	assert_err "'--pin-digests'" "'--skip-images'"
}

# --- dry run ----------------------------------------------------------------

assert_dry_run_changes_nothing()
{
	local before

	before=$(all_objects)
	run_dws install "${archives[@]}" --registry registry.local/dry \
		--dry-run
	assert_rc 0
	assertEquals 'objects' "$before" "$(all_objects)"
	assertFalse 'images are pushed' "skopeo_site list-tags \
		docker://registry.local/dry/dws >'$TEST_DIR/tags' 2>&1"
	assert_out "image registry.local/dry/dws:$release" \
		"workflows.$group" dws-controller-manager \
		dws-mutating-webhook-configuration
}

test_dry_run_changes_nothing_without_the_namespace()
{
	given_no_dws
	must kubectl delete namespace dws-system --ignore-not-found
	assert_dry_run_changes_nothing
}

test_dry_run_changes_nothing_with_the_namespace()
{
	given_no_dws
	given_namespace
	assert_dry_run_changes_nothing
}

test_dry_run_tells_what_drifted()
{
	given_dws
	must kubectl -n dws-system delete service dws-webhook-service
	run_dws install --skip-images --dry-run -o json
	assert_rc 0
	assert_json '[.steps[] | select(.action != "keep") |
		.action + " " + .thing] | length' 1
	assert_json '.steps[] | select(.action == "create").thing |
		test("dws-webhook-service")' true
	given_dws
}

# --- the webhook's certificate ----------------------------------------------

test_self_signed_certificate_serves_the_webhook()
{
	local bundle

	given_no_dws
	run_dws install --skip-images --webhook-certs self-signed
	assert_rc 0
	bundle=$(kubectl -n dws-system get secret webhook-server-cert \
		-o jsonpath='{.data.ca\.crt}')
	assertNotEquals 'CA' '' "$bundle"
	assertEquals 'its bearers' "$bundle" "$(kubectl get -o json \
		crd,mutatingwebhookconfiguration,validatingwebhookconfiguration |
		jq -r --arg group "$group" '.items[] | select(
			(.spec.group == $group) or
			(.metadata.name | test("^dws-"))) |
		(.spec.conversion.webhook.clientConfig.caBundle,
		 .webhooks[]?.clientConfig.caBundle) | values' | sort -u)"
	workflow through-webhook default 4711
	assertEquals 'converted' "$group/$older 4711" "$(kubectl get \
		"workflows.$older.$group" through-webhook \
		-o jsonpath='{.apiVersion} {.spec.jobID}')"
	grep -q "POST /mutate" "$T/log/webhook.log"
	assertEquals 'the mutating webhook was asked' 0 $?
	grep -q "POST /convert" "$T/log/webhook.log"
	assertEquals 'the conversion webhook was asked' 0 $?
	no_workflow through-webhook default
}

test_own_certificate_is_kept()
{
	local before

	given_dws
	before=$(kubectl -n dws-system get secret webhook-server-cert \
		-o jsonpath='{.data.tls\.crt}')
	must kubectl -n dws-system delete service dws-webhook-service
	given_dws
	assertEquals 'certificate' "$before" "$(kubectl -n dws-system get \
		secret webhook-server-cert -o jsonpath='{.data.tls\.crt}')"
}

test_cert_manager_is_required_where_asked_for()
{
	only_kinds Storage Workflow
	given_no_dws
	run_dws install --skip-images --webhook-certs cert-manager
	assert_rc 3
	assert_err cert-manager.io 'install cert-manager' \
		'--webhook-certs self-signed'
	assertEquals 'CRDs' '' "$(kubectl get crd -o name | grep "$group")"
}

# with_cert_manager VERSION SERVED...
with_cert_manager()
{
	local version=$1

	shift
	given_no_dws
	cert_manager "$@"
	run_dws install --skip-images
	assert_rc 0
	assert_as_released "cert-manager.io/$version"
	assertEquals 'the API version that was applied' "cert-manager.io/$version" \
		"$(kubectl get --raw "/apis/cert-manager.io/$version/namespaces/dws-system/certificates/dws-serving-cert" |
		jq -r '.metadata.managedFields[] |
			select(.operation == "Apply").apiVersion')"
	workflow by-cert-manager default 4712
	no_workflow by-cert-manager default
	run_dws install --skip-images
	assert_rc 0
	assert_err 'nothing was changed'
	given_no_dws
	cert_manager
}

test_cert_manager_of_csm_1_2_is_used()
{
	only_kinds
	with_cert_manager v1alpha3 v1alpha2 v1alpha3
	only_kinds Storage Workflow
}

test_cert_manager_of_csm_1_6_is_used()
{
	with_cert_manager v1 v1
}

test_service_monitor_goes_where_prometheus_is()
{
	given_dws
	assertNull 'without its CRD' "$(kubectl get crd -o name |
		grep monitoring.coreos.com)"
	given_no_dws
	cat >"$TEST_DIR/monitor.yaml" <<-END
	apiVersion: apiextensions.k8s.io/v1
	kind: CustomResourceDefinition
	metadata: {name: servicemonitors.monitoring.coreos.com}
	spec:
	  group: monitoring.coreos.com
	  scope: Namespaced
	  names: {plural: servicemonitors, singular: servicemonitor,
	          kind: ServiceMonitor, listKind: ServiceMonitorList}
	  versions:
	  - name: v1
	    served: true
	    storage: true
	    schema:
	      openAPIV3Schema:
	        type: object
	        x-kubernetes-preserve-unknown-fields: true
	END
	must kubectl apply -f "$TEST_DIR/monitor.yaml"
	must kubectl wait --for=condition=established --timeout=60s \
		crd/servicemonitors.monitoring.coreos.com
	eventually 'discovery' kubectl get --raw /apis/monitoring.coreos.com/v1
	run_dws install --skip-images
	assert_rc 0
	assertEquals 'ServiceMonitors' 1 "$(kubectl -n dws-system get \
		servicemonitors.monitoring.coreos.com -o name | wc -l)"
	given_no_dws
	assertEquals 'ServiceMonitors' '' "$(kubectl -n dws-system get \
		servicemonitors.monitoring.coreos.com -o name)"
	must kubectl delete -f "$TEST_DIR/monitor.yaml"
}

# --- what never becomes ready -----------------------------------------------

# assert_doomed SECONDS TEXT...: the last install ended in so many seconds,
# long before its time-out, with this reason.
assert_doomed()
{
	local seconds=$1

	shift
	assert_rc 1
	assert_err "$@" 'can never become ready'
	assertTrue "it took $took_ms ms" "[ $took_ms -lt ${seconds}000 ]"
}

test_image_that_cannot_be_pulled_ends_the_wait()
{
	only_kinds Storage Workflow
	given_no_dws
	pods_fare '*/dws:*' imagepull
	run_dws install --skip-images --timeout 120s
	assert_doomed 90 "in namespace 'dws-system'" \
		"cannot pull image 'registry.local/dws:$release'" \
		'failed to resolve reference' "'dws-csm install' again"
	pods_fare
}

test_failure_is_recorded_and_mended_by_another_run()
{
	given_no_deployments
	pods_fare 'dws-system/dws-webhook-*' notready
	run_dws install --skip-images --timeout 3s
	assert_rc 6
	assert_err "deployment 'dws-webhook'" "in namespace 'dws-system'" \
		'is not ready after 3 seconds' 'Readiness probe failed'
	assertTrue "it took $took_ms ms" "[ $took_ms -lt 40000 ]"
	run_dws history -o json
	assert_json '.[-1].status' failed
	pods_fare
	run_dws install --skip-images
	assert_rc 0
	run_dws history -o json
	assert_json '[.[-2:][].status] | join(" ")' 'failed deployed'
	assert_as_released
}

test_crash_ends_the_wait()
{
	given_no_deployments
	pods_fare 'dws-system/dws-controller-manager-*' crashloop
	run_dws install --skip-images
	assert_doomed 90 "deployment 'dws-controller-manager'" \
		'crashes again and again' 'exit code 1' \
		'manager: cannot read the configuration'
	pods_fare
}

test_lack_of_nodes_ends_the_wait()
{
	given_no_deployments
	must kubectl cordon node-1
	must kubectl cordon node-2
	run_dws install --skip-images
	must kubectl uncordon node-1
	must kubectl uncordon node-2
	assert_doomed 90 "deployment 'dws-webhook'" 'cannot be scheduled' \
		'nodes are available' '--replicas 1 fits this cluster'
}

test_quota_ends_the_wait()
{
	given_no_deployments
	must kubectl -n dws-system create quota none --hard=pods=0
	run_dws install --skip-images
	must kubectl -n dws-system delete quota none
	assert_doomed 90 "deployment '" 'its pods cannot be created' \
		'exceeded quota'
}

test_no_wait_does_not_wait()
{
	given_no_deployments
	pods_fare 'dws-system/*' pending
	run_dws install --skip-images --no-wait
	assert_rc 0
	assertEquals 'ready pods' '' "$(kubectl -n dws-system get deployment \
		dws-webhook -o jsonpath='{.status.readyReplicas}')"
	pods_fare
}

# shellcheck disable=SC1091 # Debian's
. shunit2
