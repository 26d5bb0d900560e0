#!/bin/bash
# The example hooks in hooks/, on a real slurmctld.
# servers: none
# shellcheck disable=SC2034 # shunit2's

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=tests/servers/lib.sh
. "$root/tests/servers/lib.sh"
# shellcheck source=tests/servers/slurm.sh
. "$root/tests/servers/slurm.sh"

conf=$TEST_DIR/hooks.conf
noted=$TEST_DIR/state/partitions
change_log=$TEST_DIR/log/changes

oneTimeSetUp()
{
	export DWS_CSM_HOOKS_CONF=$conf
	servers_init
	slurm_start batch debug long || fail 'no slurmctld'
}

setUp()
{
	rm -rf "$TEST_DIR/state" "$TEST_DIR/log"
	configure batch debug
	for partition in batch debug long; do
		partition_set "$partition" UP
	done
}

configure()
{
	cat >"$conf" <<-END
	partitions='$*'
	state_file=$noted
	change_log=$change_log
	END
}

partition_set()
{
	scontrol update PartitionName="$1" State="$2" || fail "$1 not $2"
}

# hook NAME [VARIABLE=VALUE]...: runs it; then rc and out say how it went.
hook()
{
	local name=$1

	shift
	out=$(env "$@" "$root/hooks/$name" 2>&1 </dev/null)
	rc=$?
}

drain()
{
	hook pre-upgrade/10-drain-slurm "$@"
}

resume()
{
	hook post-upgrade/10-resume-slurm "$@"
}

# assert_states "UP DOWN UP": of batch, debug, long.
assert_states()
{
	assertEquals "states ($out)" "$1" "$(for p in batch debug long; do
		scontrol -o show partition "$p" |
			sed 's/.* State=\([A-Z]*\).*/\1/'
	done | paste -s -d ' ')"
}

assert_hook()
{
	assertEquals "exit status ($out)" "$1" "$rc"
	assertContains "$out" "$2"
}

test_only_what_is_named_goes_down_and_comes_back()
{
	drain
	assert_hook 0 'partition batch is DOWN now'
	assert_states 'DOWN DOWN UP'
	resume DWS_CSM_OUTCOME=deployed
	assert_hook 0 'partition debug is UP again'
	assert_states 'UP UP UP'
	assertFalse 'nothing is noted any more' "[ -e '$noted' ]"
	partition_set batch DOWN
	resume DWS_CSM_OUTCOME=deployed
	assert_hook 0 ''
	assert_states 'DOWN UP UP'
}

test_a_job_waits_in_what_is_down()
{
	local job

	drain
	job=$(cd / && sbatch --parsable -p batch --wrap true 2>&1)
	assertEquals "sbatch: $job" '' "${job//[0-9]/}"
	assertEquals PENDING "$(squeue -h -j "$job" -o %T)"
	scancel "$job"
	resume DWS_CSM_OUTCOME=deployed
}

test_what_was_down_already_stays_down()
{
	partition_set debug DRAIN
	drain
	assert_hook 0 'partition debug is DRAIN already: left as it is'
	assert_states 'DOWN DRAIN UP'
	resume DWS_CSM_OUTCOME=rolled-back
	assert_states 'UP DRAIN UP'
}

test_all_partitions_in_another_state()
{
	configure ALL
	echo 'state=INACTIVE' >>"$conf"
	drain
	assert_hook 0 'partition long is INACTIVE now'
	assert_states 'INACTIVE INACTIVE INACTIVE'
	resume DWS_CSM_OUTCOME=unchanged
	assert_states 'UP UP UP'
}

test_a_failure_leaves_them_down_until_it_is_mended()
{
	drain
	resume DWS_CSM_OUTCOME=failed
	assert_hook 0 'these partitions stay as they are: batch debug'
	assert_states 'DOWN DOWN UP'
	# The next try of the upgrade.
	drain
	assert_hook 0 'partition batch is DOWN already'
	resume DWS_CSM_OUTCOME=deployed
	assert_states 'UP UP UP'
}

test_what_somebody_changed_meanwhile_is_left_to_him()
{
	drain
	partition_set batch INACTIVE
	resume DWS_CSM_OUTCOME=deployed
	assert_hook 0 'partition batch is INACTIVE, not DOWN: left as it is'
	assert_states 'INACTIVE UP UP'
}

test_an_unknown_partition_stops_the_upgrade()
{
	configure batch nosuch
	drain
	assert_hook 1 "there is no partition 'nosuch'"
	# What had been done before is undone.
	assert_states 'DOWN UP UP'
	resume DWS_CSM_OUTCOME=unchanged
	assert_states 'UP UP UP'
}

test_nothing_is_done_where_nothing_is_named()
{
	rm "$conf"
	drain
	assert_hook 0 'no partitions are named'
	assert_states 'UP UP UP'
}

test_nothing_is_done_without_scontrol()
{
	local bin=$TEST_DIR/bin tool

	mkdir -p "$bin"
	for tool in sh sed mkdir dirname; do
		ln -sf "$(command -v "$tool")" "$bin/$tool"
	done
	drain PATH="$bin"
	assert_hook 0 'there is no scontrol on this host'
	assert_states 'UP UP UP'
}

test_a_slurmctld_that_is_away_stops_the_upgrade()
{
	drain
	server_stop slurmctld
	drain
	assert_hook 1 'slurmctld does not answer'
	resume DWS_CSM_OUTCOME=deployed
	assert_hook 1 "stays noted in $noted"
	slurm_start
	assert_states 'DOWN DOWN UP'
	resume DWS_CSM_OUTCOME=deployed
	assert_hook 0 'partition batch is UP again'
	assert_states 'UP UP UP'
}

test_a_wrong_state_stops_the_upgrade()
{
	echo 'state=AWAY' >>"$conf"
	drain
	assert_hook 1 "not 'AWAY'"
	assert_states 'UP UP UP'
}

test_the_change_log_gets_a_line_each_time()
{
	local change=(DWS_CSM_OPERATION=upgrade DWS_CSM_OUTCOME=deployed
		DWS_CSM_FROM_VERSION=0.0.20 DWS_CSM_VERSION=0.1.17
		DWS_CSM_REVISION=2 DWS_CSM_TRANSACTION=t-1)

	hook post-upgrade/90-change-log "${change[@]}" SUDO_USER=kim
	assert_hook 0 ''
	hook post-upgrade/90-change-log "${change[@]}" DWS_CSM_FROM_VERSION=
	assert_hook 0 ''
	assertEquals 2 "$(grep -c '' "$change_log")"
	assertContains "$(head -n 1 "$change_log")" \
		"Z $(uname -n) kim upgrade 0.0.20 -> 0.1.17 deployed (revision 2, transaction t-1)"
	assertContains "$(tail -n 1 "$change_log")" 'upgrade nothing -> 0.1.17'
}

# shellcheck disable=SC1091 # Debian's
. shunit2
