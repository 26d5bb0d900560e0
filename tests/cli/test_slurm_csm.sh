#!/bin/bash
# slurm enable --csm, disable --csm: a Slurm in a pod, on a real API server. The
# Job of CSM that renders the files is stood in for by one that does nothing.

# shellcheck disable=SC2154 # $T/env

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

line=BurstBufferType=burst_buffer/lua
before=$'ClusterName={{ cluster }}\n#BurstBufferType=\nNodeName=nid[1-4]'
fast=(--apply --csm --state-dir "$TEST_DIR/state" --timeout 20s)

oneTimeSetUp()
{
	must kubectl create namespace services
	must kubectl create namespace user
	eventually 'accounts' kubectl -n user get serviceaccount/default
	eventually 'accounts' kubectl -n services get serviceaccount/default
}

oneTimeTearDown()
{
	must kubectl delete --wait=false namespace services user
	pods_fare
}

setUp()
{
	pods_fare '*/slurm-config-*' 'done' '*/slurmctld-*' ready
	given_slurm
}

tearDown()
{
	must kubectl -n services delete job,configmap --all
	must kubectl -n user delete deployment --all
	rm -rf "$TEST_DIR/state"
}

given_slurm()
{
	must kubectl -n services create configmap slurm-config-templates \
		--from-literal=slurm.conf="$before"$'\n' \
		--from-literal=other=kept
	must kubectl create -f - <<-END
	apiVersion: batch/v1
	kind: Job
	metadata: {name: slurm-config, namespace: services, labels: {app: slurm}}
	spec:
	  backoffLimit: 0
	  template:
	    metadata: {labels: {app: slurm}}
	    spec:
	      restartPolicy: Never
	      containers: [{name: render, image: site.local/render:1}]
	END
	must kubectl create -f - <<-END
	apiVersion: apps/v1
	kind: Deployment
	metadata: {name: slurmctld, namespace: user}
	spec:
	  strategy: {type: Recreate}
	  selector: {matchLabels: {app: slurmctld}}
	  template:
	    metadata: {labels: {app: slurmctld}}
	    spec:
	      containers: [{name: slurmctld, image: site.local/slurmctld:1}]
	END
	must kubectl -n services wait --for=condition=complete \
		job/slurm-config --timeout=60s
	must kubectl -n user rollout status deployment/slurmctld --timeout=60s
}

# key NAME: of the ConfigMap.
key()
{
	kubectl -n services get configmap slurm-config-templates -o json |
		jq -r ".data[\"$1\"]"
}

config()
{
	kubectl -n services get configmap slurm-config-templates -o json |
		jq -S '.data, .metadata.annotations'
}

job_uid()
{
	kubectl -n services get job slurm-config -o 'jsonpath={.metadata.uid}'
}

generation()
{
	kubectl -n user get deployment slurmctld \
		-o 'jsonpath={.metadata.generation}'
}

test_without_apply_the_steps_are_printed()
{
	KUBECONFIG=/nowhere run_dws slurm enable --csm
	assert_rc 0
	assert_out 'kubectl -n user rollout restart deployment/slurmctld' \
		"$line"
	KUBECONFIG=/nowhere run_dws slurm disable --csm
	assert_rc 0
	assert_out 'Take' 'kubectl -n services edit configmap'
	run_dws slurm enable --apply
	assert_rc 2
	run_dws slurm enable --csm --restart
	assert_rc 2
}

test_what_is_enabled_can_be_disabled()
{
	local uid was

	uid=$(job_uid) was=$(config)
	run_dws slurm enable "${fast[@]}" --dry-run
	assert_rc 0
	assert_out 'slurm.conf: ' 'added' 'Nothing was changed'
	assertEquals 'ConfigMap' "$was" "$(config)"

	run_dws slurm enable "${fast[@]}"
	assert_rc 0
	assert_out 'burst_buffer.lua: added' 'slurmctld was restarted'
	assertEquals 'slurm.conf' \
		"${before/$'\n'NodeName/$'\n'$line$'\n'NodeName}" \
		"$(key slurm.conf)"
	assertEquals 'the plugin' \
		"$(cat "$root/payload/slurm/burst_buffer.lua")" \
		"$(key burst_buffer.lua)"
	assertEquals 'another key' kept "$(key other)"
	assertNotEquals 'the Job' "$uid" "$(job_uid)"
	assertEquals 'labels of the Job' slurm "$(kubectl -n services get job \
		slurm-config -o 'jsonpath={.metadata.labels.app}')"
	assertEquals 'what it was' "$before" "$(jq -r \
		'.data["slurm.conf"]' "$TEST_DIR"/state/slurm-config-*.json)"
	assertEquals 'marks' null "$(kubectl -n services get configmap \
		slurm-config-templates -o json | jq -c \
		'.metadata.annotations | if . == {} then null else . end')"
	assertEquals 'generation' 2 "$(generation)"
	assertEquals 'what it was' "$before" "$(jq -r \
		'.data["slurm.conf"]' "$TEST_DIR"/state/slurm-config-*.json)"

	run_dws slurm enable "${fast[@]}"
	assert_rc 0
	assert_out 'Nothing is to be changed'
	assertEquals 'generation' 2 "$(generation)"

	run_dws slurm disable "${fast[@]}"
	assert_rc 0
	assertEquals 'generation' 3 "$(generation)"
	assertEquals 'data' "$(jq -S . <<<"$was" | head -n 4)" \
		"$(config | jq -S . | head -n 4)"
	run_dws slurm disable "${fast[@]}"
	assert_rc 0
	assert_out 'Nothing is to be changed'
}

test_settings_of_the_site_stay()
{
	must kubectl -n services patch configmap slurm-config-templates \
		--type=merge -p '{"data":{"burst_buffer.conf":"Directive=DW\n"}}'
	run_dws slurm enable "${fast[@]}"
	assert_rc 0
	assert_out "burst_buffer.conf: the site's own stays"
	assertEquals 'settings' Directive=DW "$(key burst_buffer.conf)"
	run_dws slurm disable "${fast[@]}"
	assert_rc 0
	assert_out 'burst_buffer.conf: stays'
	assertEquals 'settings' Directive=DW "$(key burst_buffer.conf)"
	assertEquals 'the plugin' null "$(key burst_buffer.lua)"
}

test_another_system_is_refused()
{
	must kubectl -n services patch configmap slurm-config-templates \
		--type=merge -p '{"data":{"slurm.conf":"BurstBufferType=datawarp\n"}}'
	run_dws slurm enable "${fast[@]}"
	assert_rc 3
	assert_err 'line 1 BurstBufferType=datawarp'
	must kubectl -n services delete configmap slurm-config-templates
	run_dws slurm enable "${fast[@]}"
	assert_rc 3
	assert_err "there is no ConfigMap 'slurm-config-templates'"
}

test_a_job_that_fails_changes_nothing()
{
	local was

	was=$(config)
	pods_fare '*/slurm-config-*' fails '*/slurmctld-*' ready
	# The way back makes the Job anew as well: it must work by then.
	run_dws slurm enable "${fast[@]}"
	assert_rc 8
	assert_err "Job 'slurm-config' failed" 'the way back failed'
	pods_fare '*/slurm-config-*' 'done' '*/slurmctld-*' ready
	assertEquals 'slurm.conf' "$before" "$(key slurm.conf)"
	assertEquals 'generation' 1 "$(generation)"

	# What is left is known, and ended by the next run.
	run_dws slurm disable "${fast[@]}"
	assert_rc 0
	assertEquals 'ConfigMap' "$was" "$(config | sed 's/^{}$/null/')"
}

test_slurmctld_that_does_not_come_up_gets_what_it_had()
{
	local run

	pods_fare '*/slurm-config-*' 'done' '*/slurmctld-*' notready
	: >"$TEST_DIR/err"
	"$DWS_CSM" slurm enable --csm --apply --timeout 5s \
		--state-dir "$TEST_DIR/state" \
		>"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null &
	run=$!
	eventually 'the way back' grep -q 'putting the ConfigMap back' \
		"$TEST_DIR/err"
	pods_fare '*/slurm-config-*' 'done' '*/slurmctld-*' ready
	wait "$run"
	assertEquals 'exit code' 7 $?
	assertContains 'message' "$(<"$TEST_DIR/err")" \
		'the ConfigMap is as it was, and slurmctld runs'
	assertEquals 'slurm.conf' "$before" "$(key slurm.conf)"
	assertEquals 'the plugin' null "$(key burst_buffer.lua)"
}

test_slurmctld_that_dies_after_it_was_ready_gets_what_it_had()
{
	local run

	: >"$TEST_DIR/err"
	"$DWS_CSM" slurm enable "${fast[@]}" --timeout 80s >"$TEST_DIR/out" \
		2>"$TEST_DIR/err" </dev/null &
	run=$!
	eventually 'a pod that is ready' grep -q 'whether slurmctld stays up' \
		"$TEST_DIR/err"
	pods_fare '*/slurm-config-*' 'done' '*/slurmctld-*' crashloop
	eventually 'the way back' grep -q 'putting the ConfigMap back' \
		"$TEST_DIR/err"
	pods_fare '*/slurm-config-*' 'done' '*/slurmctld-*' ready
	wait "$run"
	assertEquals 'exit code' 7 $?
	assertContains 'message' "$(<"$TEST_DIR/err")" 'ended after it was ready'
	assertEquals 'slurm.conf' "$before" "$(key slurm.conf)"
}

test_a_killed_run_is_ended_by_the_next()
{
	local run

	pods_fare '*/slurm-config-*' pending '*/slurmctld-*' ready
	: >"$TEST_DIR/err"
	"$DWS_CSM" slurm enable "${fast[@]}" >"$TEST_DIR/out" \
		2>"$TEST_DIR/err" </dev/null &
	run=$!
	eventually 'the Job' grep -q 'making Job' "$TEST_DIR/err"
	kill -KILL "$run"
	wait "$run" 2>/dev/null
	pods_fare '*/slurm-config-*' 'done' '*/slurmctld-*' ready
	assertContains 'slurm.conf' "$(key slurm.conf)" "$line"
	# What was kept is what was before, also after the second run.
	must kubectl replace --dry-run=server \
		-f "$TEST_DIR"/state/slurm-config-*.json
	# Between the two halves of making the Job anew.
	must kubectl -n services delete job slurm-config --ignore-not-found
	run_dws slurm enable "${fast[@]}"
	assert_rc 0
	assert_out 'slurmctld was restarted'
	assertEquals 'labels of the Job' slurm "$(kubectl -n services get job \
		slurm-config -o 'jsonpath={.metadata.labels.app}')"
	assertEquals 'what it was' "$before" "$(jq -r \
		'.data["slurm.conf"]' "$TEST_DIR"/state/slurm-config-*.json)"
	assertEquals 'marks' null "$(kubectl -n services get configmap \
		slurm-config-templates -o json | jq -c \
		'.metadata.annotations | if . == {} then null else . end')"
	assertEquals 'generation' 2 "$(generation)"
}

# shellcheck disable=SC1091 # Debian's
. shunit2
