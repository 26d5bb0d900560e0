#!/bin/bash
# Pushing through a proxy that spoils chosen requests: what may pass is tried
# again, what may not is told, and no tag is written before all is there.
# servers: none

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/images.sh
. "$(dirname "${BASH_SOURCE[0]}")/images.sh"

oneTimeSetUp()
{
	if ! registry_up || ! proxy_up; then
		fail 'the servers do not start'
	fi
	to=$proxy
}

oneTimeTearDown()
{
	registry_down fault origin tokens source token images
}

setUp()
{
	new_prefix
}

# assert_pushed RULES: the push succeeds all the same, each rule having been
# used, and what the registry has is right.
assert_pushed()
{
	fault_rules fault "$1"
	push --from "oci:$layout" dws
	assert_rc 0
	assertNotEquals 'requests that met the rule' 0 \
		"$(fault_count fault '.rules | length > 0')"
	assert_same_image "$layout"
}

test_waits_as_long_as_the_registry_asks()
{
	local start=$EPOCHSECONDS

	assert_pushed '[{"method": "POST", "times": 1, "status": 429,
		"headers": {"Retry-After": "2"}}]'
	assertTrue 'waited' $((EPOCHSECONDS - start >= 2 ? 0 : 1))
}

test_tries_again_after_errors_of_the_server()
{
	assert_pushed '[
		{"method": "HEAD", "path": "/blobs/", "nth": 1, "status": 500},
		{"method": "POST", "nth": 1, "status": 503},
		{"method": "PUT", "path": "/blobs/", "nth": 2, "status": 502,
			"body": "<html><title>Bad Gateway</title></html>"},
		{"method": "PUT", "path": "/manifests/", "nth": 1,
			"status": 504}]'
}

test_begins_a_blob_anew_when_the_connection_breaks()
{
	fault_rules fault '[{"method": "PUT", "path": "/blobs/", "times": 1,
		"reset_request": 100000}]'
	push -v --from "oci:$layout" dws
	assert_rc 0
	assert_err "registry '$proxy': the connection" 'trying again in'
	assertNotContains 'named twice' "$err" \
		"registry '$proxy': registry '$proxy'"
	assert_same_image "$layout"
}

test_sends_a_blob_once_when_only_the_answer_is_lost()
{
	assert_pushed '[{"method": "PUT", "path": "/blobs/", "nth": 1,
		"lose_answer": true}]'
	assertEquals 'sent' 3 "$(fault_count fault \
		'.method == "PUT" and (.path | test("/blobs/"))')"
}

# The token server's tokens live; the registry behind the proxy says no once.
test_renews_its_token_in_mid_upload()
{
	server_alive source || must server_start source
	server_alive tokens || must fault_proxy tokens registry.local 6514 \
		"https://$SOURCE_REGISTRY"
	must registry_login registry.local:6514
	fault_rules tokens '[{"method": "PUT", "path": "/blobs/", "nth": 1,
		"after": 1000, "status": 401, "headers": {"WWW-Authenticate":
		["Digest realm=\"x\"", "Bearer realm=\"https://source.test:'"$TOKEN_PORT"'/token\", service=\"source.test\""]}}]'
	to=registry.local:6514 push --from "oci:$layout" dws
	assert_rc 0
	assertEquals 'refused' 1 "$(fault_count tokens \
		'.method == "PUT" and .status == 401')"
	assertEquals 'sent' 4 "$(fault_count tokens \
		'.method == "PUT" and .status == 201')"
}

test_understands_every_form_of_location()
{
	local form

	for form in relative absolute http; do
		new_prefix
		assert_pushed '[{"method": "POST", "location": "'$form'"}]'
	done
}

# The password must not follow a Location to another host.
test_keeps_its_password_from_other_hosts()
{
	fault_rules fault '[{"method": "POST", "location": "host:localhost"}]'
	push --from "oci:$layout" dws
	assertEquals 'requests with a password after the POST' 0 \
		"$(fault_count fault '.method == "PUT" and .auth != false')"
	assertNotEquals 'exit code' 0 "$rc"
	assert_no_tag
}

test_sends_a_blob_that_may_not_be_mounted()
{
	fault_rules fault '[{"method": "POST", "path": "mount=",
		"status": 405, "body": "no"}]'
	push --from "oci:$layout"
	assert_rc 0
	assertEquals 'sent' 6 "$(fault_count fault \
		'.method == "PUT" and (.path | test("/blobs/"))')"
	assert_same_image "$layout"
}

test_pushes_blobs_again_that_the_registry_has_lost()
{
	push --from "oci:$layout" dws
	images_skopeo delete "docker://$registry/$prefix/$dws"
	fault_rules fault '[{"method": "PUT", "path": "/manifests/",
		"times": 1, "status": 400, "headers":
		{"Content-Type": "application/json"}, "body":
		"{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\"}]}"}]'
	push --from "oci:$layout" dws
	assert_rc 0
	assertEquals 'sent although there' 3 "$(fault_count fault \
		'.method == "PUT" and (.path | test("/blobs/"))')"
	assert_same_image "$layout"
}

test_lives_without_the_digest_header()
{
	assert_pushed '[{"strip": ["Docker-Content-Digest"]}]'
	push --from "oci:$layout" dws -o json
	assert_rc 0
	assert_json '.[0].present' true
}

# --- what is told -----------------------------------------------------------

# assert_told RULES TEXT...: the push fails with these texts; no tag.
assert_told()
{
	fault_rules fault "$1"
	push --from "oci:$layout" dws
	assert_rc 4
	shift
	assert_err "registry '$proxy'" "$@"
	assert_no_tag
}

test_does_not_repeat_what_nexus_calls_read_only()
{
	assert_told '[{"method": "POST", "status": 400, "body":
		"{\"errors\":[{\"code\":\"BLOB_UPLOAD_INVALID\",\"detail\":\"Repository is read only: docker\"}]}"}]' \
		BLOB_UPLOAD_INVALID 'Repository is read only' "'$prefix/dws'"
	assertTrue 'tried once a thread' \
		$(($(fault_count fault '.method == "POST"') <= 4 ? 0 : 1))
}

test_tells_a_proxy_repository()
{
	assert_told '[{"method": "POST", "status": 404, "body": ""}]' \
		404 'proxy repository' "'$prefix/dws'"
}

test_tells_a_page_by_its_title()
{
	assert_told '[{"method": "PUT", "path": "/blobs/", "status": 413,
		"body": "<html><head><title>Request Entity Too Large</title>"}]' \
		'413: Request Entity Too Large' 'limits the size'
}

test_gives_up_after_some_tries()
{
	fault_rules fault '[{"path": "^/v2/$", "status": 503}]'
	push --from "oci:$layout" dws
	assert_rc 4
	assert_err "registry '$proxy'" 503
	assertEquals 'tries' 3 "$(fault_count fault .)"
}

# --- a source that fails ----------------------------------------------------

given_spoilt_source()
{
	server_alive origin || must fault_proxy origin source.test 6513 \
		"https://$registry"
	registry_login source.test:6513
	to='' push --from "oci:$layout" dws
	assert_rc 0
	from=dws=docker://source.test:6513/$prefix/$dws
	new_prefix
	fault_rules fault '[]'
	rules=$1
	fault_rules origin "$rules"
}

test_reads_a_blob_again_that_breaks_off()
{
	given_spoilt_source '[{"method": "GET", "path": "/blobs/", "times": 1,
		"cut": 1000}]'
	push --from "$from" dws
	assert_rc 0
	assert_same_image "$layout"
}

test_finds_a_blob_that_changed_on_its_way()
{
	given_spoilt_source '[{"method": "GET", "path": "/blobs/",
		"corrupt": 77}]'
	push --from "$from" dws
	assert_rc 9
	assert_err corrupt sha256: source.test:6513
	assert_no_tag
}

# A registry that lets anybody in may show more to one it knows.
test_sends_its_password_to_an_open_source()
{
	given_spoilt_source '[{"method": "GET", "path": "^/v2/$",
		"times": 1, "status": 200}]'
	push --from "$from" dws
	assert_rc 0
	assertEquals 'manifests asked for as a stranger' 0 \
		"$(fault_count origin '.auth == false and
			(.path | test("/manifests/"))')"
}

test_follows_no_redirect_out_of_tls()
{
	given_spoilt_source '[{"method": "GET", "path": "/blobs/",
		"status": 307, "headers":
			{"Location": "http://source.test:6513/v2/"}}]'
	push --from "$from" dws
	assert_rc 4
	assert_err source.test:6513 'without TLS'
	assert_no_tag
}

# One blob is damaged; those who wait for the others need not.
test_ends_soon_when_a_blob_of_the_source_is_damaged()
{
	local start

	given_spoilt_source '[
		{"method": "GET", "path": "/blobs/", "nth": 1, "corrupt": 7},
		{"method": "GET", "path": "/blobs/", "nth": 2, "status": 503,
			"headers": {"Retry-After": "60"}},
		{"method": "GET", "path": "/blobs/", "nth": 3, "status": 503,
			"headers": {"Retry-After": "60"}}]'
	start=$EPOCHSECONDS
	push --from "$from" dws
	assert_rc 9
	assertTrue 'push took long to end' \
		$((EPOCHSECONDS - start <= 10 ? 0 : 1))
	fault_rules origin "$rules "
	start=$EPOCHSECONDS
	run_dws images pull dws --from "$from" --to "$TEST_DIR/pulled" \
		--authfile "$REGISTRY_AUTHFILE" --registry-ca "$REGISTRY_CA"
	assert_rc 9
	assertTrue 'pull took long to end' \
		$((EPOCHSECONDS - start <= 10 ? 0 : 1))
}

# --- who checks digests -----------------------------------------------------

# given_large: an archive with a layer of 33 MiB in it, `archive`, and with
# another byte in that layer, `altered`.
given_large()
{
	local dir=$TEST_DIR/large

	archive=$TEST_DIR/large.tar
	altered=$TEST_DIR/altered.tar
	[ ! -f "$altered" ] || return 0
	must "$root/tests/bench/image.py" "$dir" "$release" 1 33
	must tar -C "$dir" -cf "$archive" oci-layout index.json blobs
	layer=$(find "$dir/blobs" -size +32M)
	printf X | dd of="$layer" bs=1 seek=30000000 conv=notrunc status=none
	must tar -C "$dir" -cf "$altered" oci-layout index.json blobs
	layer=sha256:${layer##*/}
}

# Its refusal of the proof, and in one case of the layer.
refusals='.method == "PUT" and .status == 400'

test_leaves_hashing_to_a_registry_that_does_it()
{
	given_large
	fault_rules fault '[]'
	push --from "dws=oci-archive:$archive:$release" dws -v
	assert_rc 0
	assert_err 'checks digests: it is left to it'
	assertEquals 'refusals' 1 "$(fault_count fault "$refusals")"
	new_prefix
	push --from "dws=oci-archive:$altered:$release" dws
	assert_rc 9
	assert_err "$layer" corrupt "$altered" 'get it anew'
	assert_no_tag
}

# The answer to the proof only: such a registry would take anything.
test_hashes_where_the_registry_does_not()
{
	given_large
	fault_rules fault '[{"method": "PUT", "path": "/blobs/",
		"names": "digest of this checked", "status": 201}]'
	push --from "dws=oci-archive:$altered:$release" dws -v
	assert_rc 9
	assert_err 'not seen to check digests' "$layer" corrupt "$altered"
	assertEquals 'refusals' 0 "$(fault_count fault "$refusals")"
	assert_no_tag
	push --from "dws=oci-archive:$archive:$release" dws
	assert_rc 0
}

# --- signals ----------------------------------------------------------------

test_ends_soon_when_interrupted()
{
	local process start

	fault_rules fault '[{"method": "PUT", "path": "/blobs/",
		"rate": 20000}]'
	"$DWS_CSM" images push dws --registry "$proxy/$prefix" \
		--authfile "$REGISTRY_AUTHFILE" --registry-ca "$REGISTRY_CA" \
		--from "oci:$layout" >"$TEST_DIR/out" 2>"$TEST_DIR/err" &
	process=$!
	sleep 2
	start=$EPOCHSECONDS
	kill -TERM "$process"
	wait "$process"
	rc=$?
	assertEquals "exit code ($(<"$TEST_DIR/err"))" 10 "$rc"
	assertTrue 'took long to end' $((EPOCHSECONDS - start <= 3 ? 0 : 1))
	assert_no_tag
}

# shellcheck source=/dev/null
. shunit2
