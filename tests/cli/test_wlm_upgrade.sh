#!/bin/bash
# wlm: a credential outlives upgrade, rollback and whoever is killed in their
# middle, whoever bound it.

# shellcheck disable=SC2119,SC2154,SC2317 # optional arguments; $T/env; ours

# shellcheck source=tests/cli/wlm.sh
. "$(dirname "${BASH_SOURCE[0]}")/wlm.sh"
# shellcheck source=tests/cli/transaction.sh
. "$root/tests/cli/transaction.sh"

roles=(workload-manager dws-workload-manager)

oneTimeSetUp()
{
	only_kinds Storage Workflow
	seed_images "$old" "$new"
	pods_fare
	kube_proxy || fail 'the proxy does not start'
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	spoil ''
	given_no_dws
	must kubectl delete clusterrolebinding slurm-dws-viewer \
		slurm-dws-viewer-spare --ignore-not-found
	server_stop kube
}

setUp()
{
	rm -f "$file"
	spoil ''
}

# given_at VERSION: that release stands, nobody is bound.
given_at()
{
	"$DWS_CSM" resume >"$TEST_DIR/given" 2>&1 </dev/null
	use_release "$1"
	[ "$("$DWS_CSM" status -o json | jq -r .version)" = "$1" ] ||
		given_release "$1"
	must kubectl delete clusterrolebinding slurm-dws-viewer \
		slurm-dws-viewer-spare --ignore-not-found
}

# by_hand: as the old procedure has it.
by_hand()
{
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole="$role" --user=slurm-dws
	must kubectl label clusterrolebinding slurm-dws-viewer site=ours
}

# At the version that the server prefers, as the plugin does.
lists_workflows()
{
	local version

	version=$(as_slurm get --raw "/apis/$group" |
		jq -r .preferredVersion.version) &&
		as_slurm get --raw "/apis/$group/$version/workflows"
}

role_of_binding()
{
	kubectl get clusterrolebinding slurm-dws-viewer -o json |
		jq -r .roleRef.name
}

# assert_bound VERSION: to the role of that release, and no other is there.
assert_bound()
{
	use_release "$1"
	assertEquals "role at $1" "$role" "$(role_of_binding)"
	assertEquals 'roles' "$role" "$(kubectl get clusterrole \
		"${roles[@]}" --ignore-not-found -o json |
		jq -r '(.items // [.])[].metadata.name')"
	assertEquals 'no spare' '' "$(kubectl get clusterrolebinding \
		slurm-dws-viewer-spare --ignore-not-found -o name)"
	run_dws wlm check "$file"
	assert_rc 0
	must lists_workflows
	as_slurm get secrets >"$TEST_DIR/denied" 2>&1 && fail 'it reads Secrets'
	run_dws status -o json
	assert_json '.workloadManager | "\(.role) \(.roleFound)"' "$role true"
}

# there_and_back [TEXT...]: what the upgrade tells.
there_and_back()
{
	run_dws upgrade --version "$new" --skip-images
	assert_rc 0
	assert_err "$@"
	assert_bound "$new"
	run_dws rollback --skip-images
	assert_rc 0
	assert_bound "$old"
}

test_of_wlm_create()
{
	given_at "$old"
	given_credential
	note_state created
	there_and_back
	assertEquals 'its expiry' "$(not_after)" "$(kubectl get \
		clusterrolebinding slurm-dws-viewer -o json | jq -r \
		'.metadata.annotations["dws-csm.io/credential-until"]')"
	assert_whole created
}

test_of_a_binding_made_by_hand()
{
	given_at "$old"
	by_hand
	given_credential
	note_state hand
	there_and_back
	assertEquals 'its label' ours "$(kubectl get clusterrolebinding \
		slurm-dws-viewer -o json | jq -r .metadata.labels.site)"
	assert_whole hand
}

# Nothing of it was made by dws-csm but the certificate.
test_of_an_installation_made_by_hand()
{
	given_no_dws
	use_release "$old"
	must kubectl delete namespace dws-system --ignore-not-found
	must kubectl create namespace dws-system
	"$DWS_CSM" manifests --version "$old" >"$TEST_DIR/hand.yaml" ||
		fail manifests
	cert_manager v1alpha2 v1alpha3
	must kubectl apply --validate=false -f "$TEST_DIR/hand.yaml"
	must kubectl -n dws-system wait --for=condition=available \
		--timeout=180s deployment --all
	by_hand
	given_credential
	there_and_back
	given_no_dws
	cert_manager
}

test_of_install_with_wlm()
{
	given_no_dws
	must kubectl create clusterrolebinding flux \
		--clusterrole=workload-manager --user=flux
	use_release "$old"
	must "$DWS_CSM" install --skip-images --with-wlm --wlm-file "$file" \
		"${ca[@]}"
	assertNotContains 'no word of flux' "$(<"$TEST_DIR/must")" flux
	note_state with
	there_and_back "'flux' of the site"
	assert_whole with
	must kubectl delete clusterrolebinding flux
}

# As an upgrade by an earlier dws-csm left it.
test_an_installation_sets_an_old_binding_right()
{
	given_at "$new"
	given_credential
	must kubectl delete clusterrolebinding slurm-dws-viewer
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole=workload-manager --user=slurm-dws
	run_dws install --skip-images --dry-run
	assert_rc 0
	assert_out 'slurm-dws-viewer to dws-workload-manager'
	run_dws install --skip-images -o json
	assert_rc 0
	assert_json .changed true
	assert_bound "$new"
	run_dws install --skip-images -o json
	assert_json .changed false
}

# From the other end: the binding knew the new role only.
test_of_a_credential_of_the_new_release()
{
	given_at "$old"
	must "$DWS_CSM" upgrade --version "$new" --skip-images
	use_release "$new"
	given_credential
	run_dws rollback --skip-images
	assert_rc 0
	assert_bound "$old"
}

test_a_plan_tells_it()
{
	given_at "$old"
	given_credential
	run_dws upgrade --version "$new" --skip-images --dry-run
	assert_rc 0
	assert_out 'slurm-dws-viewer to dws-workload-manager'
	run_dws upgrade --version "$old" --skip-images --dry-run
	assert_rc 0
	assertNotContains 'nothing to bind' "$out" slurm-dws-viewer
}

test_a_failed_upgrade_leaves_it_as_it_was()
{
	given_at "$old"
	by_hand
	given_credential
	note_state failed
	pods_fare "*/dws:$new" imagepull
	run_dws upgrade --version "$new" --skip-images --timeout 20s
	assert_rc 7
	pods_fare
	assert_whole failed
	assert_bound "$old"
}

# A role and a binding that only happen to be called so.
test_a_binding_of_the_site_is_left_alone()
{
	local before

	given_at "$old"
	must kubectl create clusterrole site --verb=get \
		--resource="workflows.$group"
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole=site --user=slurm-dws
	before=$(kubectl get clusterrolebinding slurm-dws-viewer -o json)
	must "$DWS_CSM" upgrade --version "$new" --skip-images
	assertEquals 'unchanged' "$before" \
		"$(kubectl get clusterrolebinding slurm-dws-viewer -o json)"
	must kubectl delete clusterrole site
}

gate_stands()
{
	[[ $(kube_get "/apis/admissionregistration.k8s.io/v1$(
		)/validatingwebhookconfigurations/dws-csm-gate" 2>&1) != \
		*'error: 404'* ]]
}

# calls: the credential's, while the file `go` is there. One that fails with
# the gate open both before and after is lost.
calls()
{
	local closed

	while [ -e "$TEST_DIR/go" ]; do
		closed=''
		! gate_stands || closed=1
		echo x >>"$TEST_DIR/calls${closed:+.closed}"
		if lists_workflows >"$TEST_DIR/call" 2>&1 ||
			[ -n "$closed" ] || gate_stands; then
			continue
		fi
		cat "$TEST_DIR/call" >>"$TEST_DIR/lost"
	done
}

calls_are()
{
	[ "$(wc -l <"$TEST_DIR/calls")" -ge "$1" ]
}

# more_calls: some more with the gate open.
more_calls()
{
	eventually 'calls' calls_are $(($(wc -l <"$TEST_DIR/calls") + 2))
}

test_calls_are_refused_while_the_gate_is_closed_only()
{
	given_at "$old"
	given_credential
	rm -f "$TEST_DIR/lost" "$TEST_DIR"/calls*
	: >"$TEST_DIR/go"
	: >"$TEST_DIR/calls"
	calls &
	more_calls
	run_dws upgrade --version "$new" --skip-images
	assert_rc 0
	more_calls
	run_dws rollback --skip-images
	assert_rc 0
	more_calls
	rm "$TEST_DIR/go"
	wait "$!"
	[ -s "$TEST_DIR/calls.closed" ] || fail 'no call with the gate closed'
	[ ! -e "$TEST_DIR/lost" ] || fail "lost: $(<"$TEST_DIR/lost")"
}

# killed NTH ARG...: before the nth of the four calls by which a binding is made
# anew: a spare, the old one away, the new one, the spare away.
killed()
{
	local nth=$1

	shift
	spoil "{\"method\": \"POST|DELETE\", \"names\": \"slurm-dws-viewer\",
		\"nth\": $nth, \"kill\": \"before\",
		\"pidfile\": \"$TEST_DIR/pid\"}"
	run_proxied "$@"
	assert_rc 137
	spoil ''
}

test_who_is_killed_meanwhile_loses_no_binding()
{
	given_at "$old"
	by_hand
	given_credential
	note_state killed
	killed 2 upgrade --version "$new" --skip-images
	run_dws rollback --skip-images
	assert_rc 0
	assert_bound "$old"
	assert_whole killed
	killed 3 upgrade --version "$new" --skip-images
	run_dws resume
	assert_rc 0
	assert_bound "$new"
	killed 4 rollback --skip-images
	run_dws resume
	assert_rc 0
	assert_bound "$old"
	assert_whole killed
}

# A spare gives rights: nobody may forget it.
test_what_was_left_behind_is_found()
{
	given_at "$new"
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole=gone --user=flux
	killed 3 wlm create "$file" "${ca[@]}"
	run_dws wlm create "$file" "${ca[@]}"
	assert_rc 0
	assert_bound "$new"
	must kubectl delete clusterrolebinding slurm-dws-viewer
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole=gone --user=slurm-dws
	killed 3 wlm renew "$file" "${ca[@]}"
	run_dws wlm revoke
	assert_rc 0
	assert_out 'has no rights'
	assertEquals 'bindings' '' "$(kubectl get clusterrolebinding \
		slurm-dws-viewer slurm-dws-viewer-spare --ignore-not-found \
		-o name)"
	must kubectl create clusterrolebinding slurm-dws-viewer-spare \
		--clusterrole="$role" --user=flux
	run_dws wlm create "$file" "${ca[@]}" --force
	assert_rc 0
	assertEquals 'of somebody else' flux "$(kubectl get clusterrolebinding \
		slurm-dws-viewer-spare -o json | jq -r '.subjects[].name')"
}

# Of the deletion, and of what takes its place: told again, they are refused.
test_answers_that_are_lost()
{
	given_at "$old"
	by_hand
	given_credential
	spoil '{"method": "DELETE|POST", "path": "/clusterrolebindings",
		"names": "slurm-dws-viewer", "every": 2, "lose_answer": true}'
	run_proxied upgrade --skip-images --version "$new"
	assert_rc 0
	assertNotEquals 'requests that met the rule' 0 "$(count_writes)"
	assertNotContains "$err" 'has no rights'
	spoil ''
	assert_bound "$new"
}

# shellcheck disable=SC1091 # Debian's
. shunit2
