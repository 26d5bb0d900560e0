# shellcheck shell=bash
# slurm.sh: Debian's slurmctld with munge, all in $T/slurm.  Source it after
# lib.sh and servers_init:
#
#   slurm_start PARTITION...   slurmctld with these partitions, all UP, of one
#                              node that never answers; sets SLURM_CONF, by
#                              which scontrol and its like find it
#
# Servers: munged, slurmctld.  What slurmctld knows, also of partitions (-R), is
# kept in $T/slurm/state: stopped, slurm_start without arguments goes on.

slurm_munge()
{
	local dir=$T/slurm

	head -c 1024 /dev/urandom >"$dir/munge.key"
	chmod 0400 "$dir/munge.key"
	server_run munged munged --foreground --force \
		--key-file="$dir/munge.key" --socket="$dir/munge.socket" \
		--pid-file="$dir/munged.pid" --seed-file="$dir/munge.seed" \
		--log-file="$T/log/munged.log"
	wait_for 'munge' munged test -S "$dir/munge.socket"
}

slurm_configure()
{
	local dir=$T/slurm partition

	mkdir -p "$dir/state"
	cat >"$dir/slurm.conf" <<-END
	ClusterName=test
	SlurmctldHost=$(uname -n)(127.0.0.1)
	SlurmctldPort=$(free_port)
	SlurmUser=$(id -un)
	AuthType=auth/munge
	AuthInfo=socket=$dir/munge.socket
	CredType=cred/munge
	StateSaveLocation=$dir/state
	SlurmctldPidFile=$dir/slurmctld.pid
	SlurmctldLogFile=$T/log/slurmctld.log
	ProctrackType=proctrack/pgid
	TaskPlugin=task/none
	SelectType=select/cons_tres
	MpiDefault=none
	NodeName=node0 NodeAddr=127.0.0.1 CPUs=1 State=UNKNOWN
	END
	for partition; do
		echo "PartitionName=$partition Nodes=node0 State=UP" \
			>>"$dir/slurm.conf"
	done
	server_env SLURM_CONF "$dir/slurm.conf"
}

slurm_start()
{
	mkdir -p "$T/slurm"
	chmod 0755 "$T/slurm"
	[ -s "$T/run/munged.pid" ] || slurm_munge || return
	[ $# -eq 0 ] || slurm_configure "$@"
	server_run slurmctld slurmctld -D -R -f "$T/slurm/slurm.conf" &&
		wait_for slurmctld slurmctld scontrol ping
}
