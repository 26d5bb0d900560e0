#!/bin/bash
# doctor registry: a sound registry, and each fault with its remedy.
# servers: none

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/images.sh
. "$(dirname "${BASH_SOURCE[0]}")/images.sh"

oneTimeSetUp()
{
	if ! registry_up || ! proxy_up; then
		fail 'the servers do not start'
	fi
}

oneTimeTearDown()
{
	registry_down short early plain quiet keeping fault source token images
}

setUp()
{
	new_prefix
	fault_rules fault '[]'
}

# doctor [ARG...]: asks the proxy, or the registry in $to.
doctor()
{
	run_dws doctor registry --registry "${to:-$proxy}/$prefix" \
		--authfile "$REGISTRY_AUTHFILE" \
		--registry-ca "${ca:-$REGISTRY_CA}" -o json "$@"
}

# finding CHECK: "STATUS SEEN; REMEDY"
finding()
{
	jq -r --arg check "$1" '.[] | select(.check == $check) |
		"\(.status) \(.seen)\(if .remedy then "; " + .remedy
			else "" end)"' "$TEST_DIR/out"
}

# assert_finding CHECK STATUS [TEXT...]
assert_finding()
{
	local text found

	found=$(finding "$1")
	assertEquals "status of $1 ($found)" "$2" "${found%% *}"
	for text in "${@:3}"; do
		assertContains "finding $1" "$found" "$text"
	done
}

# assert_faults CODE CHECK...: these are the faults, and no others.
assert_faults()
{
	assert_rc "$1"
	assertEquals 'faults' "${*:2}" "$(jq -r '[.[] |
		select(.status == "fault").check] | join(" ")' "$TEST_DIR/out")"
	assertEquals 'faults without a remedy' '' "$(jq -r '.[] |
		select(.status == "fault" and .remedy == null).check' \
		"$TEST_DIR/out")"
}

# What the registry's storage holds of this test.
stored()
{
	find "$T/registry/images/docker/registry/v2" -type f \
		-path "*/repositories/$prefix/*" -name link
}

# --- a sound registry -------------------------------------------------------

test_a_sound_registry_has_no_fault_and_is_left_clean()
{
	to=$registry doctor
	assert_faults 0
	assertEquals 'checks' 19 "$(jq length "$TEST_DIR/out")"
	assertEquals 'checks left out' '' \
		"$(jq -r '.[] | select(.status == "skipped").check' \
			"$TEST_DIR/out")"
	assert_finding certificate ok "$REGISTRY_CA"
	assert_finding api ok Basic
	assert_finding credentials ok "user 'admin'" "$REGISTRY_AUTHFILE"
	assert_finding mount ok 'taken over'
	assert_finding replace ok
	assert_finding 'left behind' ok nothing
	# distribution keeps a file for each revision that was deleted.
	assertEquals 'blobs and tags left' '' "$(stored |
		grep -E '/_layers/|/tags/.*/current/')"
	assertNotContains 'password' "$out$err" "$REGISTRY_PASSWORD"
}

test_without_write_nothing_is_written()
{
	doctor --no-write
	assert_faults 0
	assert_finding credentials ok
	assert_finding write skipped 'not wanted'
	assert_finding 'left behind' skipped
	assertEquals 'requests that write' 0 "$(fault_count fault \
		'.method | test("POST|PUT|PATCH|DELETE")')"
}

test_the_table_has_a_line_for_each_check_and_remedy()
{
	fault_rules fault '[{"method": "POST", "status": 404}]'
	run_dws doctor registry --registry "$proxy/$prefix" \
		--authfile "$REGISTRY_AUTHFILE" --registry-ca "$REGISTRY_CA"
	assert_rc 4
	assert_out 'CHECK' 'left behind' 'remedy:' 'proxy repository'
	assert_err "'$proxy/$prefix' has 1 fault"
}

test_tokens_and_their_server_are_told()
{
	server_alive source || must server_start source
	to=$SOURCE_REGISTRY doctor
	assert_faults 0
	assert_finding api ok "https://source.test:$TOKEN_PORT/token"
	assert_finding 'left behind' ok
}

# --- name, connection, TLS --------------------------------------------------

test_a_name_without_address()
{
	to=nowhere.test doctor
	assert_faults 4 address
	assert_finding address fault nowhere.test /etc/hosts
	assert_finding api skipped
	assert_finding write skipped
}

test_a_port_where_nobody_listens()
{
	to=registry.local:6599 doctor
	assert_faults 4 connection
	assert_finding connection fault 'port 6599' 'Connection refused'
}

test_a_server_without_tls()
{
	server_alive plain || must server_run plain python3 -m http.server \
		--bind 127.0.0.1 6520
	eventually 'the plain server' port_open 6520
	to=registry.local:6520 doctor
	assert_faults 4 tls
	assert_finding tls fault 'no TLS' 'https only'
}

test_a_certificate_of_an_unknown_ca()
{
	must make_ca "$TEST_DIR/other" 'another CA'
	ca=$TEST_DIR/other.crt doctor
	assert_faults 4 certificate
	assert_finding certificate fault 'CN=dws-csm test registry CA' \
		"$TEST_DIR/other.crt" --registry-ca
	assert_finding name ok
	assert_finding clock ok
	assert_finding credentials skipped
	assertEquals 'passwords sent' 0 "$(fault_count fault '.auth != false')"
}

test_a_certificate_for_another_name()
{
	to=source.test:6511 doctor
	assert_faults 4 name
	assert_finding name fault registry.local "not for 'source.test'"
}

# proxy_with NAME PORT DAY DAY: a proxy whose certificate is valid between
# these days from now.
proxy_with()
{
	must make_cert "$T/tls/$1" "$T/tls/ca" "/CN=$1" serverAuth \
		DNS:registry.local
	must dated_cert "$1" "$3" "$4"
	must fault_proxy "$1" registry.local "$2" "https://$registry"
	must registry_login "registry.local:$2"
}

# dated_cert NAME DAY DAY: the same certificate with other dates.
dated_cert()
{
	python3 - "$T/tls" "$@" <<-'END'
	import datetime, sys
	from cryptography import x509
	from cryptography.hazmat.primitives import hashes, serialization
	folder, name, start, end = sys.argv[1:]
	read = lambda path: open(f"{folder}/{path}", "rb").read()
	old = x509.load_pem_x509_certificate(read(name + ".crt"))
	key = serialization.load_pem_private_key(read("ca.key"), None)
	now = datetime.datetime.utcnow()
	day = datetime.timedelta(days=1)
	new = x509.CertificateBuilder(old.issuer, old.subject,
	    old.public_key(), 77, now + int(start) * day, now + int(end) * day,
	    list(old.extensions)).sign(key, hashes.SHA256())
	open(f"{folder}/{name}.crt", "wb").write(
	    new.public_bytes(serialization.Encoding.PEM))
	END
}

test_a_certificate_that_ends_soon()
{
	proxy_with short 6521 -5 10
	to=registry.local:6521 doctor
	assert_faults 0
	assert_finding validity warning 'ends in' renewed
}

test_a_certificate_that_is_not_valid_yet()
{
	proxy_with early 6522 2 90
	to=registry.local:6522 doctor
	assert_faults 4 validity
	assert_finding validity fault 'not valid yet' renewed
	# The registry's clock says that it is: ours is behind.
	fault_rules early '[{"set": {"Date":
		"'"$(LC_ALL=C date -u -d '+3 days' '+%a, %d %b %Y %H:%M:%S GMT')"'"}}]'
	to=registry.local:6522 doctor
	assert_faults 4 validity clock
	assert_finding validity fault 'set the clock of this host'
	assert_finding clock fault 'behind the registry'
}

test_clocks_that_differ()
{
	fault_rules fault '[{"set": {"Date":
		"'"$(LC_ALL=C date -u -d '-2 minutes' '+%a, %d %b %Y %H:%M:%S GMT')"'"}}]'
	doctor --no-write
	assert_faults 0
	assert_finding clock warning 'before the registry' chronyc
}

# --- api and credentials ----------------------------------------------------

test_a_server_that_is_no_registry()
{
	fault_rules fault '[{"status": 404,
		"headers": {"Server": "Nexus/3.38.0"}}]'
	doctor
	assert_faults 4 api
	assert_finding api fault Nexus/3.38.0 "'/v2/'" connector
}

test_realms_without_tls()
{
	fault_rules fault '[{"path": "^/v2/$", "times": 1, "status": 401,
		"headers": {"WWW-Authenticate":
			"Bearer realm=\"null://registry.local/token\""}}]'
	doctor --no-write
	assert_finding api warning null:// X-Forwarded-Proto
}

test_a_wrong_password_of_nexus()
{
	fault_rules fault '[{"status": 401, "headers": {
		"Server": "Nexus/3.38.0", "WWW-Authenticate":
		"Basic realm=\"Sonatype Nexus Repository Manager\""}}]'
	doctor
	assert_faults 4 credentials
	assert_finding credentials fault "user 'admin'" \
		'Docker Bearer Token Realm'
	assert_finding write skipped
}

test_no_credentials_at_all()
{
	REGISTRY_AUTH_FILE=$TEST_DIR/none.json KUBECONFIG=/nowhere run_dws \
		doctor registry --registry "$proxy/$prefix" \
		--registry-ca "$REGISTRY_CA" -o json
	assert_faults 4 credentials
	assert_finding certificate ok
	assert_finding credentials fault --registry-username
}

# --- writing ----------------------------------------------------------------

test_repositories_that_take_nothing()
{
	local rules text

	while IFS='|' read -r rules text; do
		new_prefix
		fault_rules fault "[{\"method\": \"POST\", $rules}]"
		doctor
		assert_faults 4 write
		assert_finding write fault "$text"
		assert_finding 'left behind' skipped 'nothing can be written'
	done <<-'END'
	"status": 404|a proxy repository
	"status": 403|lacks the right
	"status": 405|read-only
	"status": 400, "body": "Repository is read only"|make it writable
	"status": 307|by its own address
	"status": 403, "body": "quota exceeded"|quota is used up
	END
}

test_a_repository_of_nexus_that_allows_no_redeploy()
{
	fault_rules fault '[
		{"path": "^/v2/$", "set": {"Server": "Nexus/3.38.0"}},
		{"method": "PUT", "path": "/manifests/probe-[0-9a-f]*$", "nth": 2,
			"status": 400, "body":
			"Repository does not allow updating assets"}]'
	doctor
	assert_faults 4 replace
	assert_finding replace fault 'does not allow updating' 'Allow redeploy'
	assert_finding 'left behind' ok nothing
}

test_blobs_that_are_too_large_or_find_no_room()
{
	fault_rules fault '[{"method": "PATCH", "nth": 3, "status": 413}]'
	doctor
	assert_faults 4 blob
	assert_finding blob fault 413 client_max_body_size
	assert_finding manifest skipped
	fault_rules fault '[{"method": "PUT", "status": 507}]'
	doctor
	assert_faults 4 blob
	assert_finding blob fault 507 'storage is full'
}

test_a_registry_that_deletes_nothing()
{
	fault_rules fault '[{"method": "DELETE",
		"path": "/(blobs|manifests)/sha256", "status": 405}]'
	doctor
	assert_faults 0
	assert_finding delete ok 405
	assert_finding speed skipped
	assert_finding 'left behind' warning \
		"/v2/$prefix/dws-csm-doctor/blobs/sha256:" \
		"/v2/$prefix/dws-csm-doctor-mount/blobs/sha256:"
	assertTrue 'little was sent' $(($(jq -n '[inputs.up] | add' \
		"$T/log/fault.jsonl") < 1000000 ? 0 : 1))
}

test_what_cannot_be_taken_away_is_named()
{
	fault_rules fault '[{"method": "DELETE",
		"path": "/(blobs|manifests)/sha256", "reset_request": 0}]'
	doctor
	assert_rc 4
	assert_finding 'left behind' warning \
		"/v2/$prefix/dws-csm-doctor/blobs/sha256:"
}

test_forms_of_location()
{
	fault_rules fault '[{"method": "POST", "location": "relative"}]'
	doctor
	assert_finding location ok relative
	fault_rules fault '[{"method": "POST", "location": "http"}]'
	doctor
	assert_faults 0
	assert_finding location warning http:// X-Forwarded-Proto
	fault_rules fault '[{"method": "POST",
		"location": "host:localhost:6511"}]'
	doctor
	assert_finding location warning localhost:6511 'Host header'
}

test_uploads_that_go_on_and_those_that_do_not()
{
	doctor
	assert_finding resume warning 'begins anew' 'release 3.0'
	server_alive keeping || FAULT_KEEPER=1 must fault_proxy keeping \
		registry.local 6523 "https://$registry"
	must registry_login registry.local:6523
	to=registry.local:6523 doctor
	assert_faults 0
	assert_finding resume ok 'goes on'
}

test_mounts_that_are_not_done()
{
	fault_rules fault '[{"path": "mount=", "drop_query": true}]'
	doctor
	assert_faults 0
	assert_finding mount ok 'not known'
	fault_rules fault '[{"path": "mount=", "status": 403}]'
	doctor
	assert_faults 0
	assert_finding mount warning 403
}

test_content_that_is_changed()
{
	fault_rules fault '[{"method": "GET", "path": "/blobs/sha256",
		"corrupt": 77}]'
	doctor
	assert_faults 4 blob
	assert_finding blob fault 'not what was sent'
	assert_finding 'left behind' ok nothing
}

# interrupted_doctor RULE...: with a signal in the middle of the probe.
interrupted_doctor()
{
	local process

	fault_rules fault '[{"method": "PUT", "path": "/manifests/",
		"delay": 3}'"${1:+, $1}"']'
	"$DWS_CSM" doctor registry --registry "$proxy/$prefix" \
		--authfile "$REGISTRY_AUTHFILE" --registry-ca "$REGISTRY_CA" \
		>"$TEST_DIR/out" 2>"$TEST_DIR/err" &
	process=$!
	sleep 1.5
	kill -TERM "$process"
	wait "$process"
	rc=$?
	assertEquals "exit code ($(<"$TEST_DIR/err"))" 10 "$rc"
}

test_an_interrupted_doctor_takes_away_what_it_wrote()
{
	interrupted_doctor
	assertEquals 'blobs left' '' "$(stored | grep /_layers/)"
}

test_an_interrupted_doctor_names_what_it_leaves()
{
	interrupted_doctor '{"method": "DELETE", "path": "/blobs/sha256",
		"status": 403, "after": 0}'
	assertContains 'message' "$(<"$TEST_DIR/err")" \
		"left behind in the registry: /v2/$prefix/dws-csm-doctor"
}

# shellcheck source=/dev/null
. shunit2
