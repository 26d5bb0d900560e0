#!/bin/bash
# plan and apply: what would be done is told whole, changes nothing, and can be
# kept and carried out as long as it holds.

# shellcheck disable=SC2154 # run_dws sets rc, out, err

# shellcheck source=tests/cli/transaction.sh
. "$(dirname "${BASH_SOURCE[0]}")/transaction.sh"

kept=$TEST_DIR/kept.json

oneTimeSetUp()
{
	only_kinds Storage SystemStatus Workflow
	seed_images "$old" "$new"
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	given_no_dws
}

# given_objects V [ARG...]: those of that release, whether its pods run or not.
given_objects()
{
	given_no_dws
	given_dws --no-wait --version "$@"
}

# steps FILTER: "ACTION THING" of the steps that jq selects, of the last run.
steps()
{
	jq -r ".steps[] | select($1) | \"\\(.action) \\(.thing)\"" \
		"$TEST_DIR/out"
}

assert_nothing_changed()
{
	note_state after
	assertEquals 'state' '' \
		"$(diff "$TEST_DIR/state.before" "$TEST_DIR/state.after")"
}

# --- what is told -----------------------------------------------------------

test_plan_of_an_empty_cluster_is_an_installation()
{
	given_no_dws
	note_state before
	run_dws plan --skip-images -o json
	assert_rc 0
	assertContains 'steps' "$(steps '.action == "create"')" \
		'create deployment.apps/dws-webhook in dws-system'
	assert_json '[.steps[] | select(.action == "change")] | length' 0
	assert_json '.problems | length' 0
	assert_nothing_changed
}

test_plan_shows_drift_as_a_difference()
{
	given_objects "$new"
	must kubectl -n dws-system patch deployment dws-controller-manager \
		--type=json -p '[{"op": "replace", "value": "registry.local/x:1",
		"path": "/spec/template/spec/containers/0/image"}]'
	note_state before
	run_dws plan install --skip-images
	assert_rc 0
	assert_out 'change deployment.apps/dws-controller-manager in dws-system' \
		'@@ spec.template.spec.containers[' \
		'-        image: registry.local/x:1'
	assertEquals 'objects that change' 1 "$(grep -c '^change  ' \
		"$TEST_DIR/out")"
	assertNotContains 'what a server writes' "$out" managedFields
	assertNotContains 'colour' "$out" $'\033'
	assert_nothing_changed
}

test_plan_of_an_upgrade_tells_all()
{
	given_old
	note_state before
	run_dws plan --version "$new" --skip-images -o json
	assert_rc 0
	assertContains 'gone' "$(steps '.action == "delete"')" \
		'delete clusterrole.rbac.authorization.k8s.io/workload-manager'
	assertContains 'new' "$(steps '.action == "create"')" \
		'create customresourcedefinition.apiextensions.k8s.io/systemstatuses'
	assertContains 'carried' "$(steps '.action == "carry"')" Storage
	assert_json '[.steps[] | select(.thing ==
		"deployment.apps/dws-controller-manager in dws-system") |
		.diff | test("\\+ +image: registry.local/dws:'"$new"'\n")] |
		@json' '[true]'
	assert_nothing_changed
	run_dws plan --version "$new" --skip-images
	assert_rc 0
	assert_out ' more lines: -o json has them'
}

test_plan_shows_no_secret()
{
	given_objects "$new" --webhook-certs self-signed
	must kubectl -n dws-system patch secret webhook-server-cert \
		-p '{"data":{"tls.crt":"c2VjcmV0","tls.key":"c2VjcmV0"}}'
	run_dws plan install --skip-images --webhook-certs self-signed
	assert_rc 0
	assert_out '"*** (changed)"'
	assertNotContains 'the key' "$out" c2VjcmV0
	assertNotContains 'a certificate' "$out" LS0t
}

# --- what stands in the way -------------------------------------------------

test_plan_tells_a_workflow_in_the_way()
{
	given_release "$old"
	storage=v1alpha2
	workflow bb17 default 17
	note_state before
	run_dws plan upgrade --version "$new" --skip-images
	assert_rc 3
	assert_err "'bb17'"
	assert_nothing_changed
	no_workflow bb17 default
}

test_plan_tells_what_the_user_may_not_do()
{
	given_objects "$old"
	must kubectl create clusterrole only-look --resource='*.*' \
		--verb=get,list,watch
	must kubectl create clusterrolebinding only-look \
		--clusterrole=only-look --user=limited
	run_dws plan upgrade --version "$new" --skip-images \
		--kubeconfig "$T/limited.conf"
	assert_rc 3
	assert_err 'may not do all' \
		'create, patch, update, delete, deletecollection secrets in' \
		'namespace dws-system' --kubeconfig
	must kubectl delete clusterrole,clusterrolebinding only-look
}

test_plan_wants_the_images_of_the_way_back()
{
	given_objects "$old" --registry registry.local/gone
	run_dws plan upgrade --version "$new" \
		--registry registry.local/gone "${archives[@]}"
	assert_rc 3
	assert_err "'registry.local/gone/dws:$old' is not there" \
		"images push --version $old"
	given_no_dws
}

# --- kept -------------------------------------------------------------------

test_apply_does_what_was_kept()
{
	given_old
	note_state before
	run_dws plan upgrade --version "$new" --skip-images -o "$kept"
	assert_rc 0
	assert_err "dws-csm apply $kept"
	assertEquals 'result' '' "$out"
	assert_nothing_changed
	assertEquals 'options' "$DWS_CSM_OVERLAY true $new" "$(jq -r '.options |
		"\(.overlay) \(."skip-images") \(.version)"' "$kept")"
	assertEquals 'number of options' 3 "$(jq '.options | length' "$kept")"
	run_dws apply "$kept"
	assert_rc 0
	assert_err "upgraded to $new"
	release=$new
	assert_as_released ""
	# It is done: to do it again is another thing.
	note_state before
	run_dws apply "$kept"
	assert_rc 3
	assert_err 'nothing was changed' 'plan anew'
	assert_nothing_changed
}

test_apply_refuses_where_the_cluster_moved()
{
	given_objects "$new"
	run_dws plan install --skip-images -o "$TEST_DIR/kept.yaml"
	assert_rc 0
	must kubectl -n dws-system delete service dws-webhook-service
	note_state before
	run_dws apply "$TEST_DIR/kept.yaml"
	assert_rc 3
	assert_err 'nothing was changed' \
		'[create service/dws-webhook-service in dws-system]' \
		'[keep service/dws-webhook-service in dws-system]'
	assert_nothing_changed
}

test_apply_refuses_another_cluster_and_an_edited_plan()
{
	given_objects "$new"
	run_dws plan uninstall -o "$kept"
	assert_rc 0
	jq '.cluster = "another"' "$kept" >"$TEST_DIR/edited.json"
	run_dws apply "$TEST_DIR/edited.json"
	assert_rc 3
	assert_err 'another cluster' --context
	jq '.plan.steps |= .[1:]' "$kept" >"$TEST_DIR/edited.json"
	run_dws apply "$TEST_DIR/edited.json"
	assert_rc 1
	assert_err "$TEST_DIR/edited.json" 'was edited'
	run_dws apply "$kept"
	assert_rc 0
	assert_err "DWS $new is removed"
}

test_apply_takes_a_password_once()
{
	given_no_dws
	run_dws plan install --version "$new" "${archives[@]}" \
		--registry registry.local/planned -o "$kept"
	assert_rc 0
	jq '.options."registry-username" = "'"$REGISTRY_USER"'" |
		.options."registry-password-stdin" = "true" |
		.options.wait = "false"' "$kept" >"$TEST_DIR/edited.json"
	"$DWS_CSM" apply "$TEST_DIR/edited.json" >"$TEST_DIR/out" \
		2>"$TEST_DIR/err" <<<"$REGISTRY_PASSWORD"
	status=$?
	assertEquals "$(<"$TEST_DIR/err")" 0 "$status"
	given_no_dws
}

test_plan_is_not_kept_where_something_is_in_the_way()
{
	given_release "$old"
	storage=v1alpha2
	workflow bb18 default 18
	rm -f "$kept"
	run_dws plan upgrade --version "$new" --skip-images -o "$kept"
	assert_rc 3
	assertFalse 'the file is there' "[ -e '$kept' ]"
	no_workflow bb18 default
}

test_wrong_use_is_told()
{
	run_dws plan downgrade
	assert_rc 2
	assert_err "'downgrade' cannot be planned" rollback
	run_dws plan install 3
	assert_rc 2
	assert_err "unexpected argument '3'"
	run_dws plan -o xml
	assert_rc 2
	assert_err "'--output'" .yaml
	run_dws apply
	assert_rc 2
	assert_err 'which plan'
	run_dws apply "$TEST_DIR/absent.json"
	assert_rc 1
	assert_err "$TEST_DIR/absent.json"
}

mapfile -t archives < <(from_archives "$new")
archives+=(--registry-ca "$REGISTRY_CA")

# shellcheck disable=SC1091 # of a Debian package
. shunit2
