#!/bin/bash
# Large blobs: an upload that was cut off, or whose sender was killed, goes on
# where the registry stands.
#
# RESUME_MIB, RESUME_KILLS   size of the image that is pushed, and how often
#                            its push is killed (256, 12; full: 2048, 50)
# RESUME_REPORT              file for a line that tells what was sent
# servers: none

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/images.sh
. "$(dirname "${BASH_SOURCE[0]}")/images.sh"

: "${RESUME_MIB:=256}" "${RESUME_KILLS:=12}"
layers=4
keeper=registry.local:6512

oneTimeSetUp()
{
	if ! registry_up || ! proxy_up || ! keeper_up; then
		fail 'the servers do not start'
	fi
	export DWS_CSM_STATE_DIR=$TEST_DIR/state
	uploads=$DWS_CSM_STATE_DIR/uploads
	large=$TEST_DIR/large
	must "$root/tests/bench/image.py" "$large" "$release" $layers \
		$((RESUME_MIB / layers))
	small=$TEST_DIR/small
	must "$root/tests/bench/image.py" "$small" "$release" 1 40
}

oneTimeTearDown()
{
	registry_down keeper fault images
}

# The proxy that does what docker-registry cannot: it forgets an upload whose
# PATCH was cut.
keeper_up()
{
	FAULT_KEEPER=1 server_start fault keeper registry.local 6512 \
		"https://$registry" &&
		registry_login "$keeper" && fault_rules keeper '[]'
}

setUp()
{
	new_prefix
	fault_rules fault '[]'
	fault_rules keeper '[]'
}

# sum PROXY FILTER: bytes of the bodies of requests.
sum()
{
	jq -n "[inputs | select($2) | .up] | add // 0" "$T/log/$1.jsonl"
}

blob_bytes='(.method == "PATCH" or .method == "PUT") and
	(.path | test("/blobs/"))'

# size LAYOUT: of all its blobs.
size()
{
	cat "$1"/blobs/sha256/* | wc -c
}

assert_below()
{
	assertTrue "$1: $2, not below $3" $(($2 < $3 ? 0 : 1))
}

assert_nothing_remembered()
{
	assertEquals 'uploads remembered' '' "$(ls "$uploads" 2>&1)"
}

# killed_pushes TO KILLS: pushes that end by SIGKILL, the count of these in
# `killed`.
killed_pushes()
{
	local n process

	killed=0
	for ((n = 0; n < $2; n++)); do
		"$DWS_CSM" images push dws --registry "$1/$prefix" -q \
			--authfile "$REGISTRY_AUTHFILE" \
			--registry-ca "$REGISTRY_CA" --from "dws=oci:$large" \
			>"$TEST_DIR/killed" 2>&1 &
		process=$!
		sleep "0.$((RANDOM % 5 + 1))$((RANDOM % 10))"
		kill -KILL "$process" 2>"$TEST_DIR/kill"
		wait "$process" 2>"$TEST_DIR/kill"
		[ $? -ne 137 ] || killed=$((killed + 1))
	done
}

# A rate at which that many kills come before the end.
rate()
{
	echo $((RESUME_MIB * 1048576 * 3 / layers / RESUME_KILLS))
}

test_goes_on_however_often_it_is_killed()
{
	local all sent

	all=$(size "$large")
	fault_rules keeper '[{"method": "PATCH", "rate": '"$(rate)"'}]'
	killed_pushes "$keeper" "$RESUME_KILLS"
	assertEquals 'killed' "$RESUME_KILLS" "$killed"
	assertNotEquals 'remembered' '' "$(ls "$uploads")"
	printf '[]\n' >"$T/fault/keeper.json"
	to=$keeper push --from "dws=oci:$large" dws
	assert_rc 0
	assert_same_image "$large"
	assert_nothing_remembered
	sent=$(sum keeper "$blob_bytes")
	assert_below 'bytes sent' "$sent" $((all * 3 / 2))
	# All but the manifest.
	assertTrue "bytes sent: $sent of $all" \
		$((sent >= all - 10000 ? 0 : 1))
	assertNotEquals 'uploads gone on with' 0 "$(fault_count keeper \
		'.method == "GET" and .status == 204')"
	echo "$killed kills: $sent bytes sent for $all" \
		>"${RESUME_REPORT:-$TEST_DIR/report}"
}

# Debian's registry drops an upload that was cut; then it begins anew.
test_is_right_where_the_registry_forgets()
{
	killed_pushes "$registry" 4
	push --from "dws=oci:$large" dws
	assert_rc 0
	assert_same_image "$large"
	assert_nothing_remembered
}

test_sends_only_the_rest_after_a_fault()
{
	fault_rules keeper '[{"method": "PATCH", "nth": 1,
			"reset_request": 9000000},
		{"method": "PATCH", "nth": 2, "reset_request": 9000000},
		{"method": "PUT", "path": "/blobs/.*digest=", "times": 1,
			"status": 502, "after": 0}]'
	to=$keeper push -v --from "dws=oci:$small" dws
	assert_rc 0
	assert_err 'trying again in' "registry '$keeper' has 9000000 of"
	assert_same_image "$small"
	assert_below 'bytes sent' "$(sum keeper "$blob_bytes")" \
		$(($(size "$small") + 100000))
}

test_begins_anew_where_the_registry_has_forgotten()
{
	fault_rules fault '[{"method": "PATCH", "nth": 1,
		"reset_request": 9000000}]'
	to=$proxy push -v --from "dws=oci:$small" dws
	assert_rc 0
	assert_same_image "$small"
	# One of them is a proof that the registry checks digests.
	assertEquals 'begun' 4 "$(fault_count fault '.method == "POST"')"
}

test_sends_less_at_once_where_a_request_is_too_large()
{
	fault_rules fault '[{"method": "PATCH", "times": 2, "status": 413,
		"after": 0}]'
	to=$proxy push -v --from "dws=oci:$small" dws
	assert_rc 0
	assert_err 'takes no request that large'
	assert_same_image "$small"
	assertEquals 'parts' 11 "$(fault_count fault \
		'.method == "PATCH" and .status == 202')"
}

test_tells_the_limit_that_is_too_small()
{
	fault_rules fault '[{"method": "P.*", "path": "/blobs/uploads/.+",
		"status": 413, "after": 0}]'
	to=$proxy push --from "dws=oci:$small" dws
	assert_rc 4
	assert_err 413 'limits the size of a request' client_max_body_size
	assert_no_tag
}

test_puts_the_whole_where_no_patch_is_taken()
{
	fault_rules fault '[{"method": "PATCH", "status": 405, "after": 0}]'
	to=$proxy push --from "dws=oci:$small" dws
	assert_rc 0
	assert_same_image "$small"
	assertEquals 'uploads by PATCH' 1 \
		"$(fault_count fault '.method == "PATCH"')"
}

# interrupted_push [RULE...]: a push to the keeper with a signal in its middle.
interrupted_push()
{
	local process

	fault_rules keeper '[{"method": "PATCH", "rate": 10000000}'"${1:+, $1}"']'
	"$DWS_CSM" images push dws --registry "$keeper/$prefix" -q \
		--authfile "$REGISTRY_AUTHFILE" \
		--registry-ca "$REGISTRY_CA" --from "dws=oci:$small" \
		>"$TEST_DIR/killed" 2>&1 &
	process=$!
	sleep 2
	kill -TERM "$process"
	wait "$process"
	rc=$?
	assertEquals "exit code ($(<"$TEST_DIR/killed"))" 10 "$rc"
}

test_keeps_an_upload_that_was_interrupted()
{
	interrupted_push
	# The proof is, which was refused.
	assertEquals 'taken back' 1 "$(fault_count keeper '.method == "DELETE"')"
	printf '[]\n' >"$T/fault/keeper.json"
	to=$keeper push --from "dws=oci:$small" dws
	assert_rc 0
	assert_same_image "$small"
	assert_below 'bytes sent' "$(sum keeper "$blob_bytes")" \
		$(($(size "$small") * 5 / 4))
	assert_nothing_remembered
}

# The next run does not know that requests are limited, and loses nothing by it.
test_goes_on_where_requests_are_limited()
{
	local limit='{"method": "PATCH", "nth": 1, "status": 413, "after": 0}'

	interrupted_push "$limit"
	printf '[%s]\n' "$limit" >"$T/fault/keeper.json"
	to=$keeper push -v --from "dws=oci:$small" dws
	assert_rc 0
	assert_err 'takes no request that large'
	assert_same_image "$small"
	assert_below 'bytes sent' "$(sum keeper "$blob_bytes")" \
		$(($(size "$small") * 5 / 4))
	assert_nothing_remembered
}

# One goes on with what was begun, the other begins its own.
test_two_at_once_do_not_disturb_each_other()
{
	local one other

	"$DWS_CSM" images push dws --registry "$keeper/$prefix" -q \
		--authfile "$REGISTRY_AUTHFILE" --registry-ca "$REGISTRY_CA" \
		--from "dws=oci:$small" >"$TEST_DIR/one" 2>&1 &
	one=$!
	"$DWS_CSM" images push dws --registry "$keeper/$prefix" -q \
		--authfile "$REGISTRY_AUTHFILE" --registry-ca "$REGISTRY_CA" \
		--from "dws=oci:$small" >"$TEST_DIR/other" 2>&1 &
	other=$!
	wait "$one"
	one=$?
	wait "$other"
	other=$?
	assertEquals "the one ($(<"$TEST_DIR/one"))" 0 "$one"
	assertEquals "the other ($(<"$TEST_DIR/other"))" 0 "$other"
	assert_same_image "$small"
	assert_nothing_remembered
}

# shellcheck source=/dev/null
. shunit2
