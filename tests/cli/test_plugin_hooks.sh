#!/bin/bash
# burst_buffer.lua, hook by hook as slurmctld calls it: with the arguments of
# three releases of Slurm, under four Luas, by both clients, against a real API
# server with DWS of two releases and a stand-in for its controller
# (tests/slurm/driver.py).
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # hostile texts; tests in
# subshells; shunit2's; $T/env

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=tests/cli/lib.sh
. "$root/tests/cli/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$root/tests/servers/lib.sh"

luas='lua5.1 lua5.3 lua5.4 luajit'
versions='21.08 23.02 24.05'
at_once=3
blocked=INT,TERM,CHLD,USR1,USR2,TSTP,XCPU,QUIT,PIPE,ALRM,ABRT,HUP
shared=$TEST_DIR
history=$TEST_DIR/driver.log
lua=lua5.1 version=24.05 job=0 client='' code='' text='' said=''
conf='' control='' script='' known=''
only=$* beginner=''

oneTimeSetUp()
{
	pods_fare '*' ready
	only_kinds Workflow
	credential
	with_release 0.1.17
	# For both; kubectl fills it in otherwise while the clock runs.
	must kubectl get workflows
	# Not where one function alone is run.
	[ -n "$only" ] || begin_all &
	beginner=$!
}

oneTimeTearDown()
{
	wait "$beginner"
	server_stop driver
	"$DWS_CSM" uninstall --yes >"$TEST_DIR/end" 2>&1 </dev/null
}

setUp()
{
	job=$((job + 100)) lua=lua5.1 version=24.05
	rm -f "$T/webhook/mode"
}

# place CLIENT: all that a test needs of its own, and the plugin in it.
place()
{
	client=$1
	# One call less for each hook of kubectl's. What life() is about finds
	# it out.
	[ "$client" != kubectl ] || known=$storage
	TEST_DIR=$shared/$client.$job
	conf=$TEST_DIR/slurm script=$TEST_DIR/script
	control=$shared/driver.control.bb$job
	mkdir -p "$conf" "$TEST_DIR/bin" "$TEST_DIR/tmp"
	export TMPDIR=$TEST_DIR/tmp
	# A kubectl lives too short to tidy its memory up.
	export GOGC=off
	ln -sfn "$shared/kube-cache" "$TEST_DIR/kube-cache"
	cp "$root/payload/slurm/burst_buffer.lua" "$shared/kubeconfig" "$conf/"
	# Somebody else's scancel: says how it was called. The queue, as
	# squeue's --format=%A %F %K has it.
	printf '#!/bin/sh\necho "$*" >>%q\n' "$TEST_DIR/scancel.log" \
		>"$TEST_DIR/bin/scancel"
	printf '#!/bin/sh\ncat %q\n' "$TEST_DIR/queue" >"$TEST_DIR/bin/squeue"
	chmod +x "$TEST_DIR/bin/scancel" "$TEST_DIR/bin/squeue"
	echo "$job $job N/A" >"$TEST_DIR/queue"
	configure
	job_script '#DW jobdw type=xfs capacity=1GB name=sample'
}

# by_each_client [in_turn] && return: at the top of a test; runs the rest of it
# with dws-csm and with kubectl, at the same time where it can. in_turn: one
# after the other, and nothing else meanwhile, since it changes what all share.
by_each_client()
{
	by_clients "${FUNCNAME[1]}" 'dws-csm kubectl' "${1:-}"
}

# by_dws_csm && return: likewise, where the client that is used says nothing of
# what the plugin does. kubectl takes ten times as long.
by_dws_csm()
{
	by_clients "${FUNCNAME[1]}" dws-csm ''
}

# by_clients TEST CLIENTS IN_TURN
by_clients()
{
	local test=$1 name

	[ -z "$client" ] || return 1
	[ -z "$3" ] || wait "$beginner"
	if [ ! -e "$shared/begun.$test" ]; then
		run_clients "$test" "$2" "$3"
	else
		until [ -e "$shared/done.$test" ]; do
			sleep 0.3
		done
	fi
	for name in $2; do
		assertEquals "with $name" '' "$(<"$shared/said.$test.$name")"
	done
	return 0
}

# run_clients TEST CLIENTS IN_TURN: what it says of each goes to a file.
run_clients()
{
	local name pids=''

	for name in $2; do
		(
			[ "$name" = dws-csm ] || job=$((job + 50))
			place "$name"
			"$1"
			assertEquals 'no temporary file stays' '' "$(ls "$TMPDIR")"
		) >"$shared/said.$1.$name" 2>&1 &
		pids+=" $!"
		[ -z "$3" ] || wait $!
	done
	# shellcheck disable=SC2086 # words
	wait $pids
}

# Runs the tests that change nothing that others need, some at a time: much of
# what a hook does is waiting, so those that wait longest come first. They tell
# when it is their turn.
begin_all()
{
	local long='waits|hurry|failed_teardown|away|every_state'
	local tests test running=0
	declare -A clients

	tests=$(declare -F | awk '$3 ~ /^test_/ { print $3 }' | grep -v ^test_zz)
	for test in $tests; do
		case $(declare -f "$test") in
		*'by_each_client && return'*) clients[$test]='dws-csm kubectl' ;;
		*'by_dws_csm && return'*) clients[$test]=dws-csm ;;
		*) continue ;;
		esac
		: >"$shared/begun.$test"
	done
	job=100000
	for test in $(grep -E "$long" <<<"$tests") $(grep -vE "$long" <<<"$tests"); do
		[ -n "${clients[$test]:-}" ] || continue
		job=$((job + 100)) running=$((running + 1))
		[ $running -le "$at_once" ] || wait -n
		(
			run_clients "$test" "${clients[$test]}" ''
			: >"$shared/done.$test"
		) &
	done
	wait
}

# The Luas under which what does not depend on the client is tested.
luas_of_client()
{
	[ "$client" = kubectl ] && echo lua5.1 || echo "$luas"
}

# A credential that may do what a workload manager may, and no more.
credential()
{
	local file=$shared/kubeconfig

	make_cert "$TEST_DIR/wlm" "$T/pki/ca" /CN=slurm-dws clientAuth
	must kubectl config --kubeconfig="$file" set-cluster test \
		--server="$KUBE_SERVER" --embed-certs \
		--certificate-authority="$T/pki/ca.crt"
	must kubectl config --kubeconfig="$file" set-credentials slurm-dws \
		--embed-certs --client-certificate="$TEST_DIR/wlm.crt" \
		--client-key="$TEST_DIR/wlm.key"
	must kubectl config --kubeconfig="$file" set-context test \
		--cluster=test --user=slurm-dws
	must kubectl config --kubeconfig="$file" use-context test
}

with_release()
{
	server_stop driver
	use_release "$1"
	given_no_dws
	given_dws --skip-images
	# With 0.0.20 it is applied by hand.
	kubectl get clusterrole "$role" >"$TEST_DIR/given" 2>&1 ||
		must kubectl create clusterrole "$role" \
			--verb=get,list,watch,create,update,patch,delete \
			--resource="workflows.$group"
	kubectl delete clusterrolebinding slurm-dws-viewer --ignore-not-found \
		>"$TEST_DIR/given" 2>&1
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole="$role" --user=slurm-dws
	server_run driver "$root/tests/slurm/driver.py" --pki "$T/pki" \
		--version "$storage" --control "$shared/driver.control" --log "$history"
	workflow_webhook_answers
}

workflow_webhook_answers()
{
	workflow probe default 1
	must kubectl delete workflow probe
}

# configure [NAME=VALUE]...: settings; those in small letters are Slurm's.
configure()
{
	local setting

	printf '%s\n' "Kubeconfig=$conf/kubeconfig" "Client=$client" \
		"DwsCsm=$DWS_CSM" "Kubectl=$KUBECTL" "Scancel=$TEST_DIR/bin/scancel" PollWait=1 \
		${known:+"ApiVersion=$known"} >"$conf/dws-burst-buffer.conf"
	# Long enough for a slow machine, but no day; where one passes it is set.
	printf '%s\n' SubmitTimeout=30 RequestTimeout=30 \
		>>"$conf/dws-burst-buffer.conf"
	printf '%s\n' OtherTimeout=120 StageInTimeout=120 StageOutTimeout=120 \
		>"$conf/burst_buffer.conf"
	for setting; do
		case $setting in
		OtherTimeout=* | Stage*) echo "$setting" >>"$conf/burst_buffer.conf" ;;
		*) echo "$setting" >>"$conf/dws-burst-buffer.conf" ;;
		esac
	done
}

# A kubeconfig of a server that is away.
away()
{
	sed 's,server: .*,server: https://127.0.0.1:1,' "$conf/kubeconfig" \
		>"$conf/away"
}

# job_script LINE...: at the top of a job script.
job_script()
{
	printf '%s\n' '#!/bin/sh' "$@" 'exit 0' >"$script"
}

# hook NAME [ARGUMENT=VALUE]...: calls it; then code, text and said (the log).
hook()
{
	local name=$1 out=$TEST_DIR/hook.$BASHPID

	shift
	# slurmctld has these blocked for all that it starts.
	(cd "$TEST_DIR" && exec env --block-signal=$blocked \
		"$lua" "$root/tests/slurm/slurmctld.lua" \
		"$conf/burst_buffer.lua" "$version" "slurm_bb_$name" \
		job="$job" script="$script" path="$TEST_DIR/path.$job" "$@") \
		>"$out" 2>"$out.err" </dev/null
	rc=$?
	text=$(<"$out")
	code=${text%%$'\n'*}
	text=${text:${#code}}
	text=${text#$'\n'}
	said=$(<"$out.err")
	assertEquals "slurmctld takes $name of $lua, $version ($said)" 0 $rc
	rm -f "$out" "$out.err"
}

# hook_ok NAME [ARGUMENT=VALUE]...: it succeeds.
hook_ok()
{
	hook "$@"
	assertEquals "$1 of job $job, $lua, $version: $text ($said)" 0 "$code"
}

# hook_fails TEXT NAME [ARGUMENT=VALUE]...: and tells why.
hook_fails()
{
	local wanted=$1

	shift
	hook "$@"
	assertEquals "$1 of job $job fails ($said)" -1 "$code"
	assertContains "what $1 says" "$text" "$wanted"
	assertContains "what $1 logs" "$said" "error: dws: job"
}

# field PATH: of the job's Workflow; empty when there is none. Not by kubectl,
# whose start takes longer than all else.
field()
{
	"$DWS_CSM" workflows get "bb$job" </dev/null 2>"$TEST_DIR/field" |
		jq -r "select(.metadata) | $1"
}

history_of_job()
{
	sed -n "s/^bb$job //p" "$history" | paste -sd ' '
}

# asked_for STATE: of the Workflow, by hand, until the driver has said something
# there. So a hook whose time is short needs it for one look alone, however slow
# the machine is.
asked_for()
{
	must "$DWS_CSM" workflows set-state "bb$job" "$1" </dev/null
	eventually "$1" stands_in "$1"
}

stands_in()
{
	[ "$(field .status.state)" = "$1" ]
}

# held_setup: a setup that is killed in the middle, as the end of slurmctld does.
held_setup()
{
	local pid children

	hook setup 2>"$TEST_DIR/killed" &
	pid=$!
	eventually Setup stands_in Setup
	{
		children=$(pgrep -P "$pid")
		# shellcheck disable=SC2086 # words
		kill -KILL "$pid" $children
		wait "$pid"
	} 2>"$TEST_DIR/killed"
}

# data HOOK: data_in or data_out to its end, as this Slurm does it.
data()
{
	local n

	hook_ok "$1"
	[ "$version" = 24.05 ] || return 0
	for ((n = 0; n < 20; n++)); do
		hook_ok "test_$1"
		[ "$text" = BUSY ] || return 0
	done
	fail "test_$1 says BUSY for ever"
}

life()
{
	hook_ok job_process
	hook_ok setup
	data data_in
	hook_ok real_size
	hook_ok paths
	assertEquals 'variables' DW_JOB_sample=/mnt/sample \
		"$(<"$TEST_DIR/path.$job")"
	hook_ok pre_run
	hook_ok get_status -- workflow "$job"
	assertEquals "bbstat, $lua, $version" \
		'desiredState=PreRun currentState=PreRun status=Completed' \
		"${text%$'\n'}"
	hook_ok post_run
	data data_out
	hook_ok job_teardown
	assertEquals "states, $lua, $version" \
		'Proposal Setup DataIn PreRun PostRun DataOut Teardown gone' \
		"$(history_of_job)"
	assertEquals 'nothing is left' '' "$(field .metadata.name)"
}

test_local_functions_under_each_lua()
{
	local failed

	mkdir -p "$TEST_DIR/units"
	for lua in $luas; do
		(cd "$TEST_DIR/units" && "$lua" "$root/tests/slurm/units.lua" \
			"$root/payload/slurm/burst_buffer.lua") \
			>"$TEST_DIR/units.out" 2>&1
		failed=$?
		assertEquals "$lua: $(<"$TEST_DIR/units.out")" 0 "$failed"
	done
	assertEquals 'no canary' '' "$(ls "$TEST_DIR/units")"
}

# lives COUNT: of as many jobs at once, each of another Lua; their releases of
# Slurm begin at another one each time.
lives()
{
	local first=$1 n=0

	known=''
	configure
	for lua in $luas; do
		# shellcheck disable=SC2086 # words
		set -- $versions
		shift $(((first + n) % 3))
		version=$1 n=$((n + 1)) job=$((job + 1))
		life &
	done
	wait
}

test_a_job_passes_every_state_under_each_lua_and_slurm()
{
	by_each_client && return
	local first=$job

	lives 0
	# The other releases of Slurm; kubectl needs them not again.
	[ "$client" = kubectl ] || lives 1
	[ "$client" = kubectl ] || lives 2
	assertEquals 'all were there' "$([ "$client" = kubectl ] && echo 4 ||
		echo 12)" "$(awk -v first="$first" -v last="$job" '
		$2 == "gone" { n = substr($1, 3); all += n > first && n <= last }
		END { print +all }' "$history")"
}

test_a_driver_error_is_told_and_ends_the_job()
{
	by_each_client && return
	echo "Setup error no space on 'rabbit' (100% full)" >"$control"
	hook_fails "DWS failed in Setup: driver stand-in: no space on 'rabbit' (100% full)" setup
	hook_ok job_teardown hurry=true
	assertEquals 'Proposal Setup Teardown hurry gone' "$(history_of_job)"
	assertEquals "--hurry $job" "$(cat "$TEST_DIR/scancel.log")"
}

# The last task of an array has its number.
test_a_driver_error_ends_one_task_of_an_array()
{
	by_dws_csm && return
	printf '%s\n' "$((job + 1)) $job 0" "$job $job 7" >"$TEST_DIR/queue"
	echo 'Setup error x' >"$control"
	hook_fails 'DWS failed in Setup' setup
	hook_ok job_teardown
	assertEquals "--hurry ${job}_7" "$(cat "$TEST_DIR/scancel.log")"
	rm "$TEST_DIR/scancel.log"
	hook_fails 'DWS failed in Setup' setup
	: >"$TEST_DIR/queue"
	hook_ok job_teardown
	assertContains "$said" 'not cancelled: it is not in the queue'
	assertFalse 'no scancel' "[ -e '$TEST_DIR/scancel.log' ]"
}

test_a_driver_error_may_hold_the_job()
{
	by_dws_csm && return
	configure CancelOnError=no
	hook_ok setup
	echo 'DataIn error no such file' >"$control"
	hook_ok data_in
	hook_fails 'no such file' test_data_in
	hook_ok job_teardown hurry=true
	assertFalse 'no scancel' "[ -e '$TEST_DIR/scancel.log' ]"
}

test_a_failed_teardown_keeps_the_workflow()
{
	by_each_client && return
	hook_ok setup
	echo 'Teardown error unmount failed' >"$control"
	asked_for Teardown
	configure OtherTimeout=12
	hook_fails 'unmount failed' job_teardown
	assertContains "$said" 'unmount failed; waiting for DWS to try again'
	assertEquals Teardown "$(field .spec.desiredState)"
	configure
	# The controller tries again.
	(sleep 1; rm "$control") &
	hook_ok job_teardown
	assertEquals '' "$(field .metadata.name)"
}

test_an_interrupted_setup_goes_on()
{
	by_each_client && return
	local uid

	echo 'Setup hold' >"$control"
	held_setup
	uid=$(field .metadata.uid)
	rm "$control"
	hook_ok setup
	assertContains "$said" 'is there already: going on with it'
	assertEquals "$uid" "$(field .metadata.uid)"
	hook_ok setup
	data data_in
	hook_ok pre_run
	# A restart of slurmctld calls them again.
	hook_ok paths
	hook_ok pre_run
	hook_ok post_run
	hook_ok post_run
	assertEquals 'Proposal Setup DataIn PreRun PostRun' "$(history_of_job)"
	hook_ok job_teardown
}

test_a_requeued_job_gets_a_new_workflow()
{
	by_dws_csm && return
	local uid

	hook_ok setup
	data data_in
	hook_ok pre_run
	uid=$(field .metadata.uid)
	version=21.08
	hook_ok setup
	assertNotEquals "$uid" "$(field .metadata.uid)"
	assertContains "$(history_of_job)" 'PreRun Teardown hurry gone Proposal Setup'
	# Nor is it taken when somebody else has the job's number now.
	uid=$(field .metadata.uid)
	hook_ok setup uid=1002
	assertNotEquals "$uid" "$(field .metadata.uid)"
	assertEquals 1002 "$(field .spec.userID)"
	version=24.05
	hook_ok job_teardown
	assertContains "$said" 'is not ours'
	hook_ok job_teardown uid=1002
	hook_ok job_teardown uid=1002
}

test_a_foreign_workflow_is_left_alone()
{
	by_dws_csm && return
	workflow "bb$job" default "$job"
	hook_fails 'belongs to somebody else' setup
	hook_ok job_teardown hurry=true
	assertContains "$said" 'is not ours: left as it is'
	assertEquals Proposal "$(field .spec.desiredState)"
	must kubectl delete workflow "bb$job"
}

test_a_workflow_of_another_cluster_is_left_alone()
{
	by_dws_csm && return
	hook_ok setup cluster=one
	assertEquals one \
		"$(field '.metadata.labels["dws-csm.io/slurm-cluster"]')"
	data data_in
	hook_fails 'belongs to somebody else' setup cluster=two
	hook_ok job_teardown hurry=true cluster=two
	assertContains "$said" 'is not ours: left as it is'
	hook_ok pre_run cluster=one
	assertEquals PreRun "$(field .status.state)"
	# Nor one that somebody else's job is running with.
	hook_fails 'belongs to somebody else' setup uid=1002
	hook_ok job_teardown uid=1002
	assertContains "$said" 'is not ours: left as it is'
	hook_ok job_teardown cluster=one
	assertEquals '' "$(field .metadata.name)"
	# No label could have this name.
	hook_ok setup "cluster=a b/"
	assertEquals '{"origin":"burst_buffer.lua"}' "$(field '.metadata.labels|tojson')"
	hook_ok job_teardown cluster=two
}

test_a_client_that_dies_says_nothing_of_the_job()
{
	place dws-csm
	printf '#!/bin/sh\necho "dws-csm: warning: x" >&2\nkill -ALRM $$\n' \
		>"$TEST_DIR/bin/dws-csm"
	chmod +x "$TEST_DIR/bin/dws-csm"
	configure "DwsCsm=$TEST_DIR/bin/dws-csm"
	hook_ok job_process
	assertContains "$said" 'did not answer in time (dws-csm: warning: x'
	client='' TEST_DIR=$shared
}

test_a_deleted_workflow_is_told()
{
	by_each_client && return
	for hook in data_in pre_run post_run data_out; do
		hook_fails 'is gone; somebody deleted it' "$hook"
	done
}

test_cancelling_during_setup()
{
	by_each_client && return
	local pid

	echo 'Setup hold' >"$control"
	(
		hook setup
		printf '%s\n' "$code" "$text" >"$TEST_DIR/cancelled"
	) &
	pid=$!
	eventually Setup stands_in Setup
	hook_ok job_teardown hurry=true
	wait "$pid"
	assertEquals -1 "$(head -n 1 "$TEST_DIR/cancelled")"
	assertContains "$(<"$TEST_DIR/cancelled")" "Workflow"
	assertEquals '' "$(field .metadata.name)"
}

test_hurry_reaches_a_teardown_that_is_on_its_way()
{
	by_dws_csm && return
	hook_ok setup
	data data_in
	hook_ok pre_run
	hook_ok post_run
	echo 'Teardown hold' >"$control"
	asked_for Teardown
	configure OtherTimeout=12
	hook_fails 'Teardown is not complete: driver stand-in: Running' job_teardown
	assertEquals false "$(field '.spec.hurry // false')"
	hook_fails 'Teardown is not complete' job_teardown hurry=true
	assertEquals true "$(field .spec.hurry)"
	rm "$control"
	configure
	hook_ok job_teardown hurry=true
}

test_waits_end_before_slurm_ends_them()
{
	by_each_client && return
	echo 'Setup hold waiting for rabbit' >"$control"
	held_setup
	configure OtherTimeout=15
	SECONDS=0
	hook_fails 'Setup is not complete: driver stand-in: Running waiting for rabbit' setup
	assertTrue "in time: $SECONDS s" "[ $SECONDS -le 15 ]"
	rm "$control"
	configure
	hook_ok setup
	echo 'DataIn hold' >"$control"
	hook_ok data_in
	hook_ok test_data_in
	assertEquals BUSY "$text"
	version=23.02
	configure StageInTimeout=12
	hook_fails 'DataIn is not complete' data_in
	rm "$control"
	configure
	hook_ok data_in
	hook_ok job_teardown
}

test_an_empty_status_is_no_error()
{
	by_dws_csm && return
	printf '%s blank\n' Proposal Setup DataIn Teardown >"$control"
	# No limit, to Slurm.
	configure OtherTimeout=0
	SECONDS=0
	hook_ok setup
	# Else waits go on after the change, for a minute.
	assertTrue "in time: $SECONDS s" "[ $SECONDS -lt 50 ]"
	data data_in
	hook_ok job_teardown
}

test_status_answers()
{
	by_dws_csm && return
	for version in 21.08 23.02; do
		hook_ok get_status -- workflow 12x
		assertEquals 'A job ID must contain only digits.' "$text"
		for words in '' workflow 'session 3' 'workflow 3 4' 'workflow --all x'; do
			# shellcheck disable=SC2086 # words
			hook_ok get_status -- $words
			assertEquals 'Usage: workflow <job-id>' "$text"
		done
		hook_ok get_status -- workflow 99999
		assertEquals 'Job 99999 has no Workflow' "$text"
	done
}

# paths runs inside locks: what data_in leaves is enough for it.
test_paths_needs_no_server()
{
	by_dws_csm && return
	local n

	for version in 23.02 24.05; do
		job=$((job + 1)) control=$shared/driver.control.bb$job
		echo 'env A=1' >"$control"
		hook_ok setup
		data data_in
		away
		configure "Kubeconfig=$conf/away"
		hook_ok paths
		assertEquals '' "$said"
		assertEquals 'A=1' "$(<"$TEST_DIR/path.$job")"
		configure
		hook_ok job_teardown
		assertEquals 'nothing is kept' '' \
			"$(compgen -G "$TEST_DIR/dws-variables*")"
	done
	printf '%s\n' 'env A=1\nLD_PRELOAD=/tmp/x.so' >"$control"
	hook_ok setup
	version=23.02
	hook_fails "the variable 'A' that no job can take" data_in
	hook_ok job_teardown
}

test_variables_that_no_job_can_take()
{
	by_dws_csm && return
	printf '%s\n' 'env A=1' 'env B=x=y %s $(id)' >"$control"
	hook_ok setup
	hook_ok paths
	assertEquals $'A=1\nB=x=y %s $(id)' "$(<"$TEST_DIR/path.$job")"
	hook_ok job_teardown
	printf '%s\n' 'env A=1\nLD_PRELOAD=/tmp/x.so' >"$control"
	hook_ok setup
	rm "$TEST_DIR/path.$job"
	hook_ok paths
	assertContains "$said" "the variable 'A' that no job can take: left out"
	assertFalse 'nothing is written' "[ -s '$TEST_DIR/path.$job' ]"
	hook_ok job_teardown
}

# Slurm would hold it for ever, were it told so by paths.
test_a_job_does_not_run_without_its_variables()
{
	by_dws_csm && return
	hook_ok setup
	data data_in
	away
	rm "$TEST_DIR/dws-variables.$job"
	configure "Kubeconfig=$conf/away" SubmitTimeout=1
	hook_ok paths
	assertContains "$said" "the job's variables are not known"
	assertEquals 'none' '' "$(<"$TEST_DIR/path.$job")"
	configure
	hook_fails "the job's variables were not known when it began; 'scontrol release $job' tries" \
		pre_run
	hook_ok job_teardown
	hook_ok setup
	data data_in
	hook_ok paths
	hook_ok pre_run
	configure Namespace=../x
	hook_ok paths
	assertContains "$said" 'is no setting'
	configure
	hook_ok job_teardown
}

# It would lose what the job has written.
test_a_server_that_is_away_at_the_end_is_waited_for()
{
	by_each_client && return
	hook_ok setup
	data data_in
	hook_ok pre_run
	away
	configure "Kubeconfig=$conf/away" OtherTimeout=4
	hook_ok post_run
	assertContains "$said" 'left to data_out'
	configure
	data data_out
	assertEquals 'Proposal Setup DataIn PreRun PostRun DataOut' \
		"$(history_of_job)"
	hook_ok job_teardown
}

test_dws_refuses_at_submission()
{
	by_each_client in_turn && return
	echo 'deny invalid argument %s in #DW' >"$T/webhook/mode"
	hook_fails 'invalid argument %s in #DW' job_process
	# Before 23.02 Slurm says neither user nor job.
	version=21.08 lua=luajit
	hook_fails 'invalid argument %s in #DW' job_process
	configure CheckAtSubmit=no
	hook_ok job_process
	configure
	# Slurm puts in the job's number later.
	job_script '#DW jobdw name=j%j'
	hook_ok job_process
	hook_fails 'invalid argument %s in #DW' setup
	rm "$T/webhook/mode"
	hook_ok setup
	hook_ok job_teardown
}

test_a_webhook_that_is_away_is_waited_for()
{
	by_each_client in_turn && return
	echo fail >"$T/webhook/mode"
	hook_ok job_process
	assertContains "$said" 'could not be tried, the job is taken'
	(sleep 2; rm "$T/webhook/mode") &
	hook_ok setup
	wait
	hook_ok job_teardown
}

test_a_server_that_is_away()
{
	by_each_client && return
	away
	configure "Kubeconfig=$conf/away" OtherTimeout=4 SubmitTimeout=2
	SECONDS=0
	hook_ok job_process
	hook_fails 'cannot read Workflow' setup
	assertTrue "in time: $SECONDS s" "[ $SECONDS -le 10 ]"
}

# As slurmctld keeps scripts; it asks for each task of an array.
test_a_server_that_is_away_is_not_asked_again_at_once()
{
	by_dws_csm && return
	local folder=$TEST_DIR/state n

	mkdir -p "$folder/hash.1/job.1"
	cp "$script" "$folder/hash.1/job.1/"
	script=$folder/hash.1/job.1/script
	away
	configure "Kubeconfig=$conf/away" SubmitTimeout=2
	hook_ok job_process
	assertContains "$said" 'could not be tried, the job is taken'
	hook_ok job_process
	assertContains "$said" 'are not tried, the job is taken'
	hook_ok paths
	assertContains "$said" 'the server was away a moment ago'
	echo 1 >"$folder/dws-burst-buffer.away"
	hook_ok job_process
	assertContains 'long ago' "$said" 'could not be tried, the job is taken'
	# Nor is a task of an array, where this Slurm tells of it.
	rm "$folder/dws-burst-buffer.away"
	hook_ok job_process task=3
	assertEquals '' "$said"
	version=21.08
	hook_ok job_process task=3
	assertContains "$said" 'could not be tried, the job is taken'
}

test_what_the_administrator_must_mend_is_told_at_submission()
{
	by_each_client && return
	configure "Kubeconfig=$conf/none"
	hook_fails "$conf/none" job_process
	configure "Kubectl=$TEST_DIR/none" "DwsCsm=$TEST_DIR/none"
	hook_fails "cannot run '$TEST_DIR/none'" job_process
	configure Kubeconfg=x
	hook_fails "dws-burst-buffer.conf line $(wc -l <"$conf/dws-burst-buffer.conf"): 'Kubeconfg=x' is no setting" \
		job_process
	configure Namespace=../kube-system
	hook_fails 'is no setting' job_process
	configure Namespace=nosuch
	hook_fails 'nosuch' job_process
}

# Whichever it is, the answer is the server's own.
test_auto_takes_dws_csm_where_it_is_found()
{
	place auto
	printf '#!/bin/sh\necho "$0 $1" >>%q\nexit 1\n' "$TEST_DIR/called" \
		>"$TEST_DIR/bin/kubectl"
	chmod +x "$TEST_DIR/bin/kubectl"
	cp "$TEST_DIR/bin/kubectl" "$TEST_DIR/bin/dws-csm"
	configure DwsCsm=dws-csm Kubectl=kubectl
	(PATH=$TEST_DIR/bin:$PATH hook job_process)
	assertEquals "$TEST_DIR/bin/dws-csm workflows" "$(<"$TEST_DIR/called")"
	rm "$TEST_DIR/called" "$TEST_DIR/bin/dws-csm"
	(PATH=$TEST_DIR/bin:$PATH hook job_process)
	assertContains "$(<"$TEST_DIR/called")" "$TEST_DIR/bin/kubectl"
	configure Client=neither
	hook_fails 'use auto, dws-csm or kubectl' job_process
	client='' TEST_DIR=$shared
}

test_wrong_ids_are_refused()
{
	by_dws_csm && return
	local saved=$job

	for job in '1;touch canary' -1 1.5 0x1 "1'" ''; do
		hook_fails 'Slurm gave no job id' job_teardown
	done
	job=$saved
	for uid in -1 4294967294 '1 2' root; do
		hook_fails 'Slurm gave no user and group' setup uid="$uid"
	done
	assertEquals '' "$(field .metadata.name)"
	assertFalse 'no canary' "[ -e '$TEST_DIR/canary' ]"
}

# exactly LINE...: the Workflow of a script with these directives has them, and
# nothing else of it is other than it should be.
exactly()
{
	hook_ok setup
	assertEquals "directives of job $job, $lua" \
		"$(jq -cn '$ARGS.positional' --args -- "$@")" \
		"$(field .spec.dwDirectives | jq -c .)"
	assertEquals 'the other fields' \
		"Proposal 1001 100 $job slurm {\"origin\":\"burst_buffer.lua\"}" \
		"$(field '"\(.spec.desiredState) \(.spec.userID) \(.spec.groupID) \(.spec.jobID) \(.spec.wlmID) \(.metadata.labels)"' |
			sed 's/^Setup/Proposal/')"
	hook_ok job_teardown
}

test_hostile_directives_stay_text()
{
	by_each_client && return
	local lines=(
		"#DW a 'b' \"c\" \\\"d\\\" it's"
		'#DW $(touch canary) `touch canary` ; touch canary & | > canary'
		'#DW %s %d %n %% %1 %'
		$'#DW x\t{userID: 0}, "userID": 0, - userID: 0'
		"#DW '; touch canary; '"
		'#DW "],"userID":0,"x":["'
		'#DW ${IFS}touch${IFS}canary \n \u0027'
		$'#DW gr\u00fc\u00dfe \u2028 \U1F600'
	)

	for lua in $(luas_of_client); do
		job=$((job + 1))
		job_script "${lines[@]}"
		hook_ok job_process
		exactly "${lines[@]}"
	done
	assertFalse 'no canary' "[ -e '$TEST_DIR/canary' ]"
}

test_the_pool_is_for_slurm_alone()
{
	by_dws_csm && return
	hook_ok pools
	assertEquals dws "$(jq -r '.pools[].id' <<<"$text")"
	job_script '#DW jobdw capacity=1GiB pool=dws name=a' \
		'#DW jobdw pool=other name=pool=dws' '#DW x pool=dws'
	exactly '#DW jobdw capacity=1GiB name=a' \
		'#DW jobdw pool=other name=pool=dws' '#DW x'
	configure Pool=fast
	hook_ok pools
	assertEquals fast "$(jq -r '.pools[].id' <<<"$text")"
}

test_directives_outside_the_comments_do_not_count()
{
	by_dws_csm && return
	job_script '#DW first' '' '# a comment' "#DW second \\" '#DW   part' \
		'cat <<END' '#DW heredoc' END '#DW after'
	exactly '#DW first' '#DW second part'
	job_script 'cat <<END' '#DW heredoc' END
	for hook in job_process setup data_in test_data_in paths pre_run post_run \
		data_out test_data_out job_teardown; do
		hook_ok "$hook"
	done
	assertEquals '' "$(field .metadata.name)"
	# slurmctld keeps the end of the text, too.
	printf '#!/bin/sh\n#DW last\0' >"$script"
	exactly '#DW last'
}

test_hostile_scripts_are_refused()
{
	by_dws_csm && return
	for lua in $luas; do
		printf '#!/bin/sh\n#DW a\r  userID: 0\n' >"$script"
		hook_fails 'line 2: a #DW line holds a carriage return' job_process
		hook_fails 'line 2: a #DW line holds a carriage return' setup
		printf '#!/bin/sh\n#DW a\0b\n' >"$script"
		hook_fails 'line 2 holds a NUL byte' setup
		printf '#!/bin/sh\n#DW a\0\0' >"$script"
		hook_fails 'line 2 holds a NUL byte' setup
		printf '#!/bin/sh\n#DW a\377\n' >"$script"
		hook_fails 'is not UTF-8' setup
		printf '#!/bin/sh\n#DW %s\n' "$(head -c 1048576 /dev/zero | tr '\0' x)" \
			>"$script"
		hook_fails 'hold more than 65536 bytes' setup
		printf '#!/bin/sh\n#%s\n#DW a\n' \
			"$(head -c 1048576 /dev/zero | tr '\0' x)" >"$script"
		hook_fails 'longer than 1048576 bytes' setup
	done
	hook_fails 'cannot read the job script' setup "script=$TEST_DIR/none"
	assertEquals '' "$(field .metadata.name)"
}

# Last, since it brings another release.
test_zz_the_oldest_release_too()
{
	if [ -z "$client" ]; then
		wait "$beginner"
		with_release 0.0.20
	fi
	by_each_client && return
	luas=$([ "$client" = kubectl ] && echo lua5.1 || echo lua5.3 luajit)
	lives 1
	job=$((job + 1)) version=24.05 lua=lua5.3
	control=$shared/driver.control.bb$job
	test_an_interrupted_setup_goes_on
}

# shellcheck disable=SC1091 # Debian's
. shunit2
