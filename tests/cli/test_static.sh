#!/bin/bash
# The executable depends on nothing of the host.
# servers: none

# A host whose configuration asks for shared objects wherever it can.
oneTimeSetUp()
{
	port=$((20000 + RANDOM % 10000))
	cat >"$TEST_DIR/nsswitch.conf" <<-END
	passwd: files systemd sss
	hosts: mymachines resolve sss dns myhostname files
	END
	cat >"$TEST_DIR/openssl.cnf" <<-END
	openssl_conf = conf
	[conf]
	providers = providers
	engines = engines
	ssl_conf = ssl
	[providers]
	hostile = hostile
	default = default
	[hostile]
	module = $(find /usr/lib -name legacy.so -print -quit)
	activate = 1
	[default]
	activate = 1
	[engines]
	afalg = afalg
	[afalg]
	dynamic_path = $(find /usr/lib -name afalg.so -print -quit)
	init = 1
	[ssl]
	system_default = policy
	[policy]
	MinProtocol = TLSv1
	END
	(umask 077 && openssl req -x509 -newkey ec -nodes -days 1 \
		-pkeyopt ec_paramgen_curve:P-256 -subj /CN=registry.local \
		-addext subjectAltName=DNS:registry.local \
		-keyout "$TEST_DIR/tls.key" -out "$TEST_DIR/tls.crt") \
		2>"$TEST_DIR/openssl.log" || fail "openssl req"
	openssl s_server -quiet -www -accept "$port" -cert "$TEST_DIR/tls.crt" \
		-key "$TEST_DIR/tls.key" >"$TEST_DIR/server.log" 2>&1 &
	server=$!
	for _ in {1..100}; do
		ss -Hltn "sport = :$port" | grep -q . && break
		sleep 0.05
	done
	cat >"$TEST_DIR/kubeconfig" <<-END
	apiVersion: v1
	kind: Config
	current-context: test
	contexts: [{name: test, context: {cluster: test, user: test}}]
	users: [{name: test, user: {token: abc}}]
	clusters:
	- name: test
	  cluster:
	    server: https://registry.local:$port
	    certificate-authority: $TEST_DIR/tls.crt
	END
}

oneTimeTearDown()
{
	# shunit2 calls this a second time at the end.
	[ -z "${server:-}" ] || kill "$server"
	server=
}

# hostile TRACE ARG...: runs the program on that host, opened files in TRACE.
# shellcheck disable=SC2016 # for the shell inside
hostile()
{
	local trace=$1

	shift
	unshare --mount bash -c '
		mount --bind "$TEST_DIR/nsswitch.conf" /etc/nsswitch.conf &&
		{ [ ! -e /etc/ssl/openssl.cnf ] ||
		  mount --bind "$TEST_DIR/openssl.cnf" /etc/ssl/openssl.cnf; } &&
		trace=$1 && shift &&
		OPENSSL_CONF=$TEST_DIR/openssl.cnf exec timeout 60 strace -f -o "$trace" \
			-e trace=open,openat,execve,connect "$@"' \
		hostile "$trace" "$@" >"$TEST_DIR/out" 2>"$TEST_DIR/err"
}

skip_when_instrumented()
{
	[ -z "$SANITIZE" ] || startSkipping
}

assert_no_shared_object()
{
	assertEquals 'shared objects opened' '' \
		"$(grep -E '"[^"]*\.so[."]' "$1")"
	assertEquals 'programs run' 1 "$(grep -c 'execve(' "$1")"
}

test_version_opens_no_shared_object()
{
	skip_when_instrumented
	hostile "$TEST_DIR/trace" "$DWS_CSM" version
	assertEquals 'exit code' 0 $?
	assert_no_shared_object "$TEST_DIR/trace"
}

test_https_by_name_opens_no_shared_object()
{
	skip_when_instrumented
	hostile "$TEST_DIR/trace" "$DWS_CSM" status \
		--kubeconfig "$TEST_DIR/kubeconfig"
	assertTrue 'it reached the server' \
		"grep -q 'connect(.*htons($port)' '$TEST_DIR/trace'"
	assertEquals 'TLS faults' '' \
		"$(grep -iE 'certificate|handshake|resolve' "$TEST_DIR/err")"
	assert_no_shared_object "$TEST_DIR/trace"
}

test_unknown_host_opens_no_shared_object()
{
	skip_when_instrumented
	sed -i "s/registry.local:$port/nowhere.invalid/" "$TEST_DIR/kubeconfig"
	hostile "$TEST_DIR/trace" "$DWS_CSM" status \
		--kubeconfig "$TEST_DIR/kubeconfig"
	assertNotEquals 'exit code' 0 $?
	assert_no_shared_object "$TEST_DIR/trace"
}

test_executable_is_static_pie()
{
	skip_when_instrumented
	assertEquals 'type' 'DYN' \
		"$(readelf -hW "$DWS_CSM" | awk '$1 == "Type:" { print $2 }')"
	assertEquals 'interpreter' '' \
		"$(readelf -lW "$DWS_CSM" | grep INTERP)"
	assertEquals 'needed libraries' '' \
		"$(readelf -dW "$DWS_CSM" | grep NEEDED)"
}

test_executable_is_hardened()
{
	skip_when_instrumented
	assertContains 'relro' "$(readelf -lW "$DWS_CSM")" GNU_RELRO
	assertContains 'bind now' "$(readelf -dW "$DWS_CSM")" NOW
	assertEquals 'executable stack' '' \
		"$(readelf -lW "$DWS_CSM" | grep GNU_STACK | grep RWE)"
}

test_executable_is_stripped()
{
	skip_when_instrumented
	assertEquals 'symbols and debug sections' '' \
		"$(readelf -SW "$DWS_CSM" | grep -E '\.symtab|\.debug_info')"
}

test_executable_has_at_most_9_mb()
{
	skip_when_instrumented
	assertTrue "$(stat -c %s "$DWS_CSM") bytes" \
		"[ $(stat -c %s "$DWS_CSM") -le 9000000 ]"
}

# shellcheck disable=SC1091 # Debian's
. shunit2
