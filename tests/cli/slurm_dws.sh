# shellcheck shell=bash
# slurm_dws.sh: what the tests with a real slurmctld and DWS have in common.
# Source it after lib.sh, tests/servers/lib.sh and slurm.sh:
#
#   dws_slurm_up RELEASE [files]   DWS, the driver, the plugin's package in a
#                           root of its own, whose /etc/slurm covers this
#                           host's inside the sandbox, and Slurm. files: no
#                           package manager puts it there, which is quicker
#   dws_release RELEASE     another release of DWS, and a credential for it
#   dws_slurm_down
#
#   begin NAME [LINE...]    a job that ends when go is called; LINEs are what
#                           the driver does with it, see driver.py. Sets job
#   of NAME                 sets job again
#   go [JOB]                its script ends
#   free [JOB]              its driver does as usual
#   history_of JOB          the states that its Workflow was asked for
#   history_ends WORD       whether that is the last of them, for job
#   gone_or_killed          whether the Workflow of job is gone, or Slurm has
#                           killed its own teardown of a job that was cancelled
#                           while it was pending
#   soon WHAT CMD...        it succeeds before slurm_deadline is over
#   job_text NAME [JOB]     of scontrol show job, where it may hold blanks

# shellcheck disable=SC2154 # of lib.sh and slurm.sh

# shellcheck source=tests/cli/rpms.sh
. "$(dirname "${BASH_SOURCE[0]}")/rpms.sh"

declare -A jobs
control=$T/slurm-driver/control
history=$T/slurm-driver/log
package=$T/slurm-root
sample=$package/usr/share/doc/dws-slurm-bb-plugin/sample-job.sh

dws_slurm_up()
{
	# What a script that failed has left.
	slurm_down
	mkdir -p "$T/slurm-driver" "$package/etc/slurm"
	pods_fare '*' ready
	only_kinds Workflow
	"place_${2:-package}" || return
	mount --bind "$package/etc/slurm" /etc/slurm
	dws_release "$1"
	# Where the plugin looks for dws-csm.
	PATH=$package/usr/bin:$PATH
	slurm_up /etc/slurm BurstBufferType=burst_buffer/lua || return
	make_job
}

# The plugin comes with the program, since its package recommends it.
place_package()
{
	install_rpms_into "$package" dnf >"$T/slurm-root.log" 2>&1 ||
		server_fail "no package: $(tail -n 20 "$T/slurm-root.log")"
}

place_files()
{
	install -D -m 0755 "$DWS_CSM" "$package/usr/bin/dws-csm" &&
		install -D -m 0644 "$root/payload/slurm/sample-job.sh" "$sample" &&
		install -m 0644 "$root"/payload/slurm/*burst* \
			"$package/etc/slurm"
}

dws_slurm_down()
{
	[ -e "$T/slurm-driver" ] || return 0
	soon 'the last jobs to end' no_workflows
	slurm_down
	server_stop driver
	umount /etc/slurm
	rm -rf "$package" "$T/slurm-driver"
	"$DWS_CSM" uninstall --yes >"$TEST_DIR/end" 2>&1 </dev/null
}

no_workflows()
{
	[ "$(kubectl get --raw "/apis/$group/$storage/workflows" |
		jq '.items | length')" = 0 ]
}

dws_release()
{
	server_stop driver
	use_release "$1"
	given_no_dws
	given_dws
	# Its role is of the release.
	rm -f /etc/slurm/slurm-dws.kubeconfig
	must "$DWS_CSM" wlm create /etc/slurm/slurm-dws.kubeconfig \
		--ca-cert "$T/pki/ca.crt" --ca-key "$T/pki/ca.key"
	server_run driver "$root/tests/slurm/driver.py" --pki "$T/pki" \
		--version "$storage" --control "$control" --log "$history"
	workflow probe default 1
	must kubectl delete workflow probe
}

# The sample job, but it waits in the middle.
make_job()
{
	sed '/^echo/,$d' "$sample" >"$T/slurm/jobs/job.sh"
	# shellcheck disable=SC2016 # of the job
	printf '%s\n' 'env >"env.$SLURM_JOB_ID"' \
		'until [ -e "go.$SLURM_JOB_ID" ]; do sleep 0.2; done' \
		>>"$T/slurm/jobs/job.sh"
}

begin()
{
	submit --hold --job-name="$1" job.sh
	jobs[$1]=$job
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" >"$control.bb$job"
	must scontrol release "$job"
}

of()
{
	job=${jobs[$1]}
}

go()
{
	touch "$T/slurm/jobs/go.${1:-$job}"
}

free()
{
	rm -f "$control.bb${1:-$job}"
}

is_running()
{
	[ -e "$T/slurm/jobs/env.$job" ]
}

history_of()
{
	sed -n "s/^bb$1 //p" "$history" | paste -sd ' '
}

history_ends()
{
	[[ " $(history_of "$job")" == *" $1" ]]
}

gone_or_killed()
{
	history_ends gone || grep -q \
		"teardown for JobId=$job terminated by slurmctld" \
		"$T/log/slurmctld.log"
}

soon()
{
	local what=$1 end=$((SECONDS + slurm_deadline))

	shift
	until "$@" >"$T/slurm/soon" 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			fail "waited in vain for $what"
			return 1
		fi
		sleep 0.1
	done
}

bbstat()
{
	scontrol show bbstat "$@" 2>&1
}

# workflow_field FILTER [JOB]: of the job's Workflow; empty when there is none.
workflow_field()
{
	kubectl get --raw "/apis/$group/$storage/namespaces/default/workflows/bb${2:-$job}" \
		2>"$T/slurm/field" | jq -r "$1"
}

job_text()
{
	scontrol show job "${2:-$job}" 2>&1 | sed -n "s/^ *$1=//p"
}
