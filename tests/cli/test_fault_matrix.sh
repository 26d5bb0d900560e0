#!/bin/bash
# The fault matrix: `images push` through a proxy that makes one fault after
# another before a real registry. Each is survived, and then the registry has
# the image byte for byte; or the push ends with a message that names the fault
# and the remedy, and no tag is written. None hangs.
# servers: none
#
# FAULT_TABLE=FILE  writes the table there (docs/faults.md)
# FAULT_FULL=1      also what takes a minute and more: 90 s, not 2, for a slow
#                   commit, and an answer that does not come

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/images.sh
. "$(dirname "${BASH_SOURCE[0]}")/images.sh"

: "${FAULT_TABLE:=}" "${FAULT_FULL:=}"
open=registry.local:6512 tokens=registry.local:6513
row_limit_s=40
patch='"method": "PATCH", "path": "/blobs/"'
put='"method": "PUT", "path": "/blobs/"'
post='"method": "POST", "path": "/blobs/uploads/"'
head='"method": "HEAD", "path": "/blobs/"'
tag='"method": "PUT", "path": "/manifests/"'

oneTimeSetUp()
{
	if ! registry_up || ! proxy_up; then
		fail 'the servers do not start'
	fi
	rm -rf "$layout"
	must "$root/tests/cli/layout.py" "$layout" \
		"registry.local/$dws=base:6000000,dws:200000,small:10" \
		registry.local/kube-rbac-proxy:v0.14.1=base:6000000,p:10
	to=$proxy table=$TEST_DIR/table
	: >"$table"
	[ -z "$FAULT_FULL" ] || row_limit_s=400
}

oneTimeTearDown()
{
	[ -s "${table:-}" ] || return 0
	tell_table
	[ -z "$FAULT_TABLE" ] || tell_page >"$FAULT_TABLE"
	registry_down fault open tokens source token images
	: >"$table"
}

# --- the table --------------------------------------------------------------

tell_table()
{
	printf '%-58s %-60s %7s %7s\n' FAULT OUTCOME RETRIES SECONDS
	while IFS=$'\t' read -r name outcome retries seconds; do
		printf '%-58s %-60s %7s %7s\n' "$name" "$outcome" "$retries" \
			"$seconds"
	done <"$table"
}

tell_page()
{
	cat <<-END
	# What a push survives

	Each line is a fault that a proxy makes before a real registry
	(distribution 2.8) while \`dws-csm images push\` sends an image of four
	blobs, one of them of 6 MB. *Survived*: the registry has the image
	byte for byte. *Ended*: the message, shortened; no tag was written.
	Retries are those of all requests together; the pauses between them
	grow from half a second on, or are as long as the registry asks.

	The table is what \`tests/cli/test_fault_matrix.sh\` prints
	(\`FAULT_FULL=1 FAULT_TABLE=docs/faults.md\`).

	| Fault | Outcome | Retries | Seconds |
	|---|---|---|---|
	END
	while IFS=$'\t' read -r name outcome retries seconds; do
		printf '| %s | %s | %s | %s |\n' "$name" "${outcome//|/\\|}" \
			"$retries" "$seconds"
	done <"$table"
}

# note NAME OUTCOME
note()
{
	printf '%s\t%s\t%s\t%d.%d\n' "$1" "$2" \
		"$(grep -c 'trying again in' <<<"$err")" \
		$((took_ms / 1000)) $((took_ms % 1000 / 100)) >>"$table"
}

# row RULES [IMAGE...]: one push, to repositories of its own, within its time.
row()
{
	local rules=$1 start

	shift
	new_prefix
	[ -z "${before:-}" ] || {
		fault_rules fault '[]'
		push --from "oci:$layout" dws
		assert_rc 0
		"$before"
	}
	fault_rules "${server:-fault}" "$rules"
	start=$(now_ms)
	command_line="images push: $name"
	timeout --kill-after=5 "$row_limit_s" "$DWS_CSM" images push -v \
		--progress none --registry "$to/$prefix" \
		--authfile "$REGISTRY_AUTHFILE" --registry-ca "$REGISTRY_CA" \
		--from "oci:$layout" "${@:-dws}" \
		>"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null
	rc=$?
	took_ms=$(($(now_ms) - start))
	err=$(<"$TEST_DIR/err")
	assertNotEquals "$name hangs" 124 "$rc"
	# What is still under way is not in the log.
	[ -n "${unlogged:-}" ] || assertNotEquals \
		"requests that met the rule of '$name'" 0 \
		"$(fault_count "${server:-fault}" '.rules | length > 0')"
}

# survives NAME RULES [IMAGE...]
survives()
{
	local name=$1

	row "${@:2}"
	assert_rc 0
	# Where it came to lie is seen from the registry itself.
	[ "$rc" != 0 ] || assert_same_image "$layout"
	note "$name" "$([ "$rc" = 0 ] && echo survived || echo "FAILED: $rc")"
}

# ends NAME CODE RULES TEXT...: and the message has all of these.
ends()
{
	local name=$1 code=$2 told

	row "$3"
	assert_rc "$code"
	assert_err "${@:4}"
	assert_no_tag
	told=$(tail -n 1 <<<"$err")
	told=${told#dws-csm: }
	told=${told//$proxy/HOST}
	told=${told//$prefix/PREFIX}
	told=${told//$REGISTRY_AUTHFILE/AUTHFILE}
	told=${told//$layout/LAYOUT}
	note "$name" "ended: $(sed -E \
		's/sha256:[0-9a-f]{64}/sha256:.../g' <<<"$told")"
}

error_body()
{
	jq -cn --arg code "$1" --arg message "$2" \
		'{errors: [{code: $code, message: $message}]} | tojson'
}

# --- connections ------------------------------------------------------------

test_connections_that_break()
{
	survives 'reset in POST' "[{$post, \"nth\": 1, \"reset_request\": 0}]"
	survives 'reset in PATCH after 1 MB' \
		"[{$patch, \"nth\": 1, \"reset_request\": 1000000}]"
	survives 'reset in PUT' \
		"[{$put, \"nth\": 1, \"reset_request\": 0}]"
	survives 'reset in PUT of a manifest' \
		"[{$tag, \"nth\": 1, \"reset_request\": 0}]"
	survives 'connection closed in the middle of a PATCH' \
		"[{$patch, \"nth\": 1, \"cut_request\": 3000000}]"
	survives 'answer to POST lost' \
		"[{$post, \"nth\": 1, \"lose_answer\": true}]"
	survives 'answer to PATCH lost' \
		"[{$patch, \"nth\": 1, \"lose_answer\": true}]"
	survives 'answer to PUT lost' \
		"[{$put, \"nth\": 1, \"lose_answer\": true}]"
	survives 'answer to PUT of a manifest lost' \
		"[{$tag, \"nth\": 1, \"lose_answer\": true}]"
	survives 'answer shorter than it says' "[{$put, \"nth\": 1,
		\"set\": {\"Content-Length\": \"100\"}, \"cut\": 0}]"
	survives 'each fifth request of all reset' \
		'[{"every": 5, "reset_request": 0}]'
}

# --- status -----------------------------------------------------------------

test_errors_that_pass()
{
	local date

	survives '500, 502, 503 and 504 in one push' "[
		{$head, \"nth\": 1, \"status\": 500},
		{$post, \"nth\": 1, \"status\": 503},
		{$patch, \"nth\": 1, \"status\": 502},
		{$put, \"nth\": 1, \"status\": 504},
		{$tag, \"nth\": 1, \"status\": 500}]"
	survives 'two 503 to PATCH, one after the other' \
		"[{$patch, \"times\": 2, \"after\": 100000, \"status\": 503}]"
	survives '502 with an HTML page' "[{$put, \"nth\": 1, \"status\": 502,
		\"headers\": {\"Content-Type\": \"text/html\"},
		\"body\": \"<html><title>Bad Gateway</title>\"}]"
	survives '429 with Retry-After: 1' "[{$post, \"times\": 2,
		\"status\": 429, \"headers\": {\"Retry-After\": \"1\"}}]"
	date=$(TZ=GMT LC_ALL=C date -d '+2 seconds' '+%a, %d %b %Y %H:%M:%S GMT')
	survives '429 with Retry-After: a date' "[{$patch, \"nth\": 1,
		\"status\": 429, \"headers\": {\"Retry-After\": \"$date\"}}]"
	survives '416 to PATCH' "[{$patch, \"nth\": 1, \"status\": 416}]"
	survives 'upload forgotten (404 to PATCH)' "[{$patch, \"nth\": 1,
		\"status\": 404, \"body\": $(error_body BLOB_UPLOAD_UNKNOWN '')}]"
	survives 'upload forgotten (404 to PUT)' "[{$put, \"nth\": 1,
		\"status\": 404, \"body\": $(error_body BLOB_UPLOAD_UNKNOWN '')}]"
	survives '413 to a PATCH of more than 2 MiB' "[{$patch, \"nth\": 1,
		\"after\": 2097152, \"status\": 413}]"
	survives 'PATCH not allowed (405)' "[{$patch, \"status\": 405}]"
}

test_errors_that_stay()
{
	local full='write /var/lib/registry: no space left on device'
	local quota='quota of project x exceeded'

	ends '413 to each request' 4 "[{\"method\": \"PATCH|PUT\",
		\"path\": \"/blobs/\", \"after\": 0, \"status\": 413,
		\"body\": \"<html><title>413 Request Entity Too Large</title>\"}]" \
		'413' 'client_max_body_size'
	ends 'storage full (507)' 4 "[{$patch, \"after\": 0, \"status\": 507}]" \
		507 'its storage is full'
	ends 'storage full (500, no space left)' 4 "[{\"method\": \"PATCH|PUT\",
		\"status\": 500, \"body\": $(error_body UNKNOWN "$full")}]" \
		'no space left' 'its storage is full: make room'
	ends 'quota (403, DENIED)' 4 "[{$put, \"status\": 403,
		\"body\": $(error_body DENIED "$quota")}]" \
		'DENIED' 'quota is used up: raise it'
	ends 'no right to push (403)' 4 "[{$post, \"status\": 403,
		\"body\": $(error_body DENIED 'requested access is denied')}]" \
		'DENIED' 'the user lacks the right'
	ends 'read-only (400, as Nexus says it)' 4 "[{$post, \"status\": 400,
		\"body\": $(error_body BLOB_UPLOAD_INVALID \
		'Repository is read only: docker')}]" \
		'read only' 'make it writable'
	ends 'read-only (405)' 4 "[{$post, \"status\": 405}]" \
		405 'read-only: make it writable'
	ends 'no redeploy (400, as Nexus says it)' 4 "[{$tag, \"status\": 400,
		\"body\": $(error_body MANIFEST_INVALID \
		'Repository does not allow updating assets: docker')}]" \
		'does not allow updating' 'Allow redeploy'
	ends 'proxy repository (404)' 4 "[{$post, \"status\": 404}]" \
		404 'a proxy repository, which takes no images'
	ends 'HTML page instead of a registry (403)' 4 "[{\"path\": \"^/v2/$\",
		\"status\": 403, \"body\":
		\"<html><title>Blocked by policy</title>\"}]" \
		'403: Blocked by policy' NO_PROXY
	ends '503 for ever' 4 '[{"path": "^/v2/$", "status": 503}]' \
		503 "look into the registry's log"
}

# --- uploads ----------------------------------------------------------------

test_where_uploads_go()
{
	survives 'Location relative' "[{$post, \"location\": \"relative\"},
		{$patch, \"location\": \"relative\"}]"
	survives 'Location absolute' "[{$post, \"location\": \"absolute\"},
		{$patch, \"location\": \"absolute\"}]"
	survives 'Location downgraded to http' "[{$post,
		\"location\": \"http\"}, {$patch, \"location\": \"http\"}]"
	survives 'Location without a query' "[{$post, \"location\": \"bare\"},
		{$patch, \"location\": \"bare\"}]"
	server_alive open || must server_start registry open registry.local \
		6512 none storage=images
	survives 'Location at another host, which wants no password' \
		"[{$post, \"location\": \"host:$open\"}]"
	ends 'Location at another host, which wants one' 4 \
		"[{$post, \"location\": \"host:localhost:6511\"}]" \
		localhost:6511 'another host'
	ends 'Location without TLS at another host' 4 "[{$post,
		\"status\": 202, \"headers\":
		{\"Location\": \"http://elsewhere.test/v2/up\"}}]" \
		elsewhere.test 'without TLS'
	ends 'no Location' 4 "[{$post, \"strip\": [\"Location\"]}]" \
		'no Location' 'proxy before it'
	ends '307 to POST' 4 "[{$post, \"status\": 307, \"headers\":
		{\"Location\": \"https://elsewhere.test/\"}}]" \
		307 'by its own address'
	ends '307 to PUT' 4 "[{$put, \"status\": 307, \"headers\":
		{\"Location\": \"https://elsewhere.test/\"}}]" \
		307 'by its own address'
}

test_mounts()
{
	local mount='"method": "POST", "path": "mount="' status

	survives 'mount answered 202' "[{$mount, \"drop_query\": true}]" \
		dws kube-rbac-proxy
	for status in 401 403 404; do
		survives "mount answered $status" \
			"[{$mount, \"status\": $status}]" dws kube-rbac-proxy
	done
}

# --- what the registry says of itself ---------------------------------------

forget_image()
{
	must images_skopeo delete "docker://$registry/$prefix/$dws"
}

test_what_is_not_so()
{
	before=forget_image survives \
		'blob is there, but the manifest is told that it is not' \
		"[{$tag, \"times\": 1, \"status\": 404, \"body\":
		$(error_body MANIFEST_BLOB_UNKNOWN 'blob unknown to registry')}]"
	before=forget_image survives 'HEAD without a length' \
		'[{"method": "HEAD", "strip": ["Content-Length"]}]'
	before=: survives 'HEAD of an image without a length or digest' \
		'[{"method": "HEAD", "strip":
		["Content-Length", "Docker-Content-Digest"]}]'
	survives 'no Docker-Content-Digest at all' \
		'[{"strip": ["Docker-Content-Digest"]}]'
	ends 'wrong Docker-Content-Digest of a blob' 9 "[{$put, \"set\":
		{\"Docker-Content-Digest\": \"sha256:$(printf %064d 1)\"}}]" \
		'has stored blob' "sha256:$(printf %064d 1)" 'changes content'
	ends 'content damaged on its way (400 DIGEST_INVALID)' 4 \
		"[{$put, \"status\": 400, \"body\":
		$(error_body DIGEST_INVALID 'provided digest did not match')}]" \
		DIGEST_INVALID 'run this again'
}

test_tokens()
{
	local realm="source.test:$TOKEN_PORT/token" bearer

	server_alive source || must server_start source
	server_alive tokens || must fault_proxy tokens "${tokens%:*}" \
		"${tokens#*:}" "https://$SOURCE_REGISTRY"
	must registry_login "$tokens"
	bearer="\"headers\": {\"WWW-Authenticate\":
		\"Bearer realm=\\\"https://$realm\\\",service=\\\"source.test\\\"\"}"
	to=$tokens server=tokens registry=$SOURCE_REGISTRY survives \
		'token expires in mid-upload (401 to PATCH)' \
		"[{$patch, \"nth\": 1, \"after\": 1000000, \"status\": 401,
		$bearer}]"
	to=$tokens server=tokens registry=$SOURCE_REGISTRY survives \
		'token expires before the commit (401 to PUT)' \
		"[{$put, \"times\": 2, \"status\": 401, $bearer}]"
	bearer=${bearer/https:/null:}
	to=$tokens server=tokens registry=$SOURCE_REGISTRY survives \
		'realm null://' "[{\"path\": \"^/v2/\", \"times\": 1,
		\"status\": 401, $bearer}]"
	ends 'password refused' 4 '[{"status": 401, "headers":
		{"WWW-Authenticate": "Basic realm=\"x\""}}]' \
		'refused the user name or password' "$REGISTRY_AUTHFILE"
}

# --- time -------------------------------------------------------------------

test_slowness()
{
	local slow=2

	[ -z "$FAULT_FULL" ] || slow=90
	survives "commit takes $slow s" "[{$put, \"delay_response\": $slow}]"
	survives 'registry reads 3 MB/s' "[{$patch, \"rate\": 3000000}]"
	[ -n "$FAULT_FULL" ] || return 0
	unlogged=1 survives 'no answer to HEAD for 75 s' \
		"[{$head, \"nth\": 1, \"delay\": 75}]"
	unlogged=1 survives 'no answer to POST for 75 s' \
		"[{$post, \"nth\": 1, \"delay\": 75}]"
}

# shellcheck source=/dev/null
. shunit2
