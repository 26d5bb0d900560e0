# shellcheck shell=bash disable=SC2034,SC2154 # lib.sh sets rc, out, err
# transaction.sh: what the tests of upgrade, rollback and resume share, on top
# of lib.sh. Nothing of it needs shunit2 but the assert_ functions.
#
#   old, new             the releases between which is changed
#   given_release V [OPTION...]   that release stands, ready, without custom
#                        resources
#   given_old            the old one with custom resources, as state "old"
#   given_resources V [OPTION...]   custom resources of each kind, as that
#                        release has them, see resources.py
#   note_state WHAT      remembers what the cluster holds (see state.py)
#   state_is WHAT        whether it holds that again; says what differs
#   nothing_open         whether no transaction left anything behind
#   whole WHAT...        both, of one of these, $found; assert_whole WHAT says
#                        so
#   custom_resources     only those, but for their versions
#
# A fault proxy before the API server, its requests being the administrator's:
#
#   kube_proxy           starts it; $proxied is a kubeconfig that names it
#   spoil RULES          its rules, see tests/servers/faultproxy.py
#   run_proxied ARG...   run_dws through it
#   run_killed WHEN N ARG...   likewise; SIGKILL "before" or "after" its Nth
#                        write of the journal
#   count_writes         how many such writes the last run made

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$root/tests/servers/lib.sh"

old=0.0.20 new=0.1.17
journal_writes='"method": "POST|PUT|PATCH|DELETE",
	"path": "/namespaces/dws-system/secrets", "names": "dws-csm\\.journal"'
resources=$root/tests/data/resources
proxied=$T/proxied.conf
export DWS_CSM_STATE_DIR=$TEST_DIR/state

# --- given ------------------------------------------------------------------

given_release()
{
	given_no_dws
	given_dws --version "$@"
}

given_resources()
{
	"$root/tests/cli/resources.py" load "$resources/$1.yaml" "${@:2}" \
		"${without[@]/#/--except=}" >"$TEST_DIR/given" 2>&1 ||
		fail "custom resources of $1: $(<"$TEST_DIR/given")"
}

# given_old: the old release with custom resources of each kind, and what it
# is to be compared with.
given_old()
{
	if [ -e "$TEST_DIR/state.old" ] && whole_now old; then
		return
	fi
	"$DWS_CSM" resume >"$TEST_DIR/given" 2>&1 </dev/null
	given_release "$old"
	given_resources "$old"
	note_state old
	custom_resources >"$TEST_DIR/custom.old"
}

# --- states -----------------------------------------------------------------

# What an earlier script deleted, and which goes in its own time, is no state.
no_namespace_goes()
{
	! kubectl get namespaces -o jsonpath='{.items[*].status.phase}' |
		grep -q Terminating
}

note_state()
{
	eventually 'Namespaces have gone' no_namespace_goes
	"$root/tests/cli/state.py" >"$TEST_DIR/state.$1" 2>"$TEST_DIR/given" ||
		fail "cannot tell the state: $(<"$TEST_DIR/given")"
}

state_is()
{
	"$root/tests/cli/state.py" 2>&1 |
		diff "$TEST_DIR/state.$1" - >"$TEST_DIR/difference" && return
	head -n 20 "$TEST_DIR/difference"
	return 1
}

# nothing_open: neither journal nor gate nor Lease, nor a revision that is
# still being made.
nothing_open()
{
	"$DWS_CSM" history -o json |
		jq -e 'all(.[]; .status != "installing") and
			(map(select(.status == "deployed")) | length) <= 1' \
			>"$TEST_DIR/open" || {
		echo 'history:'
		"$DWS_CSM" history
		return 1
	}
	kubectl -n dws-system get secret/dws-csm.journal lease/dws-csm \
		validatingwebhookconfiguration/dws-csm-gate \
		--ignore-not-found -o name >"$TEST_DIR/open" 2>&1
	[ ! -s "$TEST_DIR/open" ] || { cat "$TEST_DIR/open"; return 1; }
}

# whole STATE...: it is one of these, $found, with nothing left over. What
# controllers do by themselves may take a moment.
whole()
{
	local n

	for ((n = 0; n < 20; n++)); do
		whole_now "$@" && return
		sleep 0.5
	done
	return 1
}

whole_now()
{
	nothing_open >"$TEST_DIR/whole" || return
	for found; do
		! state_is "$found" >>"$TEST_DIR/whole" || return 0
	done
	return 1
}

# Without the few fields that the new release demands and the old one does not
# know: see txn/carry_rules.h.
custom_resources()
{
	"$root/tests/cli/state.py" --custom | grep -vE \
		-e '^Storage .* \.spec\.mode "Live"' \
		-e '^Servers .* \.status\.allocationSets\[.*\.ready true' \
		-e '^ClientMount .* \.status\.allReady true'
}

# assert_whole STATE
assert_whole()
{
	whole "$1" ||
		fail "'$command_line' ends in another state than '$1': $(<"$TEST_DIR/whole")"
}

# --- the proxy --------------------------------------------------------------

kube_proxy()
{
	server_start fault kube localhost 6444 "$KUBE_SERVER" "$KUBE_CA" \
		"$T/pki/admin" || return
	(umask 077 && cat >"$proxied") <<-END
	apiVersion: v1
	kind: Config
	clusters:
	- name: proxied
	  cluster:
	    server: https://localhost:6444
	    certificate-authority: $REGISTRY_CA
	users: [{name: nobody, user: {}}]
	contexts: [{name: proxied, context: {cluster: proxied, user: nobody}}]
	current-context: proxied
	END
	fault_rules kube '[]'
}

spoil()
{
	fault_rules kube "[$1]"
}

# The process that the proxy's signals go to is the program itself.
run_proxied()
{
	local start

	start=$(now_ms)
	command_line="dws-csm $*"
	{
		# shellcheck disable=SC2016 # expanded by that shell
		KUBECONFIG=$proxied sh -c 'echo $$ >"$0"; exec "$@"' \
			"$TEST_DIR/pid" "$DWS_CSM" "$@" \
			>"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null
		rc=$?
	} 2>/dev/null # "Killed"
	took_ms=$(($(now_ms) - start))
	out=$(<"$TEST_DIR/out")
	err=$(<"$TEST_DIR/err")
}

run_killed()
{
	local when=$1 nth=$2

	shift 2
	spoil "{$journal_writes, \"nth\": $nth, \"kill\": \"$when\",
		\"pidfile\": \"$TEST_DIR/pid\"}"
	run_proxied "$@"
}

count_writes()
{
	fault_count kube '.rules | index(0) != null'
}
