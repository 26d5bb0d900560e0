#!/bin/bash
# The site's hooks around a change, the log of it, and its Events.

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/transaction.sh
. "$(dirname "${BASH_SOURCE[0]}")/transaction.sh"

hooks=$TEST_DIR/hooks
ran=$TEST_DIR/ran
log_dir=$DWS_CSM_STATE_DIR/log

oneTimeSetUp()
{
	umask 022
	only_kinds Storage Workflow
	seed_images "$old" "$new"
	given_release "$old"
}

oneTimeTearDown()
{
	[ ! -d "$TEST_DIR" ] || given_no_dws
}

setUp()
{
	rm -rf "$hooks" "$ran" "$log_dir"
	# Each notes what it is told, so that this is also the order.
	for name in pre-upgrade/20-b pre-upgrade/10-a post-upgrade/10-c; do
		hook "$name" true
	done
}

# hook NAME COMMAND: a hook that notes itself, then does that.
hook()
{
	mkdir -p "$hooks/${1%/*}"
	cat >"$hooks/$1" <<-END
	#!/bin/sh
	echo "${1##*/} \$DWS_CSM_HOOK \$DWS_CSM_FROM_VERSION" \\
		"\$DWS_CSM_VERSION \$DWS_CSM_OUTCOME" >>'$ran'
	$2
	END
	chmod 0755 "$hooks/$1"
}

upgrade()
{
	run_dws upgrade --version "$new" --skip-images --hooks "$hooks" "$@"
}

# assert_ran LINE...: these hooks, in this order.
assert_ran()
{
	assertEquals "hooks that ran ($err)" "$(printf '%s\n' "$@")" \
		"$(sed 's/ *$//' "$ran" 2>/dev/null)"
}

pre=("10-a pre-upgrade $old $new" "20-b pre-upgrade $old $new")

# Whatever DWS is made of, and the books: what must not have moved.
versions()
{
	kubectl get namespaces,secrets,deployments,services,leases \
		-n dws-system -o json | jq -r '.items[] |
		select(.metadata.name | test("lock|dws-system") | not) |
		"\(.kind) \(.metadata.name) \(.metadata.resourceVersion)"' |
		grep -v '^Deployment\|^Lease [^d]' | sort
	kubectl get crd -o jsonpath='{.items[*].metadata.uid}'
}

# upgrade_in_vain ARG...: it ends before anything was changed.
upgrade_in_vain()
{
	local before

	before=$(versions)
	upgrade "$@"
	assertEquals 'what stands' "$before" "$(versions)"
}

test_a_plan_lists_hooks_and_runs_none()
{
	upgrade --dry-run
	assert_rc 0
	assert_out "$hooks/pre-upgrade/10-a" "$hooks/post-upgrade/10-c"
	assert_ran
}

test_a_pre_hook_that_fails_stops_before_any_change()
{
	hook pre-upgrade/20-b 'echo a maintenance is under way; exit 4'
	hook pre-upgrade/30-d true
	upgrade_in_vain
	assert_rc 3
	assert_err "20-b' failed with exit status 4" \
		'a maintenance is under way' 'nothing was changed'
	assert_ran "${pre[@]}" "10-c post-upgrade $old $new unchanged"
}

test_a_hook_has_a_time_limit()
{
	hook pre-upgrade/10-a 'sleep 60'
	upgrade_in_vain --hooks-timeout 1s
	assert_rc 3
	assert_err "10-a' has not ended within 1 seconds" --hooks-timeout
	assertTrue "it took $took_ms ms" "[ $took_ms -lt 40000 ]"
	assert_ran "${pre[0]}" "10-c post-upgrade $old $new unchanged"
}

test_hooks_that_others_may_write_are_refused()
{
	chmod 0757 "$hooks/post-upgrade"
	upgrade_in_vain
	assert_rc 3
	assert_err "others may write to '$hooks/post-upgrade'"
	assert_ran
}

test_an_interrupt_ends_the_hook_and_the_operation()
{
	hook pre-upgrade/10-a "kill -INT \$PPID; sleep 60"
	upgrade_in_vain
	assert_rc 10
	assert_err "10-a' was ended" 'nothing was changed'
	assertTrue "it took $took_ms ms" "[ $took_ms -lt 40000 ]"
	assert_ran "${pre[0]}" "10-c post-upgrade $old $new unchanged"
}

test_post_hooks_are_told_of_a_rollback()
{
	pods_fare "*/dws:$new" imagepull
	upgrade --timeout 20s
	pods_fare
	assert_rc 7
	assert_ran "${pre[@]}" "10-c post-upgrade $old $new rolled-back"
}

# The last one: from here on the new release stands.
test_hooks_log_and_events_of_an_upgrade()
{
	local log

	hook pre-upgrade/10-a "echo from the first, \$DWS_CSM_TRANSACTION \\
		\$DWS_CSM_REVISION; kubectl=\$KUBECTL
	\$kubectl -n dws-system get deployment dws-webhook -o \\
		'jsonpath={.spec.template.spec.containers[0].image}' >'$ran.image'"
	hook post-upgrade/10-c 'exit 1'
	hook post-upgrade/20-d true
	upgrade
	assert_rc 0
	assert_ran "${pre[@]}" "10-c post-upgrade $old $new deployed" \
		"20-d post-upgrade $old $new deployed"
	assertContains "$(<"$ran.image")" ":$old"
	assert_err "warning: hook '$hooks/post-upgrade/10-c' failed" \
		'10-a: from the first, 2'

	log=$(echo "$log_dir"/*-upgrade.jsonl)
	assertTrue "JSON lines: $log" "jq -e . '$log' >'$TEST_DIR/log'"
	assertEquals 'events in the log' 'begin end log open step' \
		"$(jq -r .event "$log" | sort -u | grep -v change |
			paste -s -d ' ')"
	assertContains "$(jq -r .message "$log")" '10-a: from the first'
	assertEquals 'one transaction' 1 \
		"$(jq -r .transaction "$log" | sort -u | grep -c .)"
	assertNotContains "$(<"$log")" "$REGISTRY_PASSWORD"
	assertNotContains "$(<"$log")" 'PRIVATE KEY'
	assertEquals 'Events' 'Namespace dws-system' \
		"$(kubectl -n dws-system get events -o json | jq -r '.items[] |
			select(.source.component == "dws-csm" and
				.reportingComponent == "dws-csm" and
				(.message | test("upgrade: deployed"))) |
			"\(.involvedObject.kind) \(.involvedObject.name)"' |
			sort -u)"
}

# shellcheck disable=SC1091 # Debian's
. shunit2
