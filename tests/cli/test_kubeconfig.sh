#!/bin/bash
# How the API server and the credential are found: kubeconfig files, contexts,
# tokens, exec plugins, and what is said when they do not fit.

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

oneTimeSetUp()
{
	token=$(sed -n 's/.*{token: \(.*\)}$/\1/p' "$T/token.conf")
	admin_context=kubernetes-admin@kubernetes
}

setUp()
{
	export KUBECONFIG=$T/admin.conf
	unset KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT
}

# config NAME USER-FIELDS [SED-SCRIPT]: a kubeconfig in $TEST_DIR/NAME with
# these fields of the user, then edited.
config()
{
	(umask 077 && sed -e "s|user: {token.*|user: {$2}|" -e "${3:-}" \
		"$T/token.conf" >"$TEST_DIR/$1")
}

# asks [ARG...]: whether the API server lets us in.
asks()
{
	run_dws workflows list "$@"
}

# --- which file, which context ----------------------------------------------

test_option_wins_over_the_environment()
{
	export KUBECONFIG=$TEST_DIR/absent
	asks
	assert_rc 1
	assert_err "no file of KUBECONFIG '$TEST_DIR/absent' exists"
	asks --kubeconfig "$T/admin.conf"
	assert_rc 0
	asks --kubeconfig "$TEST_DIR/absent"
	assert_rc 1
	assert_err "'$TEST_DIR/absent'"
}

test_list_is_merged_and_the_context_chosen()
{
	export KUBECONFIG=$TEST_DIR/absent:$T/limited.conf:$T/admin.conf
	asks
	assert_rc 5
	assert_err 'User "limited" cannot'
	asks --context "$admin_context"
	assert_rc 0
	asks --context nowhere
	assert_rc 1
	assert_err "context 'nowhere' is not in '$T/limited.conf', '$T/admin.conf' (it has: limited@kubernetes, $admin_context)"
}

test_home_is_looked_at_last()
{
	local HOME=$TEST_DIR/home

	unset KUBECONFIG
	mkdir -p "$HOME/.kube"
	cp "$T/admin.conf" "$HOME/.kube/config"
	asks
	assert_rc 0
	rm "$HOME/.kube/config"
	[ -e /etc/kubernetes/admin.conf ] || {
		asks
		assert_rc 1
		assert_err 'no kubeconfig' 'give --kubeconfig FILE'
	}
}

# --- credentials ------------------------------------------------------------

test_token_and_token_file()
{
	asks --kubeconfig "$T/token.conf"
	assert_rc 0
	echo "$token" >"$TEST_DIR/token"
	config by-file 'tokenFile: token'
	asks --kubeconfig "$TEST_DIR/by-file"
	assert_rc 0
}

test_wrong_token_is_told_without_it()
{
	config wrong 'token: very-wrong'
	asks --kubeconfig "$TEST_DIR/wrong"
	assert_rc 5
	assert_err Unauthorized "user 'token-admin' in '$TEST_DIR/wrong'"
	assertNotContains "$err" very-wrong
}

test_exec_plugin()
{
	cat >"$TEST_DIR/plugin" <<-END
	#!/bin/sh
	echo "\$KUBERNETES_EXEC_INFO" >"$TEST_DIR/told"
	cat <<-X
	{"apiVersion": "client.authentication.k8s.io/v1",
	 "kind": "ExecCredential", "status": {"token": "$token"}}
	X
	END
	chmod 0700 "$TEST_DIR/plugin"
	config exec 'exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Never, provideClusterInfo: true}'
	asks --kubeconfig "$TEST_DIR/exec"
	assert_rc 0
	assertEquals "$KUBE_SERVER" \
		"$(jq -r .spec.cluster.server "$TEST_DIR/told")"
}

test_exec_plugin_that_is_not_there()
{
	config hint 'exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, installHint: ask your vendor}'
	asks --kubeconfig "$TEST_DIR/hint"
	assert_rc 5
	assert_err "exec plugin 'no-such-plugin'" 'ask your vendor'
}

test_what_kubectl_no_longer_takes_is_refused()
{
	config provider 'auth-provider: {name: oidc}'
	asks --kubeconfig "$TEST_DIR/provider"
	assert_rc 5
	assert_err "auth-provider 'oidc'"
	config basic 'username: u, password: very-secret'
	asks --kubeconfig "$TEST_DIR/basic"
	assert_rc 5
	assert_err 'only a user name and password'
	assertNotContains "$err" very-secret
}

test_impersonation()
{
	config as "as: limited, token: $token"
	asks --kubeconfig "$TEST_DIR/as"
	assert_rc 5
	assert_err 'User "limited" cannot'
}

# --- the server -------------------------------------------------------------

test_unknown_ca_is_told()
{
	config ca "token: $token" \
		"s|certificate-authority-data:.*|certificate-authority: $REGISTRY_CA|"
	asks --kubeconfig "$TEST_DIR/ca"
	assert_rc 5
	assert_err 'cannot verify the certificate' "$REGISTRY_CA"
}

test_insecure_is_obeyed_with_a_warning()
{
	config insecure "token: $token" \
		's|certificate-authority-data:.*|insecure-skip-tls-verify: true|'
	asks --kubeconfig "$TEST_DIR/insecure"
	assert_rc 0
	assert_err 'warning: the certificate of API server' 'is not verified'
}

test_tls_server_name()
{
	config name "token: $token" \
		's|  cluster:|&\n    tls-server-name: kubernetes.default.svc|'
	asks --kubeconfig "$TEST_DIR/name"
	assert_rc 0
	config name "token: $token" \
		's|  cluster:|&\n    tls-server-name: other.example|'
	asks --kubeconfig "$TEST_DIR/name"
	assert_rc 5
	assert_err 'cannot verify the certificate'
}

test_server_that_is_away_is_told_soon()
{
	config away "token: $token" 's|127.0.0.1:6443|127.0.0.1:1|'
	asks --kubeconfig "$TEST_DIR/away"
	assert_rc 5
	assert_err 'cannot be reached' "check 'server' of cluster 'kubernetes'"
	assertTrue "took $took_ms ms" "[ $took_ms -lt 30000 ]"
}

test_server_name_that_does_not_resolve()
{
	config dns "token: $token" 's|127.0.0.1:6443|nowhere.test:6443|'
	asks --kubeconfig "$TEST_DIR/dns"
	assert_rc 5
	assert_err "'nowhere.test" 'cannot be reached'
}

# shellcheck disable=SC1091 # Debian's
. shunit2
