#!/bin/bash
# --overlay: the same as kustomize makes of the same files, over a table of
# overlays (tests/data/overlays). What kustomize 5 (kubectl 1.32) makes of them
# is kept beside each in NAME.expected; kustomize 2, in the kubectl of the
# servers, is asked here for those it understands, and so is the program in
# $DWS_KUSTOMIZE ("kubectl kustomize") for all.

# shellcheck disable=SC2119 # arguments of the functions are optional

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

overlays=$root/tests/data/overlays
# What kustomize 2 knows, and does in the same way.
of_kustomize_2='added-objects common-annotations common-labels crds
	custom-resources delete-objects directives images json-patches
	kustomize-2 merge-pods rbac services webhooks'

oneTimeSetUp()
{
	use_release 0.0.20
	site=$TEST_DIR/site
	mkdir -p "$TEST_DIR/live/base"
	"$DWS_CSM" manifests >"$TEST_DIR/live/base/base.yaml"
	"$DWS_CSM" manifests -o json >"$TEST_DIR/base.json"
	echo 'resources: [base.yaml]' >"$TEST_DIR/live/base/kustomization.yaml"
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	given_no_dws
	must kubectl delete namespace site --ignore-not-found
}

# changes OBJECTS [--any-order]
changes()
{
	"$root/tests/cli/overlays.py" ${2:+"$2"} \
		"$TEST_DIR/base.json" "$1"
}

# assert_same NAME WANTED RESULT
assert_same()
{
	assertTrue "'$1' changes something" "[ -s '$2' ]"
	assertEquals "overlay '$1'" '' "$(diff "$2" "$3" 2>&1)"
}

# overlay TEXT...: lines of the kustomization of $site.
overlay()
{
	rm -rf "$site"
	mkdir -p "$site"
	printf '%s\n' "$@" >"$site/kustomization.yaml"
}

# --- as kustomize -----------------------------------------------------------

test_results_equal_those_of_kustomize_5()
{
	local expected name nr=0

	for expected in "$overlays"/*.expected; do
		name=$(basename "$expected" .expected)
		run_dws manifests -o json --overlay "$overlays/$name"
		assert_rc 0
		changes "$TEST_DIR/out" >"$TEST_DIR/changes"
		assert_same "$name" "$expected" "$TEST_DIR/changes"
		nr=$((nr + 1))
	done
	assertTrue "$nr overlays" "[ $nr -ge 24 ]"
}

# kustomize_live NAME FIELD COMMAND...: its result in $TEST_DIR/theirs, with
# the release under FIELD of the overlay.
kustomize_live()
{
	local name=$1 field=$2 file

	shift 2
	rm -rf "$TEST_DIR/live/overlay"
	cp -r "$overlays/$name" "$TEST_DIR/live/overlay"
	file=$TEST_DIR/live/overlay/kustomization.yaml
	if grep -q "^$field:" "$file"; then
		sed -i "s|^$field:|$field:\\n  - ../base|" "$file"
	else
		printf '\n%s:\n  - ../base\n' "$field" >>"$file"
	fi
	"$@" "$TEST_DIR/live/overlay" >"$TEST_DIR/theirs" \
		2>"$TEST_DIR/theirs.err"
	status=$?
	assertEquals "$* of '$name' ($(<"$TEST_DIR/theirs.err"))" 0 "$status"
	run_dws manifests -o json --overlay "$overlays/$name"
	assert_rc 0
}

test_results_equal_those_of_kubectl()
{
	local name

	for name in $of_kustomize_2; do
		kustomize_live "$name" bases "$KUBECTL" kustomize
		changes "$TEST_DIR/theirs" --any-order >"$TEST_DIR/wanted"
		changes "$TEST_DIR/out" --any-order >"$TEST_DIR/changes"
		assert_same "$name" "$TEST_DIR/wanted" "$TEST_DIR/changes"
	done
}

test_results_equal_those_of_another_kustomize()
{
	local expected name

	[ -n "${DWS_KUSTOMIZE:-}" ] || startSkipping
	for expected in "$overlays"/*.expected; do
		isSkipping && break
		name=$(basename "$expected" .expected)
		# shellcheck disable=SC2086 # a command and its words
		kustomize_live "$name" resources $DWS_KUSTOMIZE
		changes "$TEST_DIR/theirs" >"$TEST_DIR/wanted"
		changes "$TEST_DIR/out" >"$TEST_DIR/changes"
		assert_same "$name" "$TEST_DIR/wanted" "$TEST_DIR/changes"
	done
}

# --- layers -----------------------------------------------------------------

test_overlay_may_be_a_file_or_a_name()
{
	run_dws manifests
	cp "$TEST_DIR/out" "$TEST_DIR/plain"
	run_dws manifests --overlay csm
	assert_rc 0
	assertEquals 'csm is there already' '' \
		"$(diff "$TEST_DIR/plain" "$TEST_DIR/out")"
	overlay 'replicas: [{name: dws-webhook, count: 1}]'
	mv "$site/kustomization.yaml" "$site/other.yaml"
	run_dws manifests --overlay "$site/other.yaml" -o json
	assert_rc 0
	assert_json '[.items[] | .spec.replicas // empty] | sort | join(" ")' \
		'1 1'
}

test_the_last_overlay_has_the_last_word()
{
	overlay 'replicas: [{name: dws-webhook, count: 2}]' \
		'images: [{name: registry.local/dws, newTag: first}]'
	cp -r "$site" "$TEST_DIR/first"
	overlay 'replicas: [{name: dws-webhook, count: 5}]' \
		'images: [{name: registry.local/dws, newName: registry.local/x/dws}]'
	run_dws manifests -o json --overlay "$TEST_DIR/first" \
		--overlay "$site" --registry r.test:5000
	assert_rc 0
	assert_json '[.items[] | .spec.template.spec.containers[]?.image] |
		unique | join(" ")' \
		'r.test:5000/kube-rbac-proxy:v0.14.1 r.test:5000/x/dws:first'
	assert_json '.items[] | select(.metadata.name == "dws-webhook") |
		.spec.replicas // empty' 5
	run_dws manifests -o json --overlay "$site" --replicas 3
	assert_json '.items[] | select(.metadata.name == "dws-webhook") |
		.spec.replicas // empty' 3
	run_dws images list --overlay "$TEST_DIR/first" --overlay "$site"
	assert_rc 0
	assert_out registry.local/x/dws:first
}

# --- what is refused --------------------------------------------------------

# assert_refused MESSAGE LINE...: of a kustomization with these lines.
assert_refused()
{
	local message=$1

	shift
	overlay "$@"
	run_dws manifests --overlay "$site"
	assert_rc 1
	assert_err "overlay '$site/" "$message"
	assertEquals 'standard output' '' "$out"
}

test_unknown_fields_are_refused_by_name()
{
	local field

	for field in namePrefix nameSuffix namespace configMapGenerator \
		secretGenerator generatorOptions vars replacements \
		configurations crds generators transformers validators \
		helmCharts helmGlobals openapi sortOptions buildMetadata \
		imageTags patchs; do
		assert_refused "'$field' is not supported" "$field: []"
	done
	assert_refused "'images[1].newtag' is not supported" 'images:' \
		'- {name: a, newTag: b}' '- {name: a, newtag: b}'
	assert_refused "'images[0].newTag' is not a text" \
		'images: [{name: a, newTag: 1.0}]'
	assert_refused "'labels[0].fields' is not supported" \
		'labels: [{pairs: {a: b}, fields: []}]'
	assert_refused "'patches[0].options' is not supported" \
		'patches: [{path: a, options: {allowNameChange: true}}]'
	assert_refused "'commonLabels' is not an object of texts" \
		'commonLabels: {a: true}'
	assert_refused "'replicas[0]' lacks 'count'" 'replicas: [{name: a}]'
	assert_refused "kind 'Deployment'" 'kind: Deployment'
}

test_patch_that_cannot_be_is_refused()
{
	assert_refused "no object fits target" 'patches:' \
		'- {target: {kind: Nothing}, patch: "[{op: remove, path: /a}]"}'
	assert_refused 'deployment.apps/nothing' 'patches:' '- patch: |' \
		'    {apiVersion: apps/v1, kind: Deployment, metadata: {name: nothing}}'
	assert_refused "there is no '/metadata/nothing'" 'patches:' \
		'- target: {kind: Deployment}' '  patch: |' \
		'    - {op: remove, path: /metadata/nothing}'
	assert_refused 'name or namespace' 'patches:' \
		'- target: {kind: Deployment}' '  patch: |' \
		'    - {op: replace, path: /metadata/name, value: other}'
	assert_refused "'spec.replicas' is of type" 'patches:' \
		'- target: {kind: Deployment}' \
		'  patch: "{kind: any, spec: {replicas: {a: b}}}"'
	assert_refused "target's name 'dws-\\d'" 'patches:' \
		'- {target: {name: dws-\d}, patch: "{kind: any}"}'
	assert_refused "target's labelSelector 'a in b'" 'patches:' \
		'- {target: {labelSelector: a in b}, patch: "{kind: any}"}'
	assert_refused "needs a 'target'" 'patches:' \
		'- patch: "[{op: remove, path: /a}]"'
	assert_refused "one of 'patch' and 'path'" 'patches:' '- {path: ""}'
	assert_refused "'replicas': there is no Deployment" \
		'replicas: [{name: nothing, count: 1}]'
}

test_resource_that_cannot_be_is_refused()
{
	assert_refused 'is remote' \
		'resources: [https://github.com/HewlettPackard/dws//config/crd]'
	assert_refused "'../up.yaml' is not at or below" 'resources: [../up.yaml]'
	assert_refused 'absent.yaml' 'resources: [absent.yaml]'
	assert_refused 'include each other' 'resources: [../site]'
	assert_refused 'not of kind Component' 'components: [../live/base]'
	assert_refused "component 'absent' is no directory" 'components: [absent]'
	assert_refused 'namespace/dws-system is there already' \
		'resources: [../live/base]'
}

test_overlay_that_is_not_there_is_wrong_use()
{
	run_dws manifests --overlay nowhere
	assert_rc 2
	assert_err "no overlay 'nowhere'" csm
	mkdir -p "$TEST_DIR/empty"
	run_dws manifests --overlay "$TEST_DIR/empty"
	assert_rc 1
	assert_err "'$TEST_DIR/empty' holds no kustomization.yaml"
}

# --- in a cluster -----------------------------------------------------------

site_overlay()
{
	overlay 'resources: [site.yaml]' \
		'commonAnnotations: {example.com/owner: operations}' \
		'replicas: [{name: dws-webhook, count: 1}]' \
		'patches:' '- target: {kind: Deployment, name: dws-webhook}' \
		'  patch: "{kind: any, spec: {template: {spec: {containers:
			[{name: webhook, env: [{name: SITE, value: north}]}]}}}}"'
	cat >"$site/site.yaml" <<-END
	apiVersion: v1
	kind: Namespace
	metadata: {name: site}
	---
	apiVersion: v1
	kind: ConfigMap
	metadata: {name: site, namespace: site}
	data: {key: value}
	---
	apiVersion: v1
	kind: Secret
	metadata: {name: site, namespace: site}
	stringData: {password: swordfish}
	---
	apiVersion: apps/v1
	kind: Deployment
	metadata: {name: site, namespace: site}
	spec:
	  replicas: 0
	  selector: {matchLabels: {app: site}}
	  template:
	    metadata: {labels: {app: site}}
	    spec: {containers: [{name: site, image: "registry.local/site:1"}]}
	---
	apiVersion: rbac.authorization.k8s.io/v1
	kind: ClusterRole
	metadata: {name: site-of-overlay}
	rules: [{apiGroups: [""], resources: [nodes], verbs: [get]}]
	END
}

gone()
{
	! kubectl -n site get configmap site && ! kubectl -n site get deployment \
		site && ! kubectl get clusterrole site-of-overlay
}

test_install_brings_what_an_overlay_adds_and_uninstall_takes_it()
{
	seed_images 0.0.20
	given_no_dws
	site_overlay
	run_dws install --skip-images --overlay "$site"
	assert_rc 0
	must kubectl -n site get configmap site
	must kubectl -n site get deployment site
	must kubectl get clusterrole site-of-overlay
	assertEquals 'what no record holds' swordfish "$(kubectl -n site get \
		secret site -o jsonpath='{.data.password}' | base64 -d)"
	assertEquals 'env' north "$(kubectl -n dws-system get deployment \
		dws-webhook -o json | jq -r '.spec.template.spec.containers[0] |
		.env[] | select(.name == "SITE").value')"
	run_dws install --skip-images --overlay "$site"
	assert_rc 0
	assert_err 'nothing was changed'
	# Without it all is again as the release has it.
	run_dws install --skip-images
	assert_rc 0
	eventually 'what the overlay added to go' gone
	assert_as_released
	run_dws install --skip-images --overlay "$site"
	assert_rc 0
	run_dws uninstall
	assert_rc 0
	eventually 'what the overlay added to go' gone
}

# shellcheck disable=SC1091 # Debian's
. shunit2
