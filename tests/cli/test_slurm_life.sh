#!/bin/bash
# The life of jobs: burst_buffer.lua in a real slurmctld, jobs in a real slurmd,
# Workflows in a real API server, by the credential of `wlm create`. Each case
# is a job of its own; those of a test run at the same time. The stand-in for
# DWS's controller and drivers (tests/slurm/driver.py) writes down the states.
# shellcheck disable=SC2034,SC2154 # shunit2's; $T/env

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=tests/cli/lib.sh
. "$root/tests/cli/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$root/tests/servers/lib.sh"
# shellcheck source=tests/cli/slurm.sh
. "$root/tests/cli/slurm.sh"
# shellcheck source=tests/cli/slurm_dws.sh
. "$root/tests/cli/slurm_dws.sh"

all='Proposal Setup DataIn PreRun PostRun DataOut Teardown gone'
states=${all% gone}
late=()

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
	dws_slurm_down
}

# Slurm saves what it knows of burst buffers twice a minute only, and puts jobs
# off for a minute whose storage was not ready when it ended. So the test of its
# end is in three parts: begin, kill, look; between them are the others.
test_a_job_gets_to_each_state()
{
	isSkipping && return
	begin_each killed hold
	touch "$T/slurm/mark"
	begin killed.running
	soon 'the job to run' is_running
	must scontrol update JobId="$job" Comment=kept
}

# --- one job ----------------------------------------------------------------

test_the_sample_job_completes()
{
	isSkipping && return
	submit "$sample"
	job_ends COMPLETED
	soon 'the Workflow to go' history_ends gone
	assertEquals "$all" "$(history_of "$job")"
	assertEquals 'no Workflow' '' "$(workflow_field .metadata.name)"
	assertContains "$(<"$T/slurm/jobs/dws-sample-$job.out")" \
		'DW_JOB_sample=/mnt/sample'
}

test_bbstat_in_mid_job()
{
	isSkipping && return
	begin running
	soon 'the job to run' is_running
	assertEquals 'desiredState=PreRun currentState=PreRun status=Completed' \
		"$(bbstat workflow "$job")"
	assertEquals 'A job ID must contain only digits.' "$(bbstat workflow 1x)"
	assertEquals 'Usage: workflow <job-id>' "$(bbstat workflow)"
	assertEquals 'Usage: workflow <job-id>' "$(bbstat)"
	assertEquals 'Usage: workflow <job-id>' "$(bbstat workflow 1 2)"
	assertEquals 'Usage: workflow <job-id>' "$(bbstat "workflows;id" 1)"
	assertEquals 'Job 99999 has no Workflow' "$(bbstat workflow 99999)"
	go
	job_ends COMPLETED
}

test_what_the_job_is()
{
	isSkipping && return
	begin described 'DataIn hold'
	soon 'DataIn' history_ends DataIn
	assertEquals "$(id -u "$slurm_user") $(id -g "$slurm_user") $job slurm" \
		"$(workflow_field '"\(.spec.userID) \(.spec.groupID) \(.spec.jobID) \(.spec.wlmID)"')"
	assertEquals '["#DW jobdw type=xfs capacity=10GiB name=sample"]' \
		"$(workflow_field .spec.dwDirectives | jq -c .)"
	free
	go
	job_ends COMPLETED
}

# --- cancelled --------------------------------------------------------------

# states_to STATE: those that come until then.
states_to()
{
	echo "${all%%"$1"*}$1"
}

# begin_each NAME WORD...: a job for each state, in which the driver does WORD.
# One after the other: where two hooks begin at the same moment Slurm 22.05 may
# let one inherit the pipe of the other, which then ends only when both have.
begin_each()
{
	local name=$1 state

	shift
	for state in $states; do
		begin "$name.$state" "$state $*"
		case $state in
		PostRun | DataOut | Teardown) go ;;
		esac
		soon "$state of job $job" history_ends "$state"
	done
}

# The Workflow goes. Slurm may have killed the teardown itself, of a job that was
# cancelled while it was pending; then it does it at its next start, for which
# the other jobs must not be disturbed: see late.
workflow_goes()
{
	soon 'the Workflow to go, or Slurm to end the teardown' gone_or_killed
	if ! history_ends gone; then
		late+=("$job")
		return 1
	fi
}

# Those whose teardown Slurm had killed: it is done once Slurm has begun anew.
late_ones_go()
{
	[ ${#late[@]} -gt 0 ] || return 0
	slurmctld_down
	slurmctld_up
	for job in "${late[@]}"; do
		soon "the Workflow of job $job to go" history_ends gone
	done
	late=()
}

# ended NAME STATE HISTORY: how the job of this name has to end.
ended()
{
	of "$1"
	job_ends "$2"
	workflow_goes || return 0
	assertEquals "states of job $job, $1" "$3" "$(history_of "$job")"
	assertEquals "no Workflow of $1" '' "$(workflow_field .metadata.name)"
}

test_a_job_is_cancelled_in_each_state()
{
	isSkipping && return
	local state how

	begin_each plain hold
	begin_each hurry hold
	for how in plain hurry; do
		begin "$how.running"
		soon 'the job to run' is_running
	done
	for state in $states running; do
		must scancel "${jobs[plain.$state]}"
		must scancel --hurry "${jobs[hurry.$state]}"
	done
	# The driver still holds the state that it was in.
	for how in plain hurry; do
		for state in Proposal Setup DataIn PreRun; do
			ended "$how.$state" CANCELLED \
				"$(states_to "$state") Teardown hurry gone"
		done
	done
	for state in PostRun DataOut; do
		ended "hurry.$state" COMPLETED \
			"$(states_to "$state") Teardown hurry gone"
	done
	for state in plain.PostRun plain.DataOut plain.Teardown hurry.Teardown; do
		assertEquals "nothing is skipped, $state" \
			"$(states_to "${state#*.}")" \
			"$(history_of "${jobs[$state]}")"
		free "${jobs[$state]}"
	done
	for state in plain.PostRun plain.DataOut plain.Teardown hurry.Teardown; do
		ended "$state" COMPLETED "$all"
	done
	# What a job has written so far is its own.
	ended plain.running CANCELLED "$all"
	ended hurry.running CANCELLED \
		"$(states_to PreRun) Teardown hurry gone"
}

# --- slurmctld ends --------------------------------------------------------

state_is_saved()
{
	[ "$T/slurm/state/job_state" -nt "$T/slurm/mark" ] &&
		[ "$T/slurm/state/burst_buffer_lua_state" -nt "$T/slurm/mark" ]
}

test_slurmctld_is_killed_in_each_state()
{
	isSkipping && return
	local name

	# What it has not saved it does not know afterwards.
	soon 'Slurm to save its state' state_is_saved
	slurmctld_kill
	slurmctld_up
	for name in $states running; do
		free "${jobs[killed.$name]}"
		go "${jobs[killed.$name]}"
	done
}

# --- errors of drivers ------------------------------------------------------

test_an_error_of_a_driver_ends_the_job()
{
	isSkipping && return
	local text="no space on 'rabbit' (100% full) \$(id)" state
	local told="driver stand-in: $text"

	for state in $states; do
		begin "error.$state" "$state error $text"
		go
	done
	for state in ${states% Teardown}; do
		of "error.$state"
		soon "the error in $state" job_tells "DWS failed in $state: $told"
	done
	# DWS may get over one there, so that is waited for.
	of error.Teardown
	soon 'the error in Teardown' log_tells "DWS failed in Teardown: $told"
	free
	for state in Proposal Setup DataIn PreRun; do
		ended "error.$state" CANCELLED \
			"$(states_to "$state") Teardown hurry gone"
	done
	for state in PostRun DataOut; do
		ended "error.$state" COMPLETED "$(states_to "$state") Teardown gone"
	done
	ended error.Teardown COMPLETED "$all"
	for state in $states; do
		of "error.$state"
		log_tells "DWS failed in $state: $told" ||
			fail "slurmctld's log does not tell the error in $state"
	done
}

# log_tells TEXT: of the job.
log_tells()
{
	grep -F "dws: job $job: " "$T/log/slurmctld.log" | grep -qF "$1"
}

job_tells()
{
	[[ $(job_text SystemComment) == *"$1"* ]]
}

# --- begun again ------------------------------------------------------------

# Slurm lets two minutes pass, counted from when it knows that all is gone.
runs_again()
{
	is_running || ! scontrol update JobId="$job" StartTime=now
}

test_a_running_job_is_requeued()
{
	isSkipping && return
	begin again
	soon 'the job to run' is_running
	rm "$T/slurm/jobs/env.$job"
	must scontrol requeue "$job"
	soon 'the old Workflow to go' history_ends gone
	soon 'the job to run again' runs_again
	go
	ended again COMPLETED "$all $all"
}

was_torn_down()
{
	[[ $(history_of "$job") == *gone* ]]
}

test_what_was_interrupted_completes()
{
	isSkipping && return
	local state

	# Slurm tears down what it was staging in, and begins anew, a minute
	# later.
	for state in Proposal Setup DataIn; do
		of "killed.$state"
		soon "the first Workflow of job $job to go" was_torn_down
		scontrol update JobId="$job" StartTime=now 2>"$T/slurm/soon"
	done
	for state in Proposal Setup DataIn; do
		ended "killed.$state" COMPLETED \
			"$(states_to "$state") Teardown hurry gone $all"
	done
	for state in PreRun running PostRun DataOut Teardown; do
		ended "killed.$state" COMPLETED "$all"
	done
	late_ones_go
	assertTrue 'no Workflow is left' no_workflows
}

# Last, since it brings another release.
test_zz_the_oldest_release_too()
{
	isSkipping && return
	dws_release 0.0.20
	begin old.running
	soon 'the job to run' is_running
	assertEquals 'desiredState=PreRun currentState=PreRun status=Completed' \
		"$(bbstat workflow "$job")"
	begin old.cancelled 'Setup hold'
	soon 'Setup' history_ends Setup
	must scancel "$job"
	begin old.error 'DataIn error no such file'
	soon 'the error' job_tells 'DWS failed in DataIn: driver stand-in: no such'
	go "${jobs[old.running]}"
	ended old.running COMPLETED "$all"
	ended old.cancelled CANCELLED "$(states_to Setup) Teardown hurry gone"
	ended old.error CANCELLED "$(states_to DataIn) Teardown hurry gone"
	late_ones_go
}

# shellcheck disable=SC1091 # Debian's
. shunit2
