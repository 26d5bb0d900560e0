#!/bin/bash
# slurm check with a cluster: the credential and the server; and slurm enable
# --restart, which wants all of it to be well.

# shellcheck disable=SC2119,SC2154,SC2317 # optional; $T/env; shunit2 calls

# shellcheck source=tests/cli/wlm.sh
. "$(dirname "${BASH_SOURCE[0]}")/wlm.sh"
# shellcheck source=tests/servers/lib.sh
. "$root/tests/servers/lib.sh"
# shellcheck source=tests/cli/slurm.sh
. "$root/tests/cli/slurm.sh"

# Not in TEST_DIR, where only root may look.
etc=$T/slurm/etc
file=$T/slurm/slurm-dws.kubeconfig
conf=$etc/slurm.conf

setUp()
{
	export SLURM_CONF=$conf
	rm -rf "$T/slurm"
	mkdir -p "$etc"
	chmod 0755 "$T/slurm" "$etc"
	cp "$root"/payload/slurm/*.{conf,lua} "$etc"
	printf '%s\n' "DwsCsm=$DWS_CSM" "Kubeconfig=$file" \
		>>"$etc/dws-burst-buffer.conf"
	printf '%s\n' ClusterName=test SlurmctldHost=localhost \
		MessageTimeout=1 "SlurmUser=$(id -un)" >"$conf"
	must kubectl delete clusterrolebinding slurm-dws-viewer --ignore-not-found
	given_credential
}

tearDown()
{
	slurm_down
}

# assert_finding CHECK STATUS TEXT
assert_finding()
{
	assert_json ".[] | select(.check == \"$1\").status" "$2"
	assertContains "$1" "$(jq -r \
		".[] | select(.check == \"$1\") | .seen, .remedy" \
		"$TEST_DIR/out")" "$3"
}

test_all_is_well()
{
	run_dws slurm check -o json
	assert_rc 0
	assert_finding kubeconfig ok "'$file', valid for"
	assert_finding server ok 'lists Workflows'
	assert_json '[.[] | select(.status == "fault")] | length' 0
	run_dws slurm check --warn-days 600
	assert_rc 0
	assert_out 'wlm renew'
}

test_the_credential_is_wrong()
{
	chmod 0644 "$file"
	run_dws slurm check -o json
	assert_rc 3
	assert_finding kubeconfig fault "'chmod 0600 $file'"
	assert_finding server skipped ''
	chmod 0600 "$file"
	sed -i 's/^    server: .*/    server: https:\/\/127.0.0.1:1/' "$file"
	run_dws slurm check -o json
	assert_rc 3
	assert_finding server fault '127.0.0.1:1'
	echo garbage >"$file"
	run_dws slurm check -o json
	assert_rc 3
	assert_json '.[] | select(.check == "server").status' skipped
}

test_the_credential_may_not_do_enough()
{
	must kubectl delete clusterrolebinding slurm-dws-viewer
	run_dws slurm check -o json
	assert_rc 3
	assert_finding server fault 'wlm renew'
}

test_the_credential_belongs_to_somebody_else()
{
	if ! slurm_can; then
		startSkipping
		return
	fi
	printf 'SlurmUser=%s\n' "$slurm_user" >>"$conf"
	run_dws slurm check -o json
	assert_rc 3
	assert_finding kubeconfig fault "'chown $slurm_user $file'"
	assert_finding hooks ok 'all 11'
	chown "$slurm_user" "$file"
	run_dws slurm check -o json
	assert_rc 0
	mkdir -m 0700 "$T/slurm/closed"
	cp -p "$file" "$T/slurm/closed"
	sed -i "s|^Kubeconfig=.*|Kubeconfig=$T/slurm/closed/${file##*/}|" \
		"$etc/dws-burst-buffer.conf"
	chmod 0600 "$etc/burst_buffer.conf"
	run_dws slurm check -o json
	assert_rc 3
	assert_finding kubeconfig fault "$slurm_user cannot reach"
	assert_finding burst_buffer.conf warning 'cannot read'
	# Loaded as that user, who cannot read it.
	chmod 0600 "$etc/burst_buffer.lua"
	run_dws slurm check -o json
	assert_rc 3
	assert_finding hooks fault 'Permission denied'
}

test_enable_restarts_a_real_slurmctld()
{
	local text

	slurm_up "$etc" || fail 'slurmctld'
	cat >"$TEST_DIR/restart" <<-END
	#!/bin/bash
	root=$root
	. "$root/tests/servers/lib.sh"
	. "$root/tests/cli/slurm.sh"
	echo >>"$TEST_DIR/restarts"
	slurmctld_down
	server_run slurmctld slurmctld -D
	END
	chmod 0755 "$TEST_DIR/restart"
	text=$(<"$conf")
	run_dws slurm enable --restart --restart-command "$TEST_DIR/restart"
	assert_rc 0
	assert_out 'was restarted, and runs with it'
	assertEquals 'slurm.conf' \
		"$text"$'\nBurstBufferType=burst_buffer/lua' "$(<"$conf")"
	assertContains 'slurmctld' "$(scontrol show config)" \
		'BurstBufferType         = burst_buffer/lua'
	run_dws slurm enable --restart --restart-command "$TEST_DIR/restart"
	assert_rc 0
	assert_out 'nothing was changed'
	assertEquals 'restarts' 1 "$(wc -l <"$TEST_DIR/restarts")"
	run_dws slurm check -o json
	assert_rc 0
	assert_finding running ok burst_buffer/lua

	# A job that needs the plugin keeps it.
	printf '#!/bin/sh\n#DW jobdw type=xfs capacity=1GB pool=dws name=x\n' \
		>"$T/slurm/jobs/job"
	slurm_can || return 0
	submitted --begin=now+1hour "$T/slurm/jobs/job"
	assertEquals "sbatch ($err)" 0 "$rc"
	SQUEUE_USERS=nobody SQUEUE_PARTITION=none run_dws slurm disable \
		--restart --restart-command "$TEST_DIR/restart"
	assert_rc 3
	assert_err '1 job is with #DW lines in the queue' --force
	assertEquals 'restarts' 1 "$(wc -l <"$TEST_DIR/restarts")"
}

# shellcheck disable=SC1091 # Debian's
. shunit2
