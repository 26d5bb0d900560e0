#!/bin/bash
# slurm test-job: with a real slurmctld, jobs in a real slurmd, Workflows in a
# real API server, and the stand-in for DWS's controller and drivers.
# shellcheck disable=SC2034,SC2119,SC2120,SC2154 # shunit2's; optional; $T/env

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
shared=$TEST_DIR
# shellcheck source=tests/cli/lib.sh
. "$root/tests/cli/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$root/tests/servers/lib.sh"
# shellcheck source=tests/cli/slurm.sh
. "$root/tests/cli/slurm.sh"
# shellcheck source=tests/cli/slurm_dws.sh
. "$root/tests/cli/slurm_dws.sh"

only=$*
declare -A pids

oneTimeSetUp()
{
	if ! slurm_can; then
		startSkipping
		return
	fi
	dws_slurm_up 0.1.17 files || return
	slurm_may_forget_teardowns
	# Not where one function alone is run.
	[ -n "$only" ] || begin_all
}

oneTimeTearDown()
{
	isSkipping || dws_slurm_down
}

# As where slurmctld kills its own teardown of a job that is cancelled: nothing
# else will do it. Of the jobs for which there is a file "forget.N".
slurm_may_forget_teardowns()
{
	sed -i '/^return slurm.SUCCESS$/d' /etc/slurm/burst_buffer.lua
	cat >>/etc/slurm/burst_buffer.lua <<-END
	local teardown = slurm_bb_job_teardown

	function slurm_bb_job_teardown(job, ...)
		local file = io.open("$T/slurm/forget." .. job, "r")

		if file then
			file:close()
			return slurm.SUCCESS
		end
		return teardown(job, ...)
	end
	return slurm.SUCCESS
	END
}

run_job()
{
	run_dws slurm test-job --user "$slurm_user" "$@"
}

# --- runs beside each other -------------------------------------------------

# Most of what a job takes is waiting: those that need nothing but the driver to
# do something of its own begin at the start, each test then looks at one.

# start NAME ARG...: of test-job; returns when the job is submitted.
start()
{
	local dir=$shared/$1 name=$1

	shift
	mkdir -p "$dir"
	job=$(($(last_job) + 1))
	echo "$job" >"$dir/job"
	echo "dws-csm slurm test-job $*" >"$dir/command"
	"$DWS_CSM" slurm test-job --user "$slurm_user" "$@" \
		>"$dir/out" 2>"$dir/err" </dev/null &
	pids[$name]=$!
	soon "the submission of $name ($(<"$dir/err"))" is_known
}

last_job()
{
	scontrol show job -o 2>&1 | sed -n 's/.*JobId=\([0-9]*\).*/\1/p' |
		sort -n | tail -n 1
}

is_known()
{
	[ "$(last_job)" = "$job" ]
}

has_told()
{
	grep -qF "$1" "$TEST_DIR/out"
}

# running NAME: begins it, unless that was done; the test is about this one then.
running()
{
	[ -n "${pids[$1]:-}" ] || "begin_$1"
	TEST_DIR=$shared/$1
	job=$(<"$TEST_DIR/job")
	command_line=$(<"$TEST_DIR/command")
}

# ended_run NAME: waits for it, sets rc, out, err.
ended_run()
{
	running "$1"
	wait "${pids[$1]}"
	rc=$?
	out=$(<"$TEST_DIR/out")
	err=$(<"$TEST_DIR/err")
}

tearDown()
{
	TEST_DIR=$shared
}

begin_all()
{
	local name

	for name in $(declare -F | sed -n 's/^declare -f begin_//p'); do
		[ "$name" = all ] || "begin_$name"
	done
}

# script NAME LINE...: a job of its own; its path.
script()
{
	local path=$shared/$1.sh

	shift
	{
		echo '#!/bin/bash'
		echo '#DW jobdw type=xfs capacity=1GiB pool=dws name=sample'
		printf '%s\n' "$@"
	} >"$path"
	echo "$path"
}

# without_credential COMMAND...: with settings that name none.
without_credential()
{
	# Where the job's user finds it as well.
	mkdir -p "$T/slurm/conf"
	cp /etc/slurm/slurm.conf "$T/slurm/conf"
	echo 'Kubeconfig=/nowhere' >"$T/slurm/conf/dws-burst-buffer.conf"
	SLURM_CONF=$T/slurm/conf/slurm.conf "$@"
}

# given_fault LINE...: what the driver does with the next job.
given_fault()
{
	job=$(($(last_job) + 1))
	printf '%s\n' "$@" >"$control.bb$job"
}

# That long no job takes to get to where it is held, on a slow machine either.
hangs=(--timeout 15s)

# --- what passes ------------------------------------------------------------

begin_sample()
{
	start sample
}

test_the_sample_job_passes()
{
	isSkipping && return
	local state

	ended_run sample
	assert_rc 0
	assert_out "job $job submitted as $slurm_user" \
		'job       PENDING' 'job       COMPLETED' 'workflow  gone' \
		'passed'
	for state in Proposal Setup DataIn PreRun PostRun DataOut Teardown; do
		assert_out "workflow  $state  Completed" "$state "
	done
	assertEquals 'standard error' '' "$err"
	assertEquals 'the Workflow' '' "$(workflow_field .metadata.name)"
}

begin_json()
{
	start json "$(script json true)" --partition batch -o json
}

test_a_program_reads_the_result()
{
	isSkipping && return
	ended_run json
	assert_rc 0
	assert_json .passed true
	assert_json .job.id "$job"
	assert_json .job.state COMPLETED
	assert_json .job.exitCode 0:0
	assert_json .workflow.gone true
	assert_json '.workflow.milliseconds | keys | length' 7
	assert_json '[.events[] | select(.of == "workflow") | .state] | last' gone
}

# It looks every two seconds then.
begin_bbstat()
{
	without_credential start bbstat "$(script bbstat 'sleep 5')"
}

test_without_the_credential_slurmctld_is_asked()
{
	isSkipping && return
	ended_run bbstat
	assert_rc 0
	assert_err 'looked at through slurmctld' "'/nowhere'"
	assert_out 'workflow  PreRun  Completed' 'workflow  gone' passed
}

# --- what does not ----------------------------------------------------------

begin_errors()
{
	local state

	for state in Setup DataIn PreRun DataOut; do
		given_fault "$state error no space on rabbit-7"
		start "error.$state"
	done
	pids[errors]=begun
}

test_a_driver_fails()
{
	isSkipping && return
	local state

	[ -n "${pids[errors]:-}" ] || begin_errors
	for state in Setup DataIn PreRun DataOut; do
		ended_run "error.$state"
		assert_rc 1
		assert_err "DWS failed in $state: driver stand-in: no space on rabbit-7"
		assert_out "job $job submitted" 'NOT PASSED' \
			"workflow  $state  Error" 'look at ' \
			"dws: job $job" 'workflow  gone'
	done
}

begin_failure()
{
	start failure "$(script failure 'echo out of luck' \
		'echo and worse >&2' 'exit 3')"
}

test_the_script_fails()
{
	isSkipping && return
	ended_run failure
	assert_rc 1
	assert_err "ended FAILED, exit code 3:0"
	assert_out 'output     out of luck' 'output     and worse' 'workflow  gone'
}

begin_hang()
{
	given_fault 'DataIn hold copying 3 of 4'
	start hang "${hangs[@]}"
}

test_a_job_that_hangs_is_cancelled()
{
	isSkipping && return
	ended_run hang
	assert_rc 6
	assert_err 'not at its end in time' 'PENDING (BurstBufferStageIn)' \
		'its Workflow is in DataIn (DriverWait)'
	assert_out 'stand-in (Running: copying 3 of 4)' 'workflow  gone' \
		"'dws-csm workflows show $job'"
	assertEquals 'the job' CANCELLED "$(job_field JobState)"
	assertEquals 'the Workflow' '' "$(workflow_field .metadata.name)"
}

begin_left()
{
	given_fault 'DataIn hold'
	touch "$T/slurm/forget.$job"
	start left "${hangs[@]}"
}

test_what_slurm_leaves_is_torn_down()
{
	isSkipping && return
	ended_run left
	assert_rc 6
	assert_err 'Slurm left the Workflow'
	assert_out 'workflow  Teardown  Completed' 'workflow  gone' \
		'this command tore it down' \
		"'teardown for JobId=$job terminated by slurmctld'"
	assertEquals 'the Workflow' '' "$(workflow_field .metadata.name)"
	assertEquals 'Teardown hurry gone' "$(history_of "$job" |
		sed 's/.*DataIn //')"
}

begin_told()
{
	given_fault 'DataIn hold'
	touch "$T/slurm/forget.$job"
	without_credential start told "${hangs[@]}"
}

# What is told to do is done here.
test_what_slurm_leaves_and_this_may_not_end_is_told()
{
	isSkipping && return
	local words

	ended_run told
	assert_rc 6
	assert_out 'its Workflow stays: its Workflow is in DataIn (DriverWait)' \
		'its storage stays allocated'
	grep -o "'dws-csm workflows [a-z-]* ${job}[^']*'" "$TEST_DIR/out" |
		tr -d "'" | grep -v show >"$TEST_DIR/told"
	assertEquals 'commands' 3 "$(wc -l <"$TEST_DIR/told")"
	assertContains "$(<"$TEST_DIR/told")" \
		"dws-csm workflows set-state $job Teardown --hurry"
	while read -r _ words; do
		# shellcheck disable=SC2086 # words
		must "$DWS_CSM" $words </dev/null
	done <"$TEST_DIR/told"
	soon 'the Workflow to go' history_ends gone
}

begin_kept()
{
	given_fault 'Setup hold'
	start kept --timeout 4s --no-cancel
}

test_what_hangs_may_be_left()
{
	isSkipping && return
	ended_run kept
	assert_rc 6
	assert_out "job $job was left as it is"
	assertEquals 'the job' PENDING "$(job_field JobState)"
	must scancel --hurry "$job"
	job_ends CANCELLED
	soon 'the Workflow to go, or Slurm to end the teardown' gone_or_killed
	history_ends gone || clear_up
}

# Slurm may have killed the teardown itself.
clear_up()
{
	must "$DWS_CSM" workflows set-state "$job" Teardown --hurry </dev/null
	must "$DWS_CSM" workflows wait "$job" Teardown </dev/null
	must "$DWS_CSM" workflows delete "$job" </dev/null
}

# The controller has stopped.
begin_absent()
{
	given_fault 'Proposal absent' 'Teardown absent'
	start absent --timeout 3s
}

test_a_workflow_that_stays_is_told()
{
	isSkipping && return
	ended_run absent
	assert_rc 6
	assert_err 'asked for Proposal'
	assert_out 'has not taken the state up' 'its Workflow stays'
	free
	soon 'the Workflow to go' history_ends gone
}

begin_cancelled()
{
	start cancelled "$(script cancelled 'sleep 600')"
}

test_cancelled_by_somebody()
{
	isSkipping && return
	running cancelled
	soon 'the job to run' has_told 'job       RUNNING'
	must scancel "$job"
	ended_run cancelled
	assert_rc 1
	assert_err 'was cancelled' 'not by this command'
	assert_out 'workflow  gone'
}

begin_interrupted()
{
	start interrupted "$(script interrupted 'sleep 600')"
}

test_interrupted()
{
	isSkipping && return
	running interrupted
	soon 'the job to run' has_told 'job       RUNNING'
	kill -INT "${pids[interrupted]}"
	ended_run interrupted
	assert_rc 10
	assert_err 'interrupted' 'RUNNING'
	assert_out 'workflow  gone'
	assertEquals 'the job' CANCELLED "$(job_field JobState)"
}

begin_without()
{
	printf '%s\n' '#!/bin/bash' 'true' '#DW too late' >"$shared/without.sh"
	start without "$shared/without.sh"
}

test_a_script_without_directives()
{
	isSkipping && return
	ended_run without
	assert_rc 1
	assert_err 'no Workflow was seen'
	assert_out "'#DW' lines stand in the comments at its top"
}

# --- slurmctld ends ---------------------------------------------------------

# The job ends after slurmctld is back, or before: neither may matter.
test_slurmctld_is_restarted_meanwhile()
{
	isSkipping && return
	local end

	start restarted "$(script restarted \
		"until [ -e $T/slurm/jobs/end ]; do sleep 0.2; done")"
	running restarted
	soon 'the job to run' has_told 'job       RUNNING'
	slurmctld_down
	nobody_answers
	slurmctld_up
	touch "$T/slurm/jobs/end"
	ended_run restarted
	assert_rc 0
	assert_out passed
	assertEquals 'files left' '' \
		"$(find /tmp -maxdepth 1 -name 'dws-csm-test-job-*')"
}

# Slurm's commands give it as long as this setting says.
nobody_answers()
{
	mkdir -p "$shared/impatient"
	{
		grep -v ^MessageTimeout= /etc/slurm/slurm.conf
		echo MessageTimeout=2
	} >"$shared/impatient/slurm.conf"
	SLURM_CONF=$shared/impatient/slurm.conf run_job
	assert_rc 3
	assert_err 'is slurmctld running?'
}

# --- what does not begin ----------------------------------------------------

test_what_is_refused()
{
	isSkipping && return
	run_dws slurm test-job
	assert_rc 2
	assert_err '--user'
	run_job --chdir tmp
	assert_rc 2
	run_job "$(script array '#SBATCH --array=1-2')"
	assert_rc 2
	assert_err --array
	run_job "$TEST_DIR/nothing.sh"
	assert_rc 1
	assert_err "nothing.sh'"
	run_job --partition nothere
	assert_rc 3
	assert_err 'not accepted' 'invalid partition' "'sinfo'"
	run_dws slurm test-job --user nobody-of-that-name
	assert_rc 3
	assert_err nobody-of-that-name
	printf '#!/bin/bash\n#DW jobdw type=xfs \377 name=x\n' >"$TEST_DIR/job.sh"
	run_job "$TEST_DIR/job.sh"
	assert_rc 3
	assert_err 'not accepted'
}

test_without_slurm()
{
	isSkipping && return
	mkdir -p "$TEST_DIR/empty"
	PATH=$TEST_DIR/empty run_job
	assert_rc 3
	assert_err 'the commands of Slurm are missing'
}

test_without_the_plugin()
{
	isSkipping && return
	slurmctld_down
	sed -i 's|^BurstBufferType|#&|' /etc/slurm/slurm.conf
	slurmctld_up
	run_job
	assert_rc 3
	assert_err 'runs without the plugin' "'dws-csm slurm enable --restart'"
	slurmctld_down
	sed -i 's|^#BurstBufferType|BurstBufferType|' /etc/slurm/slurm.conf
	slurmctld_up
}

# shellcheck disable=SC1091 # Debian's
. shunit2
