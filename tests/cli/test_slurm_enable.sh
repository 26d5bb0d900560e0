#!/bin/bash
# slurm enable, disable: what becomes of slurm.conf, which a real slurmctld
# reads before and after.
# servers: none

# shellcheck disable=SC2154 # T, of the sandbox

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$root/tests/servers/lib.sh"
# shellcheck source=tests/cli/slurm.sh
. "$root/tests/cli/slurm.sh"

etc=$TEST_DIR/etc
conf=$etc/slurm.conf
line=BurstBufferType=burst_buffer/lua

oneTimeSetUp()
{
	servers_init
	chmod 0755 "$TEST_DIR"
	export SLURM_CONF=$conf
}

oneTimeTearDown()
{
	slurm_down
}

setUp()
{
	rm -rf "$etc"
	mkdir -p "$etc"
	cp "$root"/payload/slurm/*.{conf,lua} "$etc"
	printf 'DwsCsm=%s\n' "$DWS_CSM" >>"$etc/dws-burst-buffer.conf"
	given $'ClusterName=test\nSlurmctldHost=localhost\nMessageTimeout=1\nSlurmUser='"$(id -un)"$'\n'
}

given()
{
	printf '%s' "$1" >"$conf"
}

# assert_conf TEXT: what slurm.conf is now.
assert_conf()
{
	assertEquals 'slurm.conf' "$1" "$(<"$conf")"
}

# No copy, no temporary file: nothing happened to it.
assert_untouched()
{
	assertEquals 'copies' "$conf" "$(echo "$conf"*)"
}

# assert_finding CHECK STATUS TEXT
assert_finding()
{
	assert_json ".[] | select(.check == \"$1\").status" "$2"
	assertContains "$1" "$(jq -r \
		".[] | select(.check == \"$1\") | .seen, .remedy" \
		"$TEST_DIR/out")" "$3"
}

# --- check ------------------------------------------------------------------

test_check_looks_at_all()
{
	run_dws slurm check -o json
	assert_rc 3
	assert_finding slurmctld ok 'Slurm 2'
	assert_finding lua ok burst_buffer_lua.so
	assert_finding plugin ok 'as this dws-csm carries it'
	assert_finding burst_buffer.conf ok "$etc/burst_buffer.conf"
	assert_finding hooks ok 'all 11, loaded by Lua 5.1'
	assert_finding settings ok "$etc/dws-burst-buffer.conf"
	assert_finding kubeconfig fault 'wlm create'
	assert_finding server skipped credential
	assert_finding client ok "$DWS_CSM"
	assert_finding enabled warning 'slurm enable --restart'
	assert_finding running warning 'does not answer'
	assert_err 'kubeconfig: there is no'
	run_dws slurm check
	assert_rc 3
	assert_out CHECK remedy:
}

test_check_tells_a_plugin_that_slurm_would_not_start_with()
{
	sed -i 's/^function slurm_bb_paths/local function paths_of/' \
		"$etc/burst_buffer.lua"
	run_dws slurm check -o json
	assert_rc 3
	assert_finding plugin ok 'not the one of this dws-csm'
	assert_finding hooks fault 'slurm_bb_paths'
	sed -i '1i x = = 1' "$etc/burst_buffer.lua"
	run_dws slurm check -o json
	assert_finding hooks fault 'unexpected symbol'
	assert_finding settings skipped ''
	rm "$etc/burst_buffer.lua"
	run_dws slurm check -o json
	assert_finding plugin fault 'install the package'
	assert_finding hooks skipped ''
}

test_check_takes_its_own_lua_where_there_is_no_interpreter()
{
	mkdir "$TEST_DIR/empty"
	# shellcheck disable=SC2016 # its own arguments
	unshare -m bash -c 'mount --bind "$1" /usr/bin && exec "${@:2}"' bash \
		"$TEST_DIR/empty" "$DWS_CSM" slurm check -o json \
		>"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null
	assert_finding hooks ok 'loaded by the Lua 5.4 of dws-csm'
}

test_check_tells_wrong_settings()
{
	echo Kubeconfik=/x >>"$etc/dws-burst-buffer.conf"
	sed -i '/^Directive/d' "$etc/burst_buffer.conf"
	run_dws slurm check -o json
	assert_rc 3
	assert_finding settings fault Kubeconfik
	assert_finding burst_buffer.conf fault 'write Directive=DW'
	echo Directive=DW >"$etc/burst_buffer.conf"
	run_dws slurm check -o json
	assert_finding burst_buffer.conf warning TeardownFailure
}

test_check_tells_files_that_others_may_change()
{
	chmod 0666 "$etc/burst_buffer.lua"
	run_dws slurm check -o json
	assert_finding plugin fault 'anybody may write'
	chmod 0644 "$etc/burst_buffer.lua"
	chmod 0777 "$etc"
	run_dws slurm check -o json
	assert_finding plugin fault "anybody may write to '$etc'"
	assert_finding hooks skipped ''
}

# check_with_groups LINE...: on a host with these lines in /etc/group.
check_with_groups()
{
	{
		cat /etc/group
		printf '%s\n' "$@"
	} >"$TEST_DIR/group"
	# shellcheck disable=SC2016 # its own arguments
	unshare -m bash -c 'mount --bind "$1" /etc/group && exec "${@:2}"' bash \
		"$TEST_DIR/group" "$DWS_CSM" slurm check -o json \
		>"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null
}

test_check_knows_the_groups_of_the_user()
{
	local dir=$T/readers file=$T/readers/burst_buffer.conf

	# Not in TEST_DIR, where only root may look.
	cp -R "$etc" "$dir"
	if ! slurm_can || ! chgrp 54321 "$file"; then
		startSkipping
		return
	fi
	chmod 0640 "$file"
	echo "SlurmUser=$slurm_user" >>"$dir/slurm.conf"
	SLURM_CONF=$dir/slurm.conf
	check_with_groups readers:x:54321:nobody
	assert_finding burst_buffer.conf warning 'cannot read'
	check_with_groups readers:x:54321:nobody,"$slurm_user"
	assert_finding burst_buffer.conf ok "$file"
	SLURM_CONF=$conf
	rm -r "$dir"
}

test_check_names_what_slurm_would_stop_at()
{
	given $'ClusterName=test\nSlurmctldHost=localhost\nMessageTimeout=1\nInclude gone.conf\n'
	run_dws slurm check
	assert_rc 1
	assert_err "'$conf' line 4: Include" gone.conf
	rm "$conf"
	run_dws slurm check
	assert_rc 3
	assert_err 'cannot open' --slurm-conf
}

# assert_no_wait FILE: there is a pipe in its place.
assert_no_wait()
{
	rm -f "$1"
	mkfifo "$1"
	run_dws slurm check
	assert_rc 1
	assert_err "'$1' is not a regular file"
	assertTrue "took $took_ms ms" "[ $took_ms -lt 15000 ]"
	rm "$1"
}

# Root runs it, SlurmUser may own the folder.
test_check_does_not_wait_for_a_pipe()
{
	local name

	for name in burst_buffer.conf burst_buffer.lua dws-burst-buffer.conf; do
		assert_no_wait "$etc/$name"
		cp "$root/payload/slurm/$name" "$etc"
	done
	ln -s /dev/zero "$etc/zero"
	echo 'Include zero' >>"$conf"
	run_dws slurm check
	assert_rc 1
	assert_err "'$conf' line 5: Include: '$etc/zero' is not a regular file"
	sed -i 's/^Include.*/Include x.conf/' "$conf"
	assert_no_wait "$etc/x.conf"
	sed -i '/^Include/d' "$conf"
	echo "Kubeconfig=$etc/credential" >>"$etc/dws-burst-buffer.conf"
	(umask 077 && mkfifo "$etc/fifo" && ln -s fifo "$etc/credential")
	run_dws slurm check -o json
	assert_rc 3
	assert_finding kubeconfig fault \
		"'$etc/credential' is not a regular file"
	assert_no_wait "$conf"
}

# --- enable -----------------------------------------------------------------

test_enable_adds_one_line_and_disable_takes_it_out()
{
	local before

	given $'# site\r\nClusterName=test\r\nSlurmctldHost=localhost\r\nMessageTimeout=1\r\n#BurstBufferType=\r\nInclude x.conf\r\n'
	echo 'TreeWidth=50' >"$etc/x.conf"
	before=$(<"$conf")
	chmod 0640 "$conf"
	run_dws slurm enable
	assert_rc 0
	assert_out "'$conf'" 'scontrol reconfigure' 'all hosts'
	assert_err 'warning: kubeconfig:'
	assert_conf $'# site\r\nClusterName=test\r\nSlurmctldHost=localhost\r\nMessageTimeout=1\r\n#BurstBufferType=\r\n'"$line"$'\r\nInclude x.conf\r'
	assertEquals 'mode' 640 "$(stat -c %a "$conf")"
	assertEquals 'the copy' "$before" "$(cat "$conf".dws-csm-*)"
	run_dws slurm enable
	assert_rc 0
	assert_out 'already'
	assertEquals 'copies' 1 "$(find "$etc" -name '*dws-csm-*' | wc -l)"
	run_dws slurm disable
	assert_rc 3
	assert_err 'does not answer' --force
	run_dws slurm disable --force
	assert_rc 0
	assert_conf "$before"
	run_dws slurm disable --force
	assert_rc 0
	assert_out 'nothing was changed'
}

test_enable_only_tells_with_dry_run()
{
	run_dws slurm enable --dry-run
	assert_rc 0
	assert_out "$line would be added to '$conf'"
	assert_untouched
}

test_enable_follows_a_link()
{
	mv "$conf" "$etc/real"
	ln -s real "$conf"
	run_dws slurm enable
	assert_rc 0
	assertTrue 'still a link' "[ -L '$conf' ]"
	assertContains 'where it leads' "$(<"$etc/real")" "$line"
}

test_enable_refuses_another_system()
{
	given $'ClusterName=test\nSlurmctldHost=localhost\nMessageTimeout=1\nINCLUDE x.conf\n'
	echo 'burstbuffertype=burst_buffer/datawarp' >"$etc/x.conf"
	run_dws slurm enable
	assert_rc 3
	assert_err "'$etc/x.conf' line 1 has BurstBufferType=burst_buffer/datawarp"
	echo 'BurstBufferType=none' >"$etc/x.conf"
	run_dws slurm enable
	assert_rc 3
	assert_err "'$etc/x.conf' line 1" 'take that line out'
	echo "$line" >"$etc/x.conf"
	run_dws slurm enable
	assert_rc 0
	assert_out already
	run_dws slurm disable --force
	assert_rc 3
	assert_err "'$etc/x.conf' line 1"
	assert_untouched
}

test_enable_refuses_a_plugin_that_slurm_would_not_start_with()
{
	sed -i 's/^function slurm_bb_paths/local function paths_of/' \
		"$etc/burst_buffer.lua"
	run_dws slurm enable
	assert_rc 3
	assert_err 'warning: hooks: functions are missing' 'nothing was changed'
	assert_untouched
}

test_enable_restarts_only_when_all_is_well()
{
	run_dws slurm enable --restart --restart-command \
		"touch $TEST_DIR/restarted"
	assert_rc 3
	assert_err 'kubeconfig' 'nothing was changed: 1 fault'
	assert_untouched
	assertFalse 'restarted' "[ -e '$TEST_DIR/restarted' ]"
}

test_what_slurm_cannot_read_is_no_small_matter()
{
	local text wrong

	text=$(<"$conf")
	echo Fooo=bar >>"$conf"
	run_dws slurm check -o json
	assert_rc 3
	assert_finding running fault 'unrecognized key: Fooo'
	run_dws slurm enable
	assert_rc 3
	assert_err 'nothing was changed'
	assert_untouched

	given "$text"
	for wrong in Fooo=bar 'Directive' 'StageInTimeout=1h' 'Flags=A B'; do
		cp "$root/payload/slurm/burst_buffer.conf" "$etc"
		echo 'AllowUsers=root' >>"$etc/burst_buffer.conf"
		run_dws slurm check -o json
		assert_finding burst_buffer.conf ok "$etc/burst_buffer.conf"
		echo "$wrong" >>"$etc/burst_buffer.conf"
		run_dws slurm enable
		assert_rc 3
		assert_err 'burst_buffer.conf' "'$wrong'"
		assert_untouched
	done
}

# --- a real slurmctld -------------------------------------------------------

# given_slurmctld [LINE...]: with a command that restarts it.
given_slurmctld()
{
	slurm_up "$etc" "$@" || fail 'slurmctld'
	cat >"$TEST_DIR/restart" <<-END
	#!/bin/bash
	root=$root
	. "$root/tests/servers/lib.sh"
	. "$root/tests/cli/slurm.sh"
	slurmctld_down
	server_run slurmctld slurmctld -D
	END
	chmod 0755 "$TEST_DIR/restart"
}

runs_with()
{
	assertContains 'slurmctld' "$(scontrol show config)" \
		"BurstBufferType         = $1"
}

test_slurmctld_reads_what_was_written()
{
	local restart=(--restart --restart-command "$TEST_DIR/restart")

	given_slurmctld "$line"
	runs_with burst_buffer/lua
	run_dws slurm check -o json
	assert_finding running ok burst_buffer/lua
	cp "$conf" "$TEST_DIR/with"

	# Nothing to be done, not even a restart.
	run_dws slurm disable --dry-run "${restart[@]}"
	assert_rc 0
	assert_out 'would be taken out' "$TEST_DIR/restart"
	runs_with burst_buffer/lua

	run_dws slurm disable "${restart[@]}"
	assert_rc 0
	assert_out 'was restarted, and runs without it'
	runs_with '(null)'

	cp "$TEST_DIR/with" "$conf"
	run_dws slurm check -o json
	assert_finding running warning 'restart slurmctld'
	slurm_down
}

test_slurmctld_that_does_not_come_up_gets_its_old_file()
{
	given_slurmctld "$line"
	cat >"$TEST_DIR/lame" <<-END
	#!/bin/bash
	# Comes up with the old file only.
	grep -q '^$line' '$conf' && exec "$TEST_DIR/restart"
	. "$root/tests/servers/lib.sh"
	server_stop slurmctld
	END
	chmod 0755 "$TEST_DIR/lame"
	cp "$conf" "$TEST_DIR/before"
	run_dws slurm disable --restart --restart-command "$TEST_DIR/lame" \
		--timeout 3s
	assert_rc 7
	assert_err 'slurm.conf is as it was, and slurmctld runs with it'
	assertEquals 'slurm.conf' "$(<"$TEST_DIR/before")" "$(<"$conf")"
	assertEquals 'copies' '' "$(find "$etc" -name '*dws-csm-*')"
	runs_with burst_buffer/lua

	# A command that did nothing to it.
	run_dws slurm disable --restart --restart-command false --timeout 1s
	assert_rc 7
	assert_err 'slurm.conf is as it was, and slurmctld runs with it'
	assertEquals 'slurm.conf' "$(<"$TEST_DIR/before")" "$(<"$conf")"

	slurmctld_down
	run_dws slurm disable --force --restart --restart-command false \
		--timeout 1s
	assert_rc 8
	assert_err 'look into its log'
	assertEquals 'slurm.conf' "$(<"$TEST_DIR/before")" "$(<"$conf")"
	slurm_down
}

# shellcheck disable=SC1091 # Debian's
. shunit2
