# shellcheck shell=bash
# slurm.sh: a whole Slurm on loopback, all of it in $T/slurm: Debian's munged,
# slurmctld and a slurmd that runs jobs. Source it after lib.sh and
# tests/servers/lib.sh:
#
#   slurm_up [DIR [LINE...]]   starts all; slurm.conf is made in DIR
#                       ($T/slurm/etc), these LINEs are added to it. Sets
#                       SLURM_CONF, by which sbatch and its like find it
#   slurmctld_up        starts slurmctld alone, after slurmctld_down or _kill
#   slurmctld_down, slurmctld_kill   SIGTERM; SIGKILL
#   slurm_down          ends all and forgets their state
#
#   submit SCRIPT [ARG...]   sbatch as somebody who is not root, since root may
#                       not have burst buffers; sets job, or fails the test
#   submitted ...       the same, which may be refused: rc, out, err
#   job_field NAME [JOB]     of scontrol show job: JobState, Comment, ...
#   job_is STATE [JOB]  whether JobState is that
#   job_ends STATE [JOB]     waits for the end of the job, which must be that
#
# burst_buffer.conf, burst_buffer.lua and what belongs to them lie in DIR too:
# who wants them puts them there before slurm_up and adds the line
# BurstBufferType=burst_buffer/lua.
#
# Servers: munged, slurmctld, slurmd; each ended by its process id. A script that
# starts them has "# servers: none" at its top unless it needs Kubernetes too.

# shellcheck source=tests/servers/slurm.sh
. "$(dirname "${BASH_SOURCE[0]}")/../servers/slurm.sh"

# shellcheck disable=SC2034 # for the scripts
job=''
slurm_user=daemon
slurm_deadline=120

# slurm_can || startSkipping: jobs of somebody else than root.
slurm_can()
{
	# A sandbox of a user has one user only.
	setpriv --reuid="$slurm_user" --regid="$slurm_user" --clear-groups \
		true 2>/dev/null
}

# --- servers ----------------------------------------------------------------

# whole_configure DIR [LINE...]: more processors than there are, so that many
# jobs run at once, and looks at the queue more often than an hour of tests
# would bear.
whole_configure()
{
	local dir=$1 line

	shift
	mkdir -p "$T/slurm/state" "$T/slurm/spool" "$dir"
	cat >"$dir/slurm.conf" <<-END
	# of the test
	ClusterName=test
	SlurmctldHost=$(uname -n)(127.0.0.1)
	SlurmctldPort=$(free_port)
	SlurmdPort=$(free_port)
	SlurmUser=$(id -un)
	AuthType=auth/munge
	AuthInfo=socket=$T/slurm/munge.socket
	CredType=cred/munge
	StateSaveLocation=$T/slurm/state
	SlurmdSpoolDir=$T/slurm/spool
	SlurmctldPidFile=$T/slurm/slurmctld.pid
	SlurmdPidFile=$T/slurm/slurmd.pid
	SlurmctldLogFile=$T/log/slurmctld.log
	SlurmdLogFile=$T/log/slurmd.log
	ProctrackType=proctrack/pgid
	TaskPlugin=task/none
	SelectType=select/cons_tres
	SelectTypeParameters=CR_Core
	SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1
	SlurmdParameters=config_overrides
	MpiDefault=none
	ReturnToService=2
	KillWait=2
	MessageTimeout=30
	NodeName=node0 NodeAddr=127.0.0.1 CPUs=64 State=UNKNOWN
	PartitionName=batch Nodes=node0 Default=YES State=UP
	END
	for line; do
		echo "$line" >>"$dir/slurm.conf"
	done
	server_env SLURM_CONF "$dir/slurm.conf"
}

slurmctld_up()
{
	server_run slurmctld slurmctld -D &&
		wait_for slurmctld slurmctld scontrol ping
}

slurmctld_down()
{
	server_stop slurmctld
}

slurmctld_kill()
{
	kill -KILL "$(<"$T/run/slurmctld.pid")"
	while server_alive slurmctld; do
		sleep 0.05
	done
	server_stop slurmctld
}

slurm_up()
{
	local dir=${1:-$T/slurm/etc}

	[ $# -eq 0 ] || shift
	mkdir -p "$T/slurm/jobs"
	chmod 0755 "$T/slurm"
	chmod 0777 "$T/slurm/jobs"
	whole_configure "$dir" "$@"
	slurm_munge && slurmctld_up &&
		server_run slurmd slurmd -D -N node0 &&
		wait_for 'the node' slurmd node_is_idle
}

node_is_idle()
{
	[ "$(sinfo -h -o %T)" = idle ]
}

slurm_down()
{
	server_stop slurmd
	server_stop slurmctld
	server_stop munged
	rm -rf "$T/slurm"
}

# --- jobs -------------------------------------------------------------------

# as_user COMMAND...: in a folder that is the user's.
as_user()
{
	(cd "$T/slurm/jobs" && exec setpriv --reuid="$slurm_user" \
		--regid="$slurm_user" --clear-groups env HOME=/ "$@")
}

submitted()
{
	as_user sbatch --parsable "$@" \
		>"$T/slurm/submitted" 2>"$T/slurm/submitted.err" </dev/null
	rc=$?
	out=$(<"$T/slurm/submitted")
	err=$(<"$T/slurm/submitted.err")
}

submit()
{
	submitted "$@"
	assertEquals "sbatch $* ($err)" 0 "$rc"
	job=${out%%;*}
}

job_field()
{
	scontrol show job -o "${2:-$job}" 2>&1 |
		sed -nE "s/.*(^| )$1=([^ ]*).*/\2/p"
}

job_is()
{
	[ "$(job_field JobState "${2:-$job}")" = "$1" ]
}

job_has_ended()
{
	case $(job_field JobState "${1:-$job}") in
	PENDING | CONFIGURING | RUNNING | COMPLETING | STAGE_OUT | SUSPENDED)
		return 1
		;;
	esac
}

job_ends()
{
	local wanted=$1 id=${2:-$job} end=$((SECONDS + slurm_deadline))

	until job_has_ended "$id"; do
		if [ "$SECONDS" -ge "$end" ]; then
			fail "job $id does not end: $(scontrol show job -o "$id")"
			return 1
		fi
		sleep 0.2
	done
	assertEquals "how job $id ended ($(scontrol show job -o "$id"))" \
		"$wanted" "$(job_field JobState "$id")"
}
