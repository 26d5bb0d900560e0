#!/bin/bash
# wlm: the credential of the workload manager. kubectl uses what was made, and
# openssl looks at it.

# shellcheck disable=SC2119,SC2154 # optional arguments; $T/env

# shellcheck source=tests/cli/wlm.sh
. "$(dirname "${BASH_SOURCE[0]}")/wlm.sh"

key()
{
	sed -n 's/.*client-key-data: //p' "$file" | base64 -d |
		openssl pkey -noout -text
}

assert_annotation()
{
	assertEquals "annotation $1" "$2" "$(kubectl get clusterrolebinding \
		slurm-dws-viewer -o json | jq -r \
		'.metadata.annotations["dws-csm.io/'"$1"'"] // "none"')"
}

# rules FILTER: of what comes in, as one line each verb and resource.
rules()
{
	jq -r "$1"' | .[] | . as $rule | .apiGroups[] as $group |
		.resources[] as $resource | .verbs[] |
		"\($group)/\($resource) \(.) \($rule.resourceNames // "")"' |
		sort -u
}

# What the role allows, and nothing besides, but to ask about oneself.
assert_rules_of_role()
{
	local namespace

	kubectl get clusterrole "$role" -o json | rules .rules \
		>"$TEST_DIR/rules.role"
	[ -s "$TEST_DIR/rules.role" ] || fail 'the role has no rules'
	for namespace in default dws-system kube-system; do
		as_slurm create -o json --validate=false -f - <<-END |
		apiVersion: authorization.k8s.io/v1
		kind: SelfSubjectRulesReview
		spec: {namespace: $namespace}
		END
			rules .status.resourceRules |
			grep -v '^authorization.k8s.io/selfsubject' \
				>"$TEST_DIR/rules.slurm"
		assertEquals "rules in $namespace" '' \
			"$(diff "$TEST_DIR/rules.role" "$TEST_DIR/rules.slurm")"
	done
}

# The same tried.
assert_confined()
{
	local denied

	assert_rules_of_role
	must as_slurm get "workflows.$storage.$group" --all-namespaces
	workflow_as_slurm
	for denied in 'get secrets' 'get secrets -n dws-system' 'get pods' \
		'get nodes' "delete storages.$storage.$group x" 'get crds' \
		'create configmap x --from-literal=a=b' \
		'create clusterrolebinding x --clusterrole=cluster-admin --user=slurm-dws' \
		'delete deployment dws-webhook -n dws-system'; do
		# shellcheck disable=SC2086 # words
		as_slurm $denied >"$TEST_DIR/denied" 2>&1 &&
			fail "slurm-dws may: $denied"
		assertContains "$denied" "$(<"$TEST_DIR/denied")" orbidden
	done
}

workflow_as_slurm()
{
	cat >"$TEST_DIR/bb.yaml" <<-END
	apiVersion: $group/$storage
	kind: Workflow
	metadata: {name: bb77, labels: {origin: slurm}}
	spec: {desiredState: Proposal, dwDirectives: [], wlmID: "5", jobID: 77,
	       userID: 1001, groupID: 100}
	END
	eventually 'a Workflow of slurm-dws' as_slurm create --validate=false \
		-f "$TEST_DIR/bb.yaml"
	assertEquals 'its namespace' default "$(kubectl get \
		"workflows.$storage.$group" --all-namespaces -o json | jq -r \
		'.items[] | select(.metadata.name == "bb77").metadata.namespace')"
	must as_slurm patch "workflows.$storage.$group" bb77 --type=merge \
		-p '{"spec":{"desiredState":"Teardown"},"metadata":{"finalizers":null}}'
	must as_slurm delete "workflows.$storage.$group" bb77 --ignore-not-found
}

# --- create -----------------------------------------------------------------

test_with_the_key_of_the_ca()
{
	run_dws wlm create "$file" "${ca[@]}"
	assert_rc 0
	assert_out "$file" slurm-dws "role $role" 'lists Workflows' \
		'may not read Secrets' "$(not_after)" 'install -o slurm'
	assert_err "'$KUBE_SERVER' is reached on this host only"
	assertEquals 'mode' 600 "$(stat -c %a "$file")"
	assertEquals 'no group' 'subject=CN = slurm-dws' "$(certificate -subject)"
	assertContains 'for clients' "$(certificate -purpose)" \
		'SSL client : Yes'
	assertContains 'not for servers' "$(certificate -purpose)" \
		'SSL server : No'
	assertContains 'RSA' "$(key)" '(2048 bit'
	assert_annotation credential-until "$(not_after)"
	assert_confined
}

test_through_the_cluster()
{
	run_dws wlm create "$file" --via-csr --key-type ec
	assert_rc 0
	assert_err 'before Kubernetes 1.22'
	assertEquals 'no group' 'subject=CN = slurm-dws' "$(certificate -subject)"
	assertContains 'EC' "$(key)" P-256
	assertEquals 'mode' 600 "$(stat -c %a "$file")"
	assert_annotation credential-until "$(not_after)"
	assertEquals 'no request stays' '' "$(kubectl get csr -o name)"
	assert_confined
}

test_the_file_stands_alone()
{
	given_credential --namespace jobs --server "$KUBE_SERVER/"
	assertEquals 'one of each' '1 1 1' "$(as_slurm config view -o json |
		jq -r '"\(.clusters | length) \(.contexts | length) \(.users | length)"')"
	assertEquals 'namespace' jobs "$(as_slurm config view --minify -o json |
		jq -r '.contexts[0].context.namespace')"
	assertEquals 'cluster' kubernetes "$(as_slurm config view -o json |
		jq -r '.clusters[0].name')"
	assertEquals 'nothing by name of a file' '' "$(grep -E \
		'(certificate|authority|key): ' "$file")"
}

test_days_are_as_wished()
{
	local end

	given_credential --days 30
	end=$(date -u -d "$(not_after)" +%s)
	assertEquals 'days' 30 $(((end - $(date +%s) + 3600) / 86400))
}

test_not_longer_than_its_ca()
{
	# The same authority, as one that ends tomorrow.
	openssl req -x509 -new -key "$T/pki/ca.key" -days 1 \
		-subj "/CN=kubernetes" -out "$TEST_DIR/short.crt" \
		2>"$TEST_DIR/openssl" || fail openssl
	run_dws wlm create "$file" --ca-cert "$TEST_DIR/short.crt" \
		--ca-key "$T/pki/ca.key"
	assert_rc 0
	assert_err 'valid for' 'not 500: its CA ends then'
	assertEquals "$(certificate -enddate)" "$(openssl x509 -noout \
		-enddate -in "$TEST_DIR/short.crt")"
}

test_of_0_0_20()
{
	given_no_dws
	use_release 0.0.20
	seed_images
	given_dws
	must kubectl delete clusterrole workload-manager --ignore-not-found
	run_dws wlm create "$file" "${ca[@]}" -o json
	assert_rc 0
	assert_json .role workload-manager
	assert_json .listsWorkflows true
	assert_confined
	run_dws status
	assert_out 'user slurm-dws, role workload-manager'
	# What the site bound outlives an upgrade.
	use_release 0.1.17
	seed_images
	must "$DWS_CSM" upgrade --skip-images
	run_dws wlm check "$file"
	assert_rc 0
	assert_confined
	given_no_dws
	given_dws
}

test_before_dws_is_there()
{
	given_no_dws
	run_dws wlm create "$file" "${ca[@]}"
	assert_rc 0
	assert_err 'no Workflows are served'
	assert_out 'once DWS is installed'
	run_dws wlm check "$file"
	assert_rc 3
	assert_err 'DWS is not installed'
	given_dws
	run_dws wlm check "$file"
	assert_rc 0
}

test_what_is_there_is_not_overwritten()
{
	echo mine >"$file"
	run_dws wlm create "$file" "${ca[@]}"
	assert_rc 2
	assert_err "'$file' is there already" "'dws-csm wlm renew'" --force
	assertEquals mine "$(<"$file")"
	run_dws wlm create "$file" "${ca[@]}" --force
	assert_rc 0
	assertEquals 'mode' 600 "$(stat -c %a "$file")"
}

test_others_in_the_binding_stay()
{
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole="$role" --user=flux
	given_credential
	assertEquals 'subjects' 'flux slurm-dws' "$(kubectl get \
		clusterrolebinding slurm-dws-viewer -o json |
		jq -r '[.subjects[].name] | join(" ")')"
	run_dws wlm revoke
	assert_rc 0
	assert_out 'the binding stays for others'
	assertEquals 'subjects' flux "$(kubectl get clusterrolebinding \
		slurm-dws-viewer -o json | jq -r '[.subjects[].name] | join(" ")')"
}

test_a_binding_to_a_role_that_is_gone_is_made_anew()
{
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole=gone --user=slurm-dws --user=flux
	run_dws wlm create "$file" "${ca[@]}"
	assert_rc 0
	assertEquals "$role flux slurm-dws" "$(kubectl get \
		clusterrolebinding slurm-dws-viewer -o json | jq -r \
		'"\(.roleRef.name) \([.subjects[].name] | join(" "))"')"
}

# --- renew ------------------------------------------------------------------

test_renewal()
{
	local before

	given_credential --namespace jobs --key-type ec --days 10
	before=$(key)
	run_dws wlm renew "$file" "${ca[@]}"
	assert_rc 0
	assert_out 'namespace jobs' "$(not_after)"
	assertNotEquals 'the key' "$before" "$(key)"
	assertContains 'its type stays' "$(key)" P-256
	assertEquals 'mode' 600 "$(stat -c %a "$file")"
	assert_annotation credential-until "$(not_after)"
	assertEquals 'no other file' "$file" "$(echo "$file"*)"
	run_dws wlm renew "$TEST_DIR/none"
	assert_rc 1
	assert_err "'$TEST_DIR/none'" "'dws-csm wlm create'"
}

# call NUMBER: calls as long as the file `go` is there.
call()
{
	while [ -e "$TEST_DIR/go" ]; do
		echo x >>"$TEST_DIR/calls.$1"
		"$KUBECTL" --cache-dir="$TEST_DIR/kube-cache.$1" \
			--kubeconfig "$file" get workflows \
			>"$TEST_DIR/call.$1" 2>&1 ||
			cat "$TEST_DIR/call.$1" >>"$TEST_DIR/lost"
	done
}

calls_made()
{
	cat "$TEST_DIR"/calls.* 2>&1 | grep -c x
}

# Renewed over and over, by either way, until there were calls enough.
test_renewal_under_load_loses_no_call()
{
	local i pids=() end=$((SECONDS + 120)) renewed=0

	given_credential
	rm -f "$TEST_DIR/lost" "$TEST_DIR"/calls.*
	: >"$TEST_DIR/go"
	for i in 1 2 3; do
		call "$i" &
		pids+=($!)
	done
	until [ "$renewed" -ge 12 ] && [ "$(calls_made)" -ge 24 ]; do
		[ "$SECONDS" -lt "$end" ] || break
		if [ $((renewed % 3)) = 2 ]; then
			run_dws wlm renew "$file" --via-csr
		else
			run_dws wlm renew "$file" "${ca[@]}" --key-type ec
		fi
		assert_rc 0
		renewed=$((renewed + 1))
	done
	rm "$TEST_DIR/go"
	wait "${pids[@]}"
	[ "$renewed" -ge 12 ] || fail "renewed only $renewed times"
	[ "$(calls_made)" -ge 24 ] || fail "only $(calls_made) calls"
	[ ! -e "$TEST_DIR/lost" ] || fail "lost: $(<"$TEST_DIR/lost")"
}

# --- check ------------------------------------------------------------------

test_check()
{
	given_credential
	run_dws wlm check "$file"
	assert_rc 0
	assert_out "$file" CN=slurm-dws "$KUBE_SERVER" "$(not_after)" \
		'lists Workflows'
	run_dws wlm check "$file" -o json
	assert_rc 0
	assert_json '"\(.daysLeft >= 499) \(.problems | length) \(.namespace)"' \
		'true 0 default'
	run_dws wlm check "$file" --warn-days 501
	assert_rc 1
	assert_err 'expires in' "'dws-csm wlm renew'"
}

test_check_tells_what_is_wrong()
{
	given_credential --days 30
	run_dws wlm check "$file"
	assert_rc 1
	assert_err 'expires in'
	chmod 0640 "$file"
	run_dws wlm check "$file" -o json
	assert_rc 3
	assert_err 'mode 0640'
	assert_json '.problems | length' 2
	chmod 0600 "$file"
	run_dws wlm check "$TEST_DIR/none"
	assert_rc 3
	assert_err "'$TEST_DIR/none'" "'dws-csm wlm create'"
	sed "s|server: .*|server: https://127.0.0.1:1|" "$file" \
		>"$TEST_DIR/away"
	chmod 0600 "$TEST_DIR/away"
	run_dws wlm check "$TEST_DIR/away"
	assert_rc 5
	assert_err 'https://127.0.0.1:1'
	# Not 1, which is of what works.
	sed "s|certificate-authority-data: .*|certificate-authority-data: $(
		printf '%s\n' '-----BEGIN CERTIFICATE-----' xxxx \
			'-----END CERTIFICATE-----' | base64 -w 0)|" "$file" \
		>"$TEST_DIR/broken"
	chmod 0600 "$TEST_DIR/broken"
	run_dws wlm check "$TEST_DIR/broken"
	assert_rc 5
	assert_err 'cannot be read as PEM'
	must kubectl delete clusterrolebinding slurm-dws-viewer
	eventually 'rights to go' eval '! as_slurm get workflows'
	run_dws wlm check "$file"
	assert_rc 3
	assert_err forbidden "'dws-csm wlm renew'"
	run_dws wlm check "$T/token.conf"
	assert_rc 3
	assert_err 'no client certificate'
}

# --- revoke, status ---------------------------------------------------------

test_revoke()
{
	local long

	given_credential --days 300
	long=$(not_after)
	must "$DWS_CSM" wlm renew "$file" "${ca[@]}" --days 10
	assert_annotation credential-latest "$long"
	run_dws wlm revoke
	assert_rc 0
	assert_out 'has no rights' "stay valid until $long" wlm
	eventually 'rights to go' eval '! as_slurm get workflows'
	assertContains "$(as_slurm get workflows 2>&1)" Forbidden
	run_dws wlm revoke
	assert_rc 0
	assert_out 'nothing to revoke'
}

test_status_tells_when_it_ends()
{
	given_credential
	run_dws status
	assert_rc 0
	assert_out "user slurm-dws, role $role" \
		"credential valid until $(not_after)"
	run_dws status -o json
	assert_json '.workloadManager | "\(.until) \(.daysLeft >= 499) \(.roleFound)"' \
		"$(not_after) true true"
	must "$DWS_CSM" wlm renew "$file" "${ca[@]}" --days 30
	run_dws status
	assert_out "valid until $(not_after)" "'dws-csm wlm renew'"
	must kubectl annotate clusterrolebinding slurm-dws-viewer \
		dws-csm.io/credential-until-
	run_dws status
	assert_out 'not made by dws-csm'
	must kubectl delete clusterrolebinding slurm-dws-viewer
	run_dws status -o json
	assert_json .workloadManager null
}

# shellcheck disable=SC1091 # Debian's
. shunit2
