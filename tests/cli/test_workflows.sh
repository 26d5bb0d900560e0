#!/bin/bash
# workflows create, get, set-state, wait, delete: by the rights of a workload
# manager alone, against a real API server and a stand-in for DWS's controller
# (tests/slurm/driver.py).
# shellcheck disable=SC2034,SC2154 # shunit2's; $T/env

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=tests/cli/lib.sh
. "$root/tests/cli/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$root/tests/servers/lib.sh"

control=$TEST_DIR/driver.control

oneTimeSetUp()
{
	pods_fare '*' ready
	use_release 0.1.17
	given_no_dws
	given_dws --skip-images
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole="$role" --user=slurm-dws
	credential
	server_run driver "$root/tests/slurm/driver.py" --pki "$T/pki" \
		--version "$storage" --control "$control" \
		--log "$TEST_DIR/driver.log"
	workflow probe default 1
	must kubectl delete workflow probe
}

oneTimeTearDown()
{
	server_stop driver
	kubectl delete clusterrolebinding slurm-dws-viewer --ignore-not-found \
		>"$TEST_DIR/end" 2>&1
	"$DWS_CSM" uninstall --yes >"$TEST_DIR/end" 2>&1 </dev/null
}

setUp()
{
	rm -f "$control".* "$T/webhook/mode"
}

# A kubeconfig of a workload manager.
credential()
{
	make_cert "$TEST_DIR/wlm" "$T/pki/ca" /CN=slurm-dws clientAuth
	jq -n --arg server "$KUBE_SERVER" --rawfile ca "$T/pki/ca.crt" \
		--rawfile cert "$TEST_DIR/wlm.crt" \
		--rawfile key "$TEST_DIR/wlm.key" '{
		apiVersion: "v1", kind: "Config", "current-context": "c",
		contexts: [{name: "c", context: {cluster: "c", user: "u"}}],
		clusters: [{name: "c", cluster: {server: $server,
			"certificate-authority-data": ($ca | @base64)}}],
		users: [{name: "u", user: {
			"client-certificate-data": ($cert | @base64),
			"client-key-data": ($key | @base64)}}]}' \
		>"$TEST_DIR/kubeconfig"
}

# input NAME [FILTER]: a Workflow on standard input of the next `calls`.
input()
{
	jq -n --arg name "$1" '{metadata: {name: $name}, spec: {
		desiredState: "Proposal", wlmID: "slurm", jobID: 7,
		userID: 1001, groupID: 100, dwDirectives: ["#DW jobdw name=a"]
		}}' | jq "${2:-.}" >"$TEST_DIR/input"
}

# calls VERB ARG...: as run_dws, with that standard input, by that credential.
calls()
{
	local verb=$1

	shift
	command_line="dws-csm workflows $verb $*"
	"$DWS_CSM" workflows "$verb" --kubeconfig "$TEST_DIR/kubeconfig" "$@" \
		>"$TEST_DIR/out" 2>"$TEST_DIR/err" <"$TEST_DIR/input"
	rc=$?
	out=$(<"$TEST_DIR/out")
	err=$(<"$TEST_DIR/err")
}

# fails_as CODE KIND: both sides of how it was told.
fails_as()
{
	assert_rc "$1"
	assert_json .error.kind "$2"
	assertEquals 'one line' 1 "$(wc -l <"$TEST_DIR/out")"
	assertEquals 'the same on both' "dws-csm: $(jq -r .error.message \
		"$TEST_DIR/out")" "$err"
}

test_a_workflow_passes_its_states()
{
	local state

	input bb7
	calls create --from-stdin
	assert_rc 0
	assert_json .apiVersion "dataworkflowservices.github.io/$storage"
	assert_json .spec.jobID 7
	calls wait 7 Proposal --timeout 20s
	assert_rc 0
	for state in Setup DataIn PreRun PostRun DataOut Teardown; do
		calls set-state 7 "$state"
		assert_rc 0
		assert_json .spec.desiredState "$state"
		calls wait 7 "$state" --timeout 20s
		assert_rc 0
		assert_json '"\(.status.state) \(.status.status)"' \
			"$state Completed"
	done
	calls get bb7
	assert_rc 0
	assert_json .metadata.name bb7
	calls delete 7
	assert_rc 0
	calls wait 7 gone --timeout 20s
	assert_rc 0
	calls get 7
	fails_as 1 gone
}

test_failures_are_told_apart()
{
	input bb8
	calls create --from-stdin
	assert_rc 0
	calls create --from-stdin
	fails_as 3 exists
	calls wait bb8 Proposal --timeout 20s
	calls set-state bb8 Setup --resource-version 1
	fails_as 3 conflict
	calls set-state bb9 Setup
	fails_as 1 gone
	calls delete bb9
	fails_as 1 gone
	calls wait bb9 Setup
	fails_as 1 gone
	calls get bb8 --namespace kube-system
	fails_as 1 gone
	input bb9 '.spec.userID = "root"'
	calls create --from-stdin
	fails_as 3 denied
	echo 'deny no such thing' >"$T/webhook/mode"
	input bb9
	calls create --from-stdin --dry-run
	fails_as 3 denied
	assert_err 'no such thing'
	echo fail >"$T/webhook/mode"
	calls create --from-stdin --dry-run
	fails_as 5 transient
	rm "$T/webhook/mode"
	calls create --from-stdin --namespace nosuch
	fails_as 5 fatal
	calls get bb8 --api-version v1nosuch
	fails_as 5 transient
	calls get bb8 --context nosuch
	fails_as 5 fatal
	sed "s,$KUBE_SERVER,https://127.0.0.1:1," "$TEST_DIR/kubeconfig" \
		>"$TEST_DIR/away"
	calls get bb8 --kubeconfig "$TEST_DIR/away"
	fails_as 5 transient
	calls delete bb8
	assert_rc 0
}

test_a_dry_run_leaves_nothing()
{
	input bb10
	calls create --from-stdin --dry-run
	assert_rc 0
	assert_json .metadata.name bb10
	calls get bb10
	fails_as 1 gone
}

test_wrong_use_is_refused_before_anything_is_asked()
{
	local words

	input bb11
	while read -r words; do
		# shellcheck disable=SC2086 # words
		calls $words --kubeconfig "$TEST_DIR/none"
		assert_rc 2
		assertEquals "result of $words" '' "$out"
	done <<-'END'
	create
	get
	get ../x
	get a?b
	get -- -x
	get A
	get x --namespace a/b
	get x --api-version v1/x
	set-state x
	set-state x setup
	set-state x Setup --resource-version 1,2
	wait x
	wait x Nowhere
	wait x Setup --changes
	wait x Setup --resource-version 3
	delete x y
	END
}

test_what_is_no_workflow_is_refused()
{
	local text

	for text in '' '[]' '{' '{}' '{"metadata":{"name":"x"},"kind":"Pod"}' \
		'{"metadata":{"name":"x"},"apiVersion":"v1"}' \
		'{"metadata":{"name":"x"},"apiVersion":"dataworkflowservices.github.io/a/b"}' \
		'{"metadata":{"name":"x","namespace":"kube-system"}}'; do
		printf '%s' "$text" >"$TEST_DIR/input"
		calls create --from-stdin --namespace default
		assertNotEquals "exit code with '$text'" 0 "$rc"
		assertNotEquals "kind with '$text'" null \
			"$(jq -r .error.kind "$TEST_DIR/out")"
	done
	head -c 3000000 /dev/zero >"$TEST_DIR/input"
	calls create --from-stdin
	fails_as 3 denied
}

test_waiting_ends_in_time_and_with_the_drivers_error()
{
	input bb12
	calls create --from-stdin
	echo 'Setup hold' >"$control.bb12"
	calls set-state bb12 Setup
	SECONDS=0
	calls wait bb12 Setup --timeout 1s
	fails_as 6 timeout
	assertTrue "in time: $SECONDS s" "[ $SECONDS -le 3 ]"
	assert_err "is not complete in Setup in time"
	echo 'Setup error no space' >"$control.bb12"
	calls wait bb12 Setup --timeout 20s
	fails_as 1 failed
	assert_err 'driver stand-in: no space'
	calls delete bb12
	calls wait bb12 gone --timeout 20s
	assert_rc 0
}

test_changes_are_told_until_it_is_gone()
{
	local pid

	input bb13
	calls create --from-stdin
	calls wait bb13 Proposal --timeout 20s
	"$DWS_CSM" workflows wait bb13 --changes --timeout 20s --kubeconfig \
		"$TEST_DIR/kubeconfig" >"$TEST_DIR/changes" 2>&1 &
	pid=$!
	eventually 'the first line' test -s "$TEST_DIR/changes"
	calls set-state bb13 Teardown --hurry
	assert_json .spec.hurry true
	calls wait bb13 Teardown --timeout 20s
	calls delete bb13
	wait "$pid"
	assertEquals 'exit code' 0 $?
	assertEquals 'the last one' '{"type":"DELETED"}' \
		"$(tail -n 1 "$TEST_DIR/changes")"
	assertContains "$(jq -r '.object.status.state' "$TEST_DIR/changes")" \
		Teardown
}

test_no_other_rights_are_needed()
{
	assertEquals 'nothing but Workflows' no \
		"$(kubectl --kubeconfig "$TEST_DIR/kubeconfig" auth can-i get \
			customresourcedefinitions)"
}

# shellcheck disable=SC1091 # Debian's
. shunit2
