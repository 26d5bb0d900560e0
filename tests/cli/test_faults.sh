#!/bin/bash
# An upgrade that fails: whatever breaks, in whichever phase, the release that
# stood stands again, with its custom resources, or it is said how to go on.

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/transaction.sh
. "$(dirname "${BASH_SOURCE[0]}")/transaction.sh"

upgrade=(upgrade --skip-images --timeout 20s)

oneTimeSetUp()
{
	seed_images "$old" "$new"
	kube_proxy || fail 'the proxy does not start'
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	pods_fare
	spoil ''
	given_no_dws
	server_stop kube
}

setUp()
{
	pods_fare
	spoil ''
	given_old
}

# assert_rolled_back TEXT...: the last run failed by this and went back.
assert_rolled_back()
{
	assert_rc 7
	assert_err "$@" "rolled back: DWS $old stands again"
	assert_whole old
	run_dws history -o json
	assert_json '[.[-1] | .version, .status] | join(" ")' \
		"$new rolled-back"
	assert_json '.[-1].failure | length > 0' true
	assert_json '.[] | select(.status == "deployed").version' "$old"
	kubectl -n dws-system wait --for=condition=Available --timeout=10s \
		deployment/dws-controller-manager deployment/dws-webhook \
		>"$TEST_DIR/wait" 2>&1 || fail "Deployments: $(<"$TEST_DIR/wait") $(kubectl -n dws-system get deploy,pods 2>&1)"
}

# assert_spoiled: the proxy's rule was met.
assert_spoiled()
{
	assertNotEquals 'requests that met the rule' 0 "$(count_writes)"
}

# refused METHOD PATH STATUS MESSAGE [REASON [TIMES]]: by the API server, but
# for dry runs.
refused()
{
	spoil "{\"method\": \"$1\", \"path\": \"$2(?!.*dryRun)\",
		${6:+\"times\": $6,}
		\"status\": $3, \"headers\": {\"Content-Type\":
		\"application/json\"}, \"body\": {\"kind\": \"Status\",
		\"apiVersion\": \"v1\", \"status\": \"Failure\",
		\"code\": $3, \"reason\": \"${5:-Invalid}\",
		\"message\": \"$4\"}}"
}

# --- each phase -------------------------------------------------------------

test_backup_that_is_refused()
{
	refused POST '/namespaces/dws-system/secrets' 403 'quota of Secrets' \
		Forbidden
	sed -i 's/"status": 403/"names": "dws-csm.backup", &/' \
		"$T/fault/kube.json"
	run_proxied "${upgrade[@]}"
	assert_spoiled
	assert_rolled_back 'quota of Secrets'
}

test_removal_that_is_refused()
{
	refused DELETE '/customresourcedefinitions/storages' 403 \
		'CRDs are guarded' Forbidden 1
	run_proxied "${upgrade[@]}"
	assert_spoiled
	assert_rolled_back 'CRDs are guarded'
}

test_crd_that_is_rejected()
{
	refused PATCH '/customresourcedefinitions/systemstatuses' 422 \
		'the schema is not structural'
	run_proxied "${upgrade[@]}"
	assert_spoiled
	assert_rolled_back 'the schema is not structural' \
		"systemstatuses.$group"
}

test_image_that_is_missing()
{
	pods_fare "*/dws:$new" imagepull
	run_dws "${upgrade[@]}" --timeout 120s
	assert_rolled_back "registry.local/dws:$new" 'cannot pull image'
}

test_controller_that_crashes()
{
	pods_fare "*/dws:$new" crashloop
	run_dws "${upgrade[@]}" --timeout 120s
	assert_rolled_back 'crashes again and again'
}

# By then the custom resources are restored: they are not lost by going back.
test_controllers_alone_that_crash()
{
	pods_fare 'dws-system/dws-controller-manager-*' crashloop
	run_dws "${upgrade[@]}" --timeout 120s --no-rollback
	assert_rc 1
	assert_err 'crashes again and again' "stopped at step 'start'"
	pods_fare
	run_dws rollback
	assert_rc 0
	assert_whole old
}

test_webhook_that_never_becomes_ready()
{
	pods_fare "*/dws:$new" notready
	run_dws "${upgrade[@]}"
	assert_rolled_back 'not ready after 20 seconds'
}

# Kubernetes takes changes to what is being deleted, and loses them with it.
test_what_goes_slowly_is_gone_before_it_comes_again()
{
	must kubectl -n dws-system patch deployment dws-controller-manager \
		--type merge -p '{"metadata": {"finalizers": ["site.test/hold"]}}'
	{
		sleep 8
		kubectl -n dws-system patch deployment dws-controller-manager \
			--type merge -p '{"metadata": {"finalizers": null}}'
	} >"$TEST_DIR/let_go" 2>&1 &
	run_dws "${upgrade[@]}" --timeout 3s
	wait "$!"
	assert_rolled_back 'not gone after 3 seconds' 'site.test/hold'
}

test_restore_that_is_refused()
{
	refused POST '/v1alpha7/namespaces/[^/]*/storages' 422 \
		'spec.state: Unsupported value'
	run_proxied "${upgrade[@]}"
	assert_spoiled
	assert_rolled_back 'Unsupported value' Storage
}

test_status_that_is_refused()
{
	refused 'PUT|PATCH' '/v1alpha7/.*/storages/.*/status' 403 \
		'status is guarded' Forbidden
	run_proxied "${upgrade[@]}"
	assert_spoiled
	assert_rolled_back 'status is guarded' Storage
}

test_webhook_that_does_not_answer_the_probe()
{
	spoil '{"method": "POST", "path": "/v1alpha7/.*/workflows\\?.*dryRun",
		"status": 500, "headers": {"Content-Type": "application/json"},
		"body": {"kind": "Status", "status": "Failure", "code": 500,
		"reason": "InternalError", "message": "Internal error occurred: failed calling webhook \"mworkflow.kb.io\": x509: certificate signed by unknown authority"}}'
	run_proxied "${upgrade[@]}"
	assert_spoiled
	assert_rolled_back 'certificate signed by unknown authority'
}

# --- left open --------------------------------------------------------------

# A failure that stays, left where it happened.
stopped()
{
	pods_fare "*/dws:$new" crashloop
	run_dws "${upgrade[@]}" --timeout 120s --no-rollback
	assert_rc 1
	assert_err 'crashes again and again' "'dws-csm resume'" \
		"'dws-csm rollback'"
	run_dws status
	assert_out upgrade
}

test_left_open_it_can_be_resumed()
{
	stopped
	run_dws "${upgrade[@]}"
	assert_rc 11
	assert_err "'dws-csm resume'" "'dws-csm rollback'"
	# Who mends a cause may delete what seemed to be it.
	must kubectl -n dws-system delete deployment/dws-webhook \
		serviceaccount/dws-webhook
	pods_fare
	run_dws resume
	assert_rc 0
	assertEquals 'what is left open' '' "$(nothing_open)"
	custom_resources >"$TEST_DIR/custom.new"
	assertEquals 'custom resources' '' \
		"$(diff "$TEST_DIR/custom.old" "$TEST_DIR/custom.new")"
	run_dws rollback --skip-images
	assert_rc 0
	assert_whole old
}

test_left_open_it_can_be_rolled_back()
{
	stopped
	run_dws rollback
	assert_rc 0
	assert_whole old
}

test_resume_that_fails_rolls_back()
{
	stopped
	run_dws resume
	assert_rolled_back 'crashes again and again'
}

test_going_back_that_fails_is_told_and_can_go_on()
{
	pods_fare 'dws-system/*' crashloop
	run_dws "${upgrade[@]}" --timeout 120s
	assert_rc 8
	assert_err 'crashes again and again' 'rollback failed' \
		"'dws-csm resume'"
	must kubectl -n dws-system delete deployment/dws-webhook
	pods_fare
	run_dws resume
	assert_rc 0
	assert_whole old
}

test_interrupt_stops_at_a_safe_point()
{
	spoil "{$journal_writes, \"nth\": 5, \"kill\": \"after\",
		\"signal\": \"INT\", \"pidfile\": \"$TEST_DIR/pid\"}"
	run_proxied "${upgrade[@]}"
	assert_rc 10
	assert_err "'dws-csm resume'" "'dws-csm rollback'"
	run_dws rollback
	assert_rc 0
	assert_whole old
}

# --- what passes ------------------------------------------------------------

# restarted SECONDS: the API server, killed, so much later.
restarted()
{
	kill -KILL "$(<"$T/run/kube-apiserver.pid")"
	sleep "$1"
	server_stop kube-apiserver
	apiserver_start
	wait_for 'the API server' kube-apiserver kube_get /readyz
}

# while_upgraded CONDITION...: the API server goes away when that holds.
while_upgraded()
{
	run_dws "${upgrade[@]}" --timeout 120s &
	upgrading=$!
	eventually "$*" "$@"
	restarted 3 >"$TEST_DIR/restarted" 2>&1 || fail "$(<"$TEST_DIR/restarted")"
	wait "$upgrading"
	# What it set was set in a process of its own.
	said=$(<"$TEST_DIR/err")
}

gate_is_closed()
{
	kubectl get validatingwebhookconfiguration dws-csm-gate
}

new_is_deployed()
{
	[ "$(kubectl -n dws-system get deployment dws-webhook -o \
		jsonpath='{.spec.template.spec.containers[0].image}')" = \
		"registry.local/dws:$new" ]
}

test_api_server_that_restarts_is_waited_out()
{
	local condition

	for condition in gate_is_closed new_is_deployed; do
		while_upgraded "$condition"
		run_dws history -o json
		assertEquals "$condition ($said)" "$new deployed" \
			"$(jq -r '.[-1] | .version + " " + .status' \
			"$TEST_DIR/out")"
		assertEquals "$condition: what is left open" '' \
			"$(nothing_open)"
		assertEquals 'custom resources' '' "$(custom_resources |
			diff "$TEST_DIR/custom.old" -)"
		run_dws rollback --skip-images
		assert_rc 0
		assert_whole old
	done
}

# Every tenth answer is an error, or is lost.
test_faults_that_pass_are_borne()
{
	spoil '{"path": "^(?!.*watch)", "every": 10, "status": 503},
		{"path": "^(?!.*watch)", "every": 23, "reset_response": 0}'
	run_proxied "${upgrade[@]}"
	assert_rc 0
	assertEquals 'what is left open' '' "$(nothing_open)"
	spoil '{"path": "^(?!.*watch)", "every": 10, "reset_response": 0},
		{"path": "^(?!.*watch)", "every": 23, "status": 500,
		 "forward": true}'
	run_proxied rollback --skip-images
	assert_rc 0
	assert_whole old
}

# shellcheck disable=SC1091 # Debian's
. shunit2
