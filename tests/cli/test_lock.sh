#!/bin/bash
# One installer at a time: who holds the lock, who hears of it, and when it is
# taken over.

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/transaction.sh
. "$(dirname "${BASH_SOURCE[0]}")/transaction.sh"

lease=lease/dws-csm
first=''

oneTimeSetUp()
{
	only_kinds Storage Workflow
	seed_images "$old" "$new"
}

setUp()
{
	first=''
}

tearDown()
{
	[ -z "$first" ] || kill -9 "$first" 2>/dev/null
	[ -d "$TEST_DIR" ] || return 0
	pods_fare
	kubectl -n dws-system delete "$lease" --ignore-not-found \
		>"$TEST_DIR/given" 2>&1
	"$DWS_CSM" resume >"$TEST_DIR/given" 2>&1 </dev/null
	given_no_dws
}

# --- the first one ----------------------------------------------------------

# begin_install: one that waits for pods until end_first, as user ann.
begin_install()
{
	given_no_dws
	pods_fare 'dws-system/*' pending
	SUDO_USER=ann "$DWS_CSM" install --skip-images --version "$old" \
		--timeout 2m >"$TEST_DIR/first.out" 2>"$TEST_DIR/first.err" \
		</dev/null &
	first=$!
	eventually 'the installation waits' it_waits
	since=$(lease_field .spec.acquireTime)
	since=${since%.*}Z
}

it_waits()
{
	"$DWS_CSM" status -o json | jq -e '.transaction.step == "wait"'
}

# end_first CODE: its pods come up, and it ends like that.
end_first()
{
	local code

	pods_fare
	wait "$first"
	code=$?
	assertEquals "exit code of the first ($(<"$TEST_DIR/first.err"))" \
		"$1" "$code"
	first=''
}

kill_first()
{
	{ kill -9 "$first" && wait "$first"; } 2>/dev/null
	first=''
}

# --- its Lease --------------------------------------------------------------

lease_field()
{
	kubectl -n dws-system get "$lease" -o json | jq -r "$1"
}

# As if another host held it: no process of ours can be looked for.
lease_of_another_host()
{
	must kubectl -n dws-system annotate --overwrite "$lease" \
		dws-csm.io/host=ncn-m002
}

no_lease()
{
	[ -z "$(kubectl -n dws-system get "$lease" --ignore-not-found -o name)" ]
}

# --- tests ------------------------------------------------------------------

test_second_installer_is_told_of_the_first()
{
	local command

	begin_install
	for command in install 'uninstall --yes' rollback resume upgrade; do
		# shellcheck disable=SC2086 # two words
		run_dws $command
		assert_rc 11
		assert_err 'another installer is at work' \
			"'install' of user 'ann' on '$(hostname)' (pid $first)" \
			"since $since"
	done
	run_dws status
	assert_rc 0
	assert_out "A change is under way: install of DWS $old, begun by 'ann'" \
		"on '$(hostname)'" "step 'wait'"
	end_first 0
	assertEquals 'what is left open' '' "$(nothing_open)"
}

test_of_two_at_once_one_does_it()
{
	local round codes pids pid

	for round in 1 2 3; do
		given_no_dws
		pids=()
		for pid in 1 2; do
			"$DWS_CSM" install --skip-images --version "$old" \
				>"$TEST_DIR/out.$pid" 2>"$TEST_DIR/err.$pid" \
				</dev/null &
			pids+=($!)
		done
		codes=
		for pid in "${pids[@]}"; do
			wait "$pid"
			codes="$codes $?"
		done
		case $codes in
		' 0 11' | ' 11 0') ;;
		# The second came when the first had ended.
		' 0 0') ;;
		*) fail "round $round: exit codes$codes: $(cat \
			"$TEST_DIR/err.1" "$TEST_DIR/err.2")" ;;
		esac
		assertEquals 'what is left open' '' "$(nothing_open)"
		run_dws history -o json
		assert_json '[.[].status] | join(" ")' deployed
	done
}

test_killed_one_is_taken_over_by_resume_alone()
{
	begin_install
	kill_first
	run_dws upgrade --skip-images
	assert_rc 11
	assert_err "'dws-csm resume'" "'dws-csm rollback'" "'ann'"
	run_dws status
	assert_out "A CHANGE IS HALF DONE: install of DWS $old, begun by 'ann'" \
		"'dws-csm resume' goes on"
	pods_fare
	run_dws resume
	assert_rc 0
	assert_err 'taking over from an installer that is gone' "'ann'"
	assertNotContains 'no watch is needed on the same host' "$err" watching
	assertEquals 'what is left open' '' "$(nothing_open)"
}

test_one_of_a_lost_host_is_taken_over_after_a_watch()
{
	begin_install
	kill_first
	lease_of_another_host
	run_dws upgrade --skip-images
	assert_rc 11
	assert_err "on 'ncn-m002'" "'dws-csm resume'"
	pods_fare
	run_dws resume
	assert_rc 0
	assert_err 'watching for 15 s whether it lives' \
		'taking over from an installer that is gone'
	assertTrue "took $took_ms ms" "[ $took_ms -ge 15000 ]"
	assertEquals 'what is left open' '' "$(nothing_open)"
}

test_one_that_lives_on_another_host_is_left_alone()
{
	local command

	begin_install
	lease_of_another_host
	for command in resume rollback; do
		# Its next renewal says whose process it is, but on which host?
		lease_of_another_host
		run_dws "$command"
		assert_rc 11
		assert_err 'another installer is at work' "'ann'"
	done
	end_first 0
	assertEquals 'what is left open' '' "$(nothing_open)"
}

test_one_that_was_overtaken_stops()
{
	begin_install
	lease_of_another_host
	kill -STOP "$first"
	pods_fare
	run_dws resume
	assert_rc 0
	kill -CONT "$first"
	end_first 11
	assertContains "$(<"$TEST_DIR/first.err")" 'the lock was lost'
	assertEquals 'what is left open' '' "$(nothing_open)"
	run_dws history -o json
	assert_json '[.[].status] | join(" ")' deployed
}

first_is_paused()
{
	[ "$(cut -d ' ' -f 3 "/proc/$first/stat")" = T ]
}

# Where another has gone back meanwhile, each further change would leave a
# cluster of two releases.
test_one_that_was_overtaken_among_its_changes_makes_no_more()
{
	given_release "$old"
	note_state old
	kube_proxy || fail 'the proxy does not start'
	spoil "{\"method\": \"PATCH\", \"path\": \"/clusterroles/\", \"nth\": 5,
		\"kill\": \"after\", \"signal\": \"STOP\",
		\"pidfile\": \"$TEST_DIR/pid\"}"
	# shellcheck disable=SC2016 # expanded by that shell
	KUBECONFIG=$proxied sh -c 'echo $$ >"$0"; exec "$@"' \
		"$TEST_DIR/pid" "$DWS_CSM" upgrade --skip-images \
		--version "$new" >"$TEST_DIR/first.out" \
		2>"$TEST_DIR/first.err" </dev/null &
	first=$!
	eventually 'the upgrade is paused' first_is_paused
	lease_of_another_host
	run_dws rollback
	assert_rc 0
	assert_whole old
	kill -CONT "$first"
	end_first 11
	assertContains "$(<"$TEST_DIR/first.err")" 'the lock was lost'
	assert_whole old
	server_stop kube
}

# Somebody tidied up: that is no reason to stop in the middle.
test_deleted_lease_is_made_again()
{
	begin_install
	must kubectl -n dws-system delete "$lease"
	eventually 'the Lease is back' kubectl -n dws-system get "$lease"
	assertEquals "'ann' still holds it" "$first" "$(lease_field \
		'.metadata.annotations["dws-csm.io/pid"]')"
	end_first 0
	assertEquals 'what is left open' '' "$(nothing_open)"
}

# It is in nobody's way where it has left nothing else behind.
test_lease_alone_is_taken_over()
{
	begin_install
	kubectl -n dws-system get "$lease" -o json |
		jq 'del(.metadata.uid, .metadata.resourceVersion)' \
			>"$TEST_DIR/lease.json"
	end_first 0
	must kubectl create -f "$TEST_DIR/lease.json"
	run_dws upgrade --skip-images --version "$old"
	assert_rc 0
	assertTrue 'the Lease is gone' no_lease
}

# shellcheck disable=SC1091 # Debian's
. shunit2
