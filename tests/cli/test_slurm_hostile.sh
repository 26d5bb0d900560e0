#!/bin/bash
# Job scripts of users who mean no good, by the real sbatch: either a Workflow
# with exactly their directives, and nothing else of it other than it should be,
# or a clear refusal. No text of theirs reaches a program's arguments.
# shellcheck disable=SC1003,SC2016,SC2034,SC2154 # hostile texts; shunit2's; $T/env

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
# shellcheck source=tests/cli/lib.sh
. "$root/tests/cli/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$root/tests/servers/lib.sh"
# shellcheck source=tests/cli/slurm.sh
. "$root/tests/cli/slurm.sh"
# shellcheck source=tests/cli/slurm_dws.sh
. "$root/tests/cli/slurm_dws.sh"

script='' canary=''

oneTimeSetUp()
{
	if ! slurm_can; then
		startSkipping
		return
	fi
	dws_slurm_up 0.1.17 files || return
	script=$T/slurm/jobs/script.sh
	canary=$T/slurm/jobs/canary
	# All that slurmctld and what it starts execute. By -D it is still
	# slurmctld that has the process id.
	slurmctld_down
	server_run slurmctld strace -D -f -qq --seccomp-bpf -s 4096 \
		-e trace=execve -e signal=none -o "$T/slurm/execs" \
		slurmctld -D &&
		wait_for slurmctld slurmctld scontrol ping
}

oneTimeTearDown()
{
	dws_slurm_down
}

# script LINE...: a job script that ends at once.
script()
{
	printf '%s\n' '#!/bin/sh' "$@" 'exit 0' >"$script"
}

# taken DIRECTIVE...: the script is, and these are the directives of a Workflow
# that is otherwise as any.
taken()
{
	submit --hold "$script"
	[ -n "$job" ] || return 0
	echo 'Proposal hold' >"$control.bb$job"
	must scontrol release "$job"
	soon "the Workflow of job $job" history_ends Proposal
	assertEquals "directives of job $job" \
		"$(jq -cn '$ARGS.positional' --args -- "$@")" \
		"$(workflow_field .spec.dwDirectives | jq -c .)"
	assertEquals "the rest of the Workflow of job $job" \
		"$(id -u "$slurm_user") $(id -g "$slurm_user") $job Proposal slurm burst_buffer.lua default false" \
		"$(workflow_field '"\(.spec.userID) \(.spec.groupID) \(.spec.jobID) \(.spec.desiredState) \(.spec.wlmID) \(.metadata.labels.origin) \(.metadata.namespace) \(.spec.hurry // false)"')"
	assertNotContains "labels and annotations of job $job" \
		"$(workflow_field '.metadata | [.labels, .annotations]')" canary
	free "$job"
}

# refused TEXT [ARG...]: sbatch does not take the script, and says why.
refused()
{
	submitted "${@:2}" "$script"
	assertNotEquals "sbatch refuses ($out)" 0 "$rc"
	assertContains "what sbatch says" "$err" "$1"
}

test_quotes_and_shells_stay_text()
{
	isSkipping && return
	local lines=(
		"#DW a 'b' \"c\" \\\"d\\\" it's"
		"#DW \$(touch $canary) \`touch $canary\` ; touch $canary & | > $canary"
		$'#DW x\t{userID: 0}, "userID": 0, - userID: 0'
		"#DW '; touch $canary; '"
		'#DW "],"userID":0,"labels":{"canary":"b"},"x":["'
		"#DW \${IFS}touch\${IFS}$canary \\n \\u0027 !!python/object &a *a"
		'#DW --kubeconfig=/etc/passwd -f /etc/shadow --from-stdin canary'
		$'#DW gr\u00fc\u00dfe \u2028 \u202e \U1F600 \u0085 canary'
		'#DW {{ canary }} <canary> ]]> -- | # canary'
	)

	script "${lines[@]}"
	taken "${lines[@]}"
	# kubectl gets them in another way.
	printf '%s\n' Client=kubectl "Kubectl=$KUBECTL" \
		>>/etc/slurm/dws-burst-buffer.conf
	taken "${lines[@]}"
	sed -i /^Client=kubectl/d /etc/slurm/dws-burst-buffer.conf
}

# %j and its like are Slurm's.
test_percent_signs()
{
	isSkipping && return
	script '#DW jobdw name=j%j 100%% %s%n canary' '#DW %%j'
	taken "#DW jobdw name=j$((job + 1)) 100%  canary" '#DW %j'
}

test_continued_lines_and_heredocs()
{
	isSkipping && return
	script '#DW first \' '#DW    part canary' '#SBATCH --comment=a' \
		'#DWARF canary' '' '#DW se\' '#DWcond canary' \
		'cat <<"#DW"' '#DW heredoc canary' '#DW' \
		'#DW after canary'
	taken '#DW first part canary' '#DW second canary'
}

test_a_script_that_ends_without_a_line_break()
{
	isSkipping && return
	printf '#!/bin/sh\n#DW last canary' >"$script"
	taken '#DW last canary'
}

test_a_job_name_is_one_word_of_one_directive()
{
	isSkipping && return
	script '#DW jobdw name=%x canary'
	taken_name=$'n", "userID": 0, "canary'
	sed -i "1a #SBATCH --job-name='$taken_name'" "$script"
	taken "#DW jobdw name=$taken_name canary"
}

test_what_is_refused()
{
	isSkipping && return
	local long

	printf '#!/bin/sh\n#DW a\r  userID: 0 canary\nexit 0\n' >"$script"
	refused 'line 2: a #DW line holds a carriage return'
	printf '#!/bin/sh\n#DW a\33[31m canary\nexit 0\n' >"$script"
	refused 'line 2: a #DW line holds the control character 27'
	printf '#!/bin/sh\n#DW a\377 canary\nexit 0\n' >"$script"
	refused 'line 2: a #DW line is not UTF-8'
	printf '#!/bin/sh\n#DW a\0b canary\nexit 0\n' >"$script"
	refused NUL
	printf '#!/bin/sh\r\n#DW a canary\r\nexit 0\r\n' >"$script"
	refused 'DOS line breaks'
	long=$(head -c 1048576 /dev/zero | tr '\0' x)
	printf '#!/bin/sh\n#DW canary%s\nexit 0\n' "$long" >"$script"
	refused 'hold more than 65536 bytes'
	printf '#!/bin/sh\n#%s\n#DW a canary\nexit 0\n' "$long" >"$script"
	refused 'longer than 1048576 bytes'
	script
	refused 'a #DW line holds a carriage return' --bb=$'#DW a\rcanary'
}

# Last: of all of the above.
test_no_text_of_a_user_was_executed()
{
	isSkipping && return
	assertTrue 'there is a trace' \
		"grep -q 'dws-csm.*workflows.*create' '$T/slurm/execs'"
	assertTrue 'of kubectl, too' \
		"grep -q 'kubectl.*create.*--raw' '$T/slurm/execs'"
	assertEquals 'no program got such text' '' \
		"$(grep -a canary "$T/slurm/execs" | head -n 3)"
	assertFalse 'no canary' "[ -e '$canary' ]"
}

# shellcheck disable=SC1091 # Debian's
. shunit2
