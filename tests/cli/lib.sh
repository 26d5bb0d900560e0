# shellcheck shell=bash
# lib.sh: what the tests of the cluster commands share. A script sources it
# before it defines its tests; tests/run gives it DWS_CSM, TEST_DIR and the
# variables of the servers in $T/env.
#
#   run_dws ARG...     runs the program; then rc, out, err, took_ms say how it
#                      went. It has no terminal and no standard input.
#   use_release VERSION   what `install` and others mean from now on; without
#                      it the newest. Sets
#                        release   its version
#                        storage   the version that custom resources are
#                                  stored at, and
#                        older     another one that is served
#                        role      the ClusterRole of workload managers
#   only_kinds [KIND...]   releases have no other kinds of custom resources
#                      from now on; without arguments all. What an API server
#                      does at each change of a CRD takes most of the time.
#                      Sets
#                        without   the kinds that are left out
#   given_dws, given_no_dws   bring the cluster there, whatever was before
#   kubectl            the one that belongs to the servers

# shellcheck disable=SC2034 # for the scripts
release=0.1.17 storage=v1alpha7 older=v1alpha6 role=dws-workload-manager
group=dataworkflowservices.github.io
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
rc='' out='' err='' took_ms=0
without=()

# --- the program ------------------------------------------------------------

now_ms()
{
	local now=$EPOCHREALTIME

	echo $((${now//[!0-9]/} / 1000))
}

use_release()
{
	release=$1
	case $release in
	0.0.20) storage=v1alpha2 older=v1alpha1 role=workload-manager ;;
	0.1.17) storage=v1alpha7 older=v1alpha6 role=dws-workload-manager ;;
	*) fail "the tests do not know release $release" ;;
	esac
	export DWS_CSM_VERSION=$release
}

only_kinds()
{
	local dir kind

	without=()
	unset DWS_CSM_OVERLAY
	[ $# -gt 0 ] || return 0
	for kind in ClientMount Computes DirectiveBreakdown DWDirectiveRule \
		PersistentStorageInstance Servers Storage SystemConfiguration \
		SystemStatus Workflow; do
		[[ " $* " == *" $kind "* ]] || without+=("$kind")
	done
	dir=$TEST_DIR/only.$(IFS=.; echo "$*")
	mkdir -p "$dir"
	cat >"$dir/kustomization.yaml" <<-END
	patches:
	- target:
	    kind: CustomResourceDefinition
	    name: ($(IFS='|'; echo "${without[*],,}"))(e?s)?[.].*
	  patch: |
	    \$patch: delete
	    apiVersion: apiextensions.k8s.io/v1
	    kind: CustomResourceDefinition
	    metadata: {name: any}
	END
	export DWS_CSM_OVERLAY=$dir
}

run_dws()
{
	local start

	start=$(now_ms)
	command_line="dws-csm $*"
	"$DWS_CSM" "$@" >"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null
	rc=$?
	took_ms=$(($(now_ms) - start))
	out=$(<"$TEST_DIR/out")
	err=$(<"$TEST_DIR/err")
}

# assert_rc CODE: how the last run_dws has to end.
assert_rc()
{
	assertEquals "exit code of '$command_line' ($err)" "$1" "$rc"
}

# assert_err TEXT...: each is told on standard error.
assert_err()
{
	local text

	for text; do
		assertContains "message of '$command_line'" "$err" "$text"
	done
}

# assert_out TEXT...: each is in the result.
assert_out()
{
	local text

	for text; do
		assertContains "result of '$command_line'" "$out" "$text"
	done
}

# assert_json FILTER WANTED: what jq makes of the result.
assert_json()
{
	assertEquals "$1 of '$command_line'" "$2" \
		"$(jq -r "$1" "$TEST_DIR/out" 2>&1)"
}

# eventually WHAT CMD...: it succeeds within a minute.
eventually()
{
	local what=$1 end=$((SECONDS + 60))

	shift
	until "$@" >"$TEST_DIR/eventually" 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			fail "$what: $(<"$TEST_DIR/eventually")"
			return 1
		fi
		sleep 0.1
	done
}

# --- the cluster ------------------------------------------------------------

kubectl()
{
	"$KUBECTL" --cache-dir="$TEST_DIR/kube-cache" "$@"
}

# From 1.21 on kubectl leaves managedFields out unless told.
show_managed_fields=$("$KUBECTL" get --help |
	grep -o -m 1 -e --show-managed-fields)

# Must succeed, or the test is none.
must()
{
	"$@" >"$TEST_DIR/must" 2>&1 || fail "$*: $(<"$TEST_DIR/must")"
}

# Every object, but those that come and go by themselves.
all_objects()
{
	local kinds

	kinds=$(kubectl api-resources --verbs=list -o name |
		grep -vE '^(events|endpointslices|componentstatuses)' |
		paste -sd ,)
	kubectl get "$kinds" --all-namespaces --ignore-not-found -o json \
		2>/dev/null | jq -r '.items[] |
		"\(.kind) \(.metadata.namespace // "-")/\(.metadata.name)"' |
		sed -E 's/^(Secret .*-token)-.{5}$/\1/' | sort
}

# What the release has, as kubectl gives it back, a List: live_objects
# [API-VERSION-OF-CERT-MANAGER]. Fails where one is missing.
live_objects()
{
	"$DWS_CSM" manifests --version "$release" -o json |
		jq --arg cert "${1:-}" '.items |= map(
			if (.apiVersion | startswith("cert-manager.io/") | not)
			then . elif $cert == "" then empty
			else .apiVersion = $cert end)' |
		kubectl get -f - -o json ${show_managed_fields:+"$show_managed_fields"}
}

# "KIND NAME RESOURCEVERSION" of the same.
live_versions()
{
	live_objects "$@" | jq -r '.items[] |
		"\(.kind) \(.metadata.name) \(.metadata.resourceVersion)"'
}

# assert_as_released [CERT-MANAGER-VERSION]: each object of the release is
# there and is as the release has it.
assert_as_released()
{
	local args=(--live)

	[ -n "${1:-}" ] || args+=(--without cert-manager.io)
	live_objects "$@" >"$TEST_DIR/live.json" 2>"$TEST_DIR/live.err"
	status=$?
	assertEquals "kubectl finds all ($(<"$TEST_DIR/live.err"))" 0 "$status"
	"$DWS_CSM" manifests --version "$release" -o json \
		>"$TEST_DIR/released.json"
	"$root/tests/cli/reference.py" "${args[@]}" "$TEST_DIR/live.json" \
		"$TEST_DIR/released.json" >"$TEST_DIR/reference" 2>&1
	status=$?
	assertEquals "$(<"$TEST_DIR/reference")" 0 "$status"
}

# Nothing of DWS; whether the Namespace is there is not said.
given_no_dws()
{
	"$DWS_CSM" uninstall --yes >"$TEST_DIR/given" 2>&1 </dev/null ||
		fail "cannot clear the cluster: $(<"$TEST_DIR/given")"
}

# given_dws [ARG...]: the release, ready.
given_dws()
{
	"$DWS_CSM" install --skip-images "$@" >"$TEST_DIR/given" 2>&1 \
		</dev/null || fail "cannot install: $(<"$TEST_DIR/given")"
}

given_namespace()
{
	kubectl get namespace dws-system >"$TEST_DIR/given" 2>&1 ||
		must kubectl create namespace dws-system
	# Its account and certificate follow by themselves.
	eventually 'namespace dws-system' kubectl -n dws-system get \
		configmap/kube-root-ca.crt serviceaccount/default
}

# pods_fare [PATTERN MODE]...: see tests/servers/nodes.py; without arguments
# all are ready again.
pods_fare()
{
	mkdir -p "$T/nodes"
	: >"$T/nodes/mode.new"
	while [ $# -ge 2 ]; do
		echo "$1 $2" >>"$T/nodes/mode.new"
		shift 2
	done
	mv "$T/nodes/mode.new" "$T/nodes/mode"
}

# workflow NAME NAMESPACE JOB [FINALIZER]: creates one. Its webhook may still
# be on its way up.
workflow()
{
	cat >"$TEST_DIR/workflow.yaml" <<-END
	apiVersion: $group/$storage
	kind: Workflow
	metadata:
	  name: $1
	  namespace: $2
	  finalizers: [${4:-}]
	spec:
	  desiredState: Proposal
	  dwDirectives: ["#DW jobdw type=xfs capacity=1GB name=$1"]
	  wlmID: wlm-$3
	  jobID: $3
	  userID: 1001
	  groupID: 100
	END
	# The server fills in what kubectl would miss.
	eventually "Workflow $1" kubectl create --validate=false \
		-f "$TEST_DIR/workflow.yaml"
}

# no_workflow NAME NAMESPACE: deletes it, its finalizers first.
no_workflow()
{
	must kubectl -n "$2" patch "workflows.$storage.$group" "$1" \
		--type=merge -p '{"metadata":{"finalizers":null}}'
	must kubectl -n "$2" delete "workflows.$storage.$group" "$1" \
		--ignore-not-found
}

# cert_manager VERSION...: its stand-in serves these versions; without
# arguments it goes, and its CRDs with it.
cert_manager()
{
	# shellcheck source=tests/servers/lib.sh
	. "$root/tests/servers/lib.sh"
	server_stop certmanager
	if [ $# -gt 0 ]; then
		must server_start certmanager "$(IFS=,; echo "$*")"
		eventually 'the stand-in for cert-manager' kubectl wait \
			--for=condition=established --timeout=5s \
			crd/certificates.cert-manager.io \
			crd/issuers.cert-manager.io
		eventually 'cert-manager in discovery' \
			kubectl get --raw "/apis/cert-manager.io/${!#}"
		return
	fi
	must kubectl delete --ignore-not-found \
		crd/certificates.cert-manager.io crd/issuers.cert-manager.io
	eventually 'cert-manager to go' \
		eval '! kubectl get --raw /apis/cert-manager.io'
}

# --- images -----------------------------------------------------------------

# make_images [VERSION]: archives of both images, as `docker save` writes
# them, in $T/images/VERSION; each holds the small program that plays it.
make_images()
{
	local version=${1:-$release} dir

	dir=$T/images/$version
	[ ! -e "$dir/done" ] || return 0
	must "$root/tests/servers/dws-images.sh" "$dir" "$version"
	touch "$dir/done"
}

# from_archives [VERSION]: the options that name them.
from_archives()
{
	local dir=$T/images/${1:-$release}

	printf '%s\n' --from "docker-archive:$dir/dws.tar" \
		--from "docker-archive:$dir/kube-rbac-proxy.tar"
}

# skopeo_site COMMAND ARG...: as somebody who may read the site's registry.
skopeo_site()
{
	local command=$1

	mkdir -p "$TEST_DIR/registry-ca"
	cp "$REGISTRY_CA" "$TEST_DIR/registry-ca/ca.crt"
	shift
	if [ "$command" = copy ]; then
		skopeo copy --quiet --insecure-policy \
			--authfile "$REGISTRY_AUTHFILE" \
			--src-cert-dir "$TEST_DIR/registry-ca" \
			--dest-cert-dir "$TEST_DIR/registry-ca" "$@"
	else
		skopeo "$command" --authfile "$REGISTRY_AUTHFILE" \
			--cert-dir "$TEST_DIR/registry-ca" "$@"
	fi
}

# seed_images [VERSION...]: the images are in the site's registry, put there
# by skopeo, so that --skip-images finds what the nodes want.
seed_images()
{
	local version dir

	for version in "${@:-$release}"; do
		make_images "$version"
		dir=$T/images/$version
		[ ! -e "$dir/seeded" ] || continue
		must skopeo_site copy "docker-archive:$dir/dws.tar" \
			"docker://registry.local/dws:$version"
		must skopeo_site copy \
			"docker-archive:$dir/kube-rbac-proxy.tar" \
			docker://registry.local/kube-rbac-proxy:v0.14.1
		touch "$dir/seeded"
	done
}
