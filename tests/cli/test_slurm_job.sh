#!/bin/bash
# slurm test-job: with a real slurmctld, jobs in a real slurmd, Workflows in a
# real API server, and the stand-in for DWS's controller and drivers.
# shellcheck disable=SC2034,SC2119,SC2120,SC2154 # shunit2's; optional; $T/env

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=tests/cli/lib.sh
. "$root/tests/cli/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$root/tests/servers/lib.sh"
# shellcheck source=tests/cli/slurm.sh
. "$root/tests/cli/slurm.sh"
# shellcheck source=tests/cli/slurm_dws.sh
. "$root/tests/cli/slurm_dws.sh"

oneTimeSetUp()
{
	if ! slurm_can; then
		startSkipping
		return
	fi
	dws_slurm_up 0.1.17
}

oneTimeTearDown()
{
	isSkipping || dws_slurm_down
}

run_job()
{
	run_dws slurm test-job --user "$slurm_user" "$@"
}

# The number of the job that the last run submitted.
id_of_run()
{
	sed -n 's/^job \([0-9]*\) submitted.*/\1/p' "$TEST_DIR/out"
}

# background ARG...: runs it beside; its number is in job.
background()
{
	"$DWS_CSM" slurm test-job --user "$slurm_user" "$@" \
		>"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null &
	pid=$!
	command_line="dws-csm slurm test-job $*"
	soon 'the submission' has_submitted
	job=$(id_of_run)
}

has_submitted()
{
	[ -n "$(id_of_run)" ]
}

has_told()
{
	grep -qF "$1" "$TEST_DIR/out"
}

finished()
{
	wait "$pid"
	rc=$?
	out=$(<"$TEST_DIR/out")
	err=$(<"$TEST_DIR/err")
}

# script LINE...: a job of its own, $TEST_DIR/job.sh.
script()
{
	{
		echo '#!/bin/bash'
		echo '#DW jobdw type=xfs capacity=1GiB pool=dws name=sample'
		printf '%s\n' "$@"
	} >"$TEST_DIR/job.sh"
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
	job=$(($(sed -n 's/.*JobId=\([0-9]*\).*/\1/p' \
		<(scontrol show job -o 2>&1) | sort -n | tail -n 1) + 1))
	printf '%s\n' "$@" >"$control.bb$job"
}

# --- what passes ------------------------------------------------------------

test_the_sample_job_passes()
{
	isSkipping && return
	local state

	run_job
	assert_rc 0
	assert_out "job $(id_of_run) submitted as $slurm_user" \
		'job       PENDING' 'job       COMPLETED' 'workflow  gone' \
		'passed'
	for state in Proposal Setup DataIn PreRun PostRun DataOut Teardown; do
		assert_out "workflow  $state  Completed" "$state "
	done
	assertEquals 'standard error' '' "$err"
	job=$(id_of_run)
	assertEquals 'the Workflow' '' "$(workflow_field .metadata.name)"
	assertEquals 'files left' '' \
		"$(find /tmp -maxdepth 1 -name 'dws-csm-test-job-*')"
}

test_a_program_reads_the_result()
{
	isSkipping && return
	script true
	run_job "$TEST_DIR/job.sh" --partition batch -o json
	assert_rc 0
	assert_json .passed true
	assert_json .job.state COMPLETED
	assert_json .job.exitCode 0:0
	assert_json .workflow.gone true
	assert_json '.workflow.milliseconds | keys | length' 7
	assert_json '[.events[] | select(.of == "workflow") | .state] | last' gone
}

test_without_the_credential_slurmctld_is_asked()
{
	isSkipping && return
	script 'sleep 3'
	without_credential run_job "$TEST_DIR/job.sh"
	assert_rc 0
	assert_err 'looked at through slurmctld' "'/nowhere'"
	assert_out 'workflow  PreRun  Completed' 'workflow  gone' passed
}

# --- what does not ----------------------------------------------------------

test_a_driver_fails()
{
	isSkipping && return
	local state

	for state in Setup DataIn PreRun DataOut; do
		given_fault "$state error no space on rabbit-7"
		run_job
		assertEquals 'the job' "$job" "$(id_of_run)"
		assert_rc 1
		assert_err "DWS failed in $state: driver stand-in: no space on rabbit-7"
		assert_out 'NOT PASSED' "workflow  $state  Error" 'look at ' \
			"dws: job $job" 'workflow  gone'
	done
}

test_the_script_fails()
{
	isSkipping && return
	script 'echo out of luck' 'echo and worse >&2' 'exit 3'
	run_job "$TEST_DIR/job.sh"
	assert_rc 1
	assert_err "ended FAILED, exit code 3:0"
	assert_out 'output     out of luck' 'output     and worse' 'workflow  gone'
}

test_a_job_that_hangs_is_cancelled()
{
	isSkipping && return
	given_fault 'DataIn hold copying 3 of 4'
	run_job --timeout 6s
	assert_rc 6
	assert_err 'not at its end in time' 'PENDING (BurstBufferStageIn)' \
		'its Workflow is in DataIn (DriverWait)'
	assert_out 'stand-in (Running: copying 3 of 4)' 'workflow  gone' \
		"'dws-csm workflows show $job'"
	assertEquals 'the job' CANCELLED "$(job_field JobState)"
	assertEquals 'the Workflow' '' "$(workflow_field .metadata.name)"
}

# As where slurmctld kills its own teardown of a job that is cancelled: nothing
# else will do it.
slurm_forgets_teardowns()
{
	cp /etc/slurm/burst_buffer.lua "$T/slurm/burst_buffer.lua"
	sed -i '/^return slurm.SUCCESS$/i \
		function slurm_bb_job_teardown() return slurm.SUCCESS end' \
		/etc/slurm/burst_buffer.lua
}

test_what_slurm_leaves_is_torn_down()
{
	isSkipping && return
	slurm_forgets_teardowns
	given_fault 'DataIn hold'
	run_job --timeout 2s
	cp "$T/slurm/burst_buffer.lua" /etc/slurm/
	assert_rc 6
	assert_err 'Slurm left the Workflow'
	assert_out 'workflow  Teardown  Completed' 'workflow  gone' \
		'this command tore it down' \
		"'teardown for JobId=$job terminated by slurmctld'"
	assertEquals 'the Workflow' '' "$(workflow_field .metadata.name)"
	assertEquals 'Teardown hurry gone' "$(history_of "$job" |
		sed 's/.*DataIn //')"
}

# What is told to do is done here.
test_what_slurm_leaves_and_this_may_not_end_is_told()
{
	isSkipping && return
	local words

	slurm_forgets_teardowns
	given_fault 'DataIn hold'
	without_credential run_job --timeout 2s
	cp "$T/slurm/burst_buffer.lua" /etc/slurm/
	assert_rc 6
	assert_out 'its Workflow stays: its Workflow is in DataIn (DriverWait)' \
		'its storage stays allocated'
	grep -o "'dws-csm workflows [a-z-]* $job[^']*'" "$TEST_DIR/out" |
		tr -d "'" | grep -v show >"$TEST_DIR/told"
	assertEquals 'commands' 3 "$(wc -l <"$TEST_DIR/told")"
	while read -r _ words; do
		# shellcheck disable=SC2086 # words
		must "$DWS_CSM" $words </dev/null
	done <"$TEST_DIR/told"
	soon 'the Workflow to go' history_ends gone
}

test_what_hangs_may_be_left()
{
	isSkipping && return
	given_fault 'Setup hold'
	run_job --timeout 4s --no-cancel
	assert_rc 6
	assert_out "job $job was left as it is"
	assertEquals 'the job' PENDING "$(job_field JobState)"
	free
	must scancel --hurry "$job"
	job_ends CANCELLED
}

test_a_workflow_that_stays_is_told()
{
	isSkipping && return
	# The stand-in for the controller has stopped.
	server_stop driver
	run_job --timeout 3s
	assert_rc 6
	job=$(id_of_run)
	assert_err 'asked for Proposal'
	assert_out 'has not taken the state up' 'its Workflow stays'
	server_run driver "$root/tests/slurm/driver.py" --pki "$T/pki" \
		--version "$storage" --control "$control" --log "$history"
	soon 'the Workflow to go' history_ends gone
}

test_cancelled_by_somebody()
{
	isSkipping && return
	script 'sleep 60'
	background "$TEST_DIR/job.sh"
	soon 'the job to run' has_told 'job       RUNNING'
	must scancel "$job"
	finished
	assert_rc 1
	assert_err 'was cancelled' 'not by this command'
	assert_out 'workflow  gone'
}

test_interrupted()
{
	isSkipping && return
	script 'sleep 60'
	background "$TEST_DIR/job.sh"
	soon 'the job to run' has_told 'job       RUNNING'
	kill -INT "$pid"
	finished
	assert_rc 10
	assert_err 'interrupted' 'RUNNING'
	assert_out 'workflow  gone'
	assertEquals 'the job' CANCELLED "$(job_field JobState)"
}

test_slurmctld_is_restarted_meanwhile()
{
	isSkipping && return
	script 'sleep 4'
	background "$TEST_DIR/job.sh"
	soon 'the job to run' has_told 'job       RUNNING'
	slurmctld_down
	slurmctld_up
	finished
	assert_rc 0
	assert_out passed
}

test_a_script_without_directives()
{
	isSkipping && return
	printf '%s\n' '#!/bin/bash' 'true' '#DW too late' >"$TEST_DIR/job.sh"
	run_job "$TEST_DIR/job.sh"
	assert_rc 1
	assert_err 'no Workflow was seen'
	assert_out "'#DW' lines stand in the comments at its top"
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
	script '#SBATCH --array=1-2'
	run_job "$TEST_DIR/job.sh"
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

test_without_slurmctld()
{
	isSkipping && return
	slurmctld_down
	run_job
	assert_rc 3
	assert_err 'is slurmctld running?'
	slurmctld_up
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
