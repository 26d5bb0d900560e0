#!/bin/bash
# test-cluster.sh [-k] [PATTERN]
#
# What `make test-cluster` runs: dws-csm on three real nodes. kubelet starts
# the pods, containerd pulls their images out of the registry that dws-csm
# filled, and the API server asks the webhook through a pod. Some minutes, as
# root; the kernel needs overlayfs, bridges, veth, iptables and cgroups.
#
# Prints one line a test, those that contain PATTERN, and as the last line
# "N passed, N failed"; exits 1 when any failed or none ran. -k keeps the
# servers' directory, with their logs, after a failure.
#
#   DWS_CSM   the executable (build/dws-csm)

# shellcheck disable=SC2119 # arguments of the functions are optional
# shellcheck disable=SC2154 # of lib.sh: rc, out, err, took_ms, release, group
# shellcheck disable=SC2317 # the tests are called by name

set -uo pipefail

self=$(realpath "$0")
servers=${self%/*}/servers
export DWS_CSM=${DWS_CSM:-${self%/*/*}/build/dws-csm}

# --- what shunit2 would offer, counted --------------------------------------

passed=0 failed=0 faults=0

fail()
{
	printf '      %s\n' "$*"
	faults=$((faults + 1))
}

assertEquals()
{
	[ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

assertContains()
{
	[[ $2 == *"$3"* ]] || fail "$1: '$3' is not in '$2'"
}

assertTrue()
{
	eval "$2" || fail "$1"
}

# Runs a test and counts it.
run_test()
{
	local start=$SECONDS verdict=ok

	faults=0
	"$1"
	if [ "$faults" = 0 ]; then
		passed=$((passed + 1))
	else
		verdict=FAIL
		failed=$((failed + 1))
	fi
	printf '%-5s %s, %d s\n' "$verdict" "${1#test_}" \
		$((SECONDS - start))
}

# --- what the tests share ---------------------------------------------------

# archives DIR: sets `archives` to the options that name the images in it.
archives()
{
	archives=(--from "docker-archive:$1/dws.tar"
		--from "docker-archive:$1/kube-rbac-proxy.tar")
}

# registry_digest IMAGE: what the site's registry has under this name.
registry_digest()
{
	skopeo_site inspect --format '{{.Digest}}' "docker://registry.local/$1"
}

pods()
{
	kubectl -n dws-system get pods -o json
}

# no_dws: nothing of it, and its containers have ended.
no_dws()
{
	given_no_dws
	eventually 'pods to go' no_pods
}

no_pods()
{
	[ -z "$(kubectl -n dws-system get pods -o name 2>&1)" ]
}

# assert_runs IMAGE [SUFFIX]: each container of the image really runs, from
# "registry.local/IMAGE[SUFFIX]" with the digest that the registry has.
assert_runs()
{
	local digest suffix=${2:-}

	digest=$(registry_digest "$1")
	assertContains "digest of $1 in the registry" "$digest" sha256:
	pods >"$TEST_DIR/pods.json"
	assertEquals "containers of $1, and what they run" \
		"true registry.local/${1%:*}@$digest" "$(
		jq -r --arg image "registry.local/$1$suffix" '
			.items[] | . as $pod | .spec.containers[] |
			select(.image == $image).name as $name |
			$pod.status.containerStatuses[] |
			select(.name == $name) |
			"\(.ready and .state.running != null) \(.imageID)"' \
			"$TEST_DIR/pods.json" | sort -u)"
}

# assert_doomed SECONDS TEXT...: the last install ended in so many seconds,
# long before its time-out, with this reason and what to do.
assert_doomed()
{
	local seconds=$1

	shift
	assert_rc 1
	assert_err "$@" "in namespace 'dws-system'" 'can never become ready' \
		"'dws-csm install' again"
	assertTrue "it took $took_ms ms" "[ $took_ms -lt ${seconds}000 ]"
}

# --- the tests, in this order -----------------------------------------------

test_installs_images_and_objects()
{
	no_dws
	archives "$T/images"
	run_dws install "${archives[@]}"
	assert_rc 0
	assert_err "DWS $release is installed" 'revision 1'
	assert_as_released
}

test_pods_run_what_was_pushed()
{
	assertEquals 'phases' '4 Running' \
		"$(pods | jq -r '.items[].status.phase' | sort | uniq -c |
			sed 's/^ *//')"
	assertEquals 'nodes of the webhook' 'node-0 node-1 node-2' \
		"$(kubectl -n dws-system get pods -l control-plane=webhook \
			-o json | jq -r '[.items[].spec.nodeName] | sort |
			join(" ")')"
	assert_runs "dws:$release"
	assert_runs kube-rbac-proxy:v0.14.1
	assertEquals 'log' 'manager: serving' "$(kubectl -n dws-system logs \
		deployment/dws-controller-manager -c manager --tail=1)"
	assertTrue 'containerd has asked the registry' \
		"grep -q 'GET.*/v2/dws/blobs/.*containerd/' '$T/log/site.log'"
}

test_status_tells_digests()
{
	run_dws status -o json
	assert_rc 0
	assert_json '.deployments | map("\(.name) \(.ready) \(.state)") |
		sort | join(", ")' \
		'dws-controller-manager 1 Ready, dws-webhook 3 Ready'
	assert_json '.images[] | select(.name == "dws").digest' \
		"$(registry_digest "dws:$release")"
	assert_json '.images[] | select(.name == "kube-rbac-proxy").digest' \
		"$(registry_digest kube-rbac-proxy:v0.14.1)"
	assert_json .webhook.endpoints 3
}

test_second_run_changes_nothing()
{
	local before

	before=$(live_versions)
	archives "$T/images"
	run_dws install "${archives[@]}"
	assert_rc 0
	assert_err 'nothing was changed'
	assertTrue "it took $took_ms ms" "[ $took_ms -lt 2000 ]"
	assertEquals 'resource versions' "$before" "$(live_versions)"
}

# The pod hands the connection on to the tests' webhook server, whose
# certificate is the one that dws-csm issued.
test_workflows_go_through_the_webhook()
{
	workflow through-webhook default 4711
	assertEquals 'converted' "$group/$older 4711" "$(kubectl get \
		"workflows.$older.$group" through-webhook \
		-o jsonpath='{.apiVersion} {.spec.jobID}')"
	assertTrue 'the mutating webhook was asked' \
		"grep -q 'POST /mutate' '$T/log/webhook.log'"
	run_dws uninstall --yes
	assert_rc 3
	assert_err "'through-webhook'" "namespace 'default'" 4711
	no_workflow through-webhook default
}

test_workflows_are_refused_by_the_webhook()
{
	echo 'deny no rule for #DW' >"$WEBHOOK_MODE"
	sed 's/name: .*/name: refused/' "$TEST_DIR/workflow.yaml" |
		kubectl create -f - >"$TEST_DIR/refused" 2>&1
	assertEquals 'exit code of kubectl' 1 $?
	assertContains 'its message' "$(<"$TEST_DIR/refused")" \
		'no rule for #DW'
	rm -f "$WEBHOOK_MODE"
}

test_uninstall_leaves_the_namespace()
{
	run_dws uninstall
	assert_rc 0
	assert_err "DWS $release is removed"
	eventually 'what is left' is_as_before
	eventually 'containers to end' no_containers
}

is_as_before()
{
	all_objects | diff "$TEST_DIR/without-dws" -
}

no_containers()
{
	local n tasks

	for n in 0 1 2; do
		tasks=$(ctr -a "$T/node/$n/containerd.sock" -n k8s.io \
			tasks ls -q)
		[ -z "$tasks" ] || { echo "node-$n: $tasks"; return 1; }
	done
}

test_pinned_digests_are_what_runs()
{
	local digest

	no_dws
	archives "$T/images"
	run_dws install "${archives[@]}" --pin-digests
	assert_rc 0
	digest=$(registry_digest "dws:$release")
	assert_runs "dws:$release" "@$digest"
	run_dws status
	assert_rc 0
	assert_out "registry.local/dws:$release@$digest"
	no_dws
}

test_image_that_is_not_there_ends_the_wait()
{
	no_dws
	run_dws install --skip-images --registry registry.local/absent \
		--timeout 120s
	assert_doomed 40 "deployment 'dws-" \
		"cannot pull image 'registry.local/absent/" 'not found'
	# What was missing comes: the same command goes on.
	archives "$T/images"
	run_dws install "${archives[@]}" --registry registry.local/absent
	assert_rc 0
	run_dws history -o json
	assert_json '.[-1].status' deployed
	assert_runs "absent/dws:$release"
	no_dws
}

test_registry_that_nodes_cannot_reach_ends_the_wait()
{
	no_dws
	run_dws install --skip-images --registry other.example:5000 \
		--timeout 120s
	assert_doomed 40 "cannot pull image 'other.example:5000/" \
		'connection refused'
	no_dws
}

test_crash_ends_the_wait()
{
	no_dws
	archives "$T/crash"
	run_dws install "${archives[@]}" --registry registry.local/crash \
		--timeout 120s
	assert_doomed 90 "deployment 'dws-" 'crashes again and again' \
		'exit code 1' CrashLoopBackOff \
		'last log: manager: starting |' \
		'manager: cannot read the configuration'
	run_dws history -o json
	assert_json '.[-1].status' failed
	no_dws
}

test_too_few_nodes_end_the_wait()
{
	no_dws
	must kubectl cordon node-2
	run_dws install --skip-images --timeout 120s
	assert_doomed 40 "deployment 'dws-webhook'" 'cannot be scheduled' \
		'nodes are available'
	must kubectl uncordon node-2
	no_dws
}

# --- outside and inside of the sandbox --------------------------------------

inside()
{
	local test version

	trap '"$servers/down"' EXIT
	trap 'exit 130' INT TERM
	mkdir "$T/test"
	export TEST_DIR=$T/test
	# The one that install means.
	version=$("$DWS_CSM" manifests --list -o json |
		jq -r '.[] | select(.default).version')
	"$servers/dws-images.sh" "$T/images" "$version" &&
		"$servers/dws-images.sh" "$T/crash" "$version" --crash &&
		"$servers/up" --real-nodes 3 || exit 1
	# shellcheck disable=SC1091 # written by up
	. "$T/env"
	export DWS_CSM_REGISTRY_CA=$REGISTRY_CA
	# shellcheck source=tests/cli/lib.sh
	. "${self%/*}/cli/lib.sh"
	given_namespace
	eventually 'the leases of the nodes' kubectl -n kube-node-lease \
		get lease node-0 node-1 node-2
	all_objects >"$TEST_DIR/without-dws"
	for test in $(declare -F | awk '$3 ~ /^test_/ { print $3 }'); do
		echo "$(grep -n "^$test()" "$self" | cut -d: -f1) $test"
	done | sort -n >"$T/tests"
	while read -r _ test <&9; do
		[[ $test != *"$1"* ]] || run_test "$test"
	done 9<"$T/tests"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
	exit
}

keep=
while [ $# -gt 0 ]; do
	case $1 in
	-k) keep=1 ;;
	--inside) inside "${2:-}" ;;
	-*) sed -n '2,/^$/s/^# \{0,1\}//p' "$self" >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
[ "$(id -u)" = 0 ] || {
	echo "test-cluster: real nodes need root: run it as root" >&2
	exit 1
}
"$servers/kubernetes.sh" --node >/dev/null || exit
KEEP_T=$keep exec "$servers/sandbox" "$self" --inside "${1:-}"
