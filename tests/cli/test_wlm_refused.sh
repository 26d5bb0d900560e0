#!/bin/bash
# wlm: what is refused, and that it leaves everything as it was.

# shellcheck disable=SC2119,SC2154 # optional arguments; $T/env

# shellcheck source=tests/cli/wlm.sh
. "$(dirname "${BASH_SOURCE[0]}")/wlm.sh"

# The server does not know whom it signs for.
other_ca=(--ca-cert "$TEST_DIR/other.crt" --ca-key "$TEST_DIR/other.key")
given_other_ca()
{
	[ -e "$TEST_DIR/other.crt" ] ||
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 \
			-subj /CN=other -keyout "$TEST_DIR/other.key" \
			-out "$TEST_DIR/other.crt" 2>"$TEST_DIR/openssl" ||
		fail openssl
}

# given_limited RULE...: what the user of limited.conf may, besides looking.
given_limited()
{
	{
		cat <<-END
		apiVersion: rbac.authorization.k8s.io/v1
		kind: ClusterRole
		metadata: {name: limited}
		rules:
		- {apiGroups: ['*'], resources: ['*'], verbs: [get, list]}
		END
		[ $# -eq 0 ] || printf -- '- %s\n' "$@"
	} | must kubectl apply -f -
	must kubectl create clusterrolebinding limited --clusterrole=limited \
		--user=limited
	eventually 'rights' kubectl --kubeconfig "$T/limited.conf" get secrets
}

no_limited()
{
	must kubectl delete clusterrole,clusterrolebinding limited
}

# The binding: its role and its subjects.
binding()
{
	kubectl get clusterrolebinding slurm-dws-viewer -o json |
		jq -r '"\(.roleRef.name): \([.subjects[].name] | join(" "))"'
}

test_a_failure_leaves_nothing()
{
	given_other_ca
	run_dws wlm create "$file" "${other_ca[@]}"
	assert_rc 5
	assert_err "'$TEST_DIR/other.crt' is not the CA of this cluster's users"
	assertEquals 'files' "$file*" "$(echo "$file"*)"
	assertEquals 'binding' '' "$(kubectl get clusterrolebinding \
		slurm-dws-viewer --ignore-not-found -o name)"
	run_dws wlm create "$file" --ca-cert "$T/pki/ca.crt" \
		--ca-key "$TEST_DIR/other.key"
	assert_rc 1
	assert_err 'certificate and key of the CA differ'
	run_dws wlm create "$file" --ca-key "$TEST_DIR/none"
	assert_rc 1
	assert_err --via-csr
	run_dws wlm create "$TEST_DIR/none/file" "${ca[@]}"
	assert_rc 1
	assert_err "folder '$TEST_DIR/none'"
	run_dws wlm create "$file" "${ca[@]}" --via-csr
	assert_rc 2
	assertEquals 'binding' '' "$(kubectl get clusterrolebinding \
		slurm-dws-viewer --ignore-not-found -o name)"
}

test_who_could_read_secrets_gets_no_credential()
{
	must kubectl create clusterrole too-much --verb=get,list --resource=secrets
	must kubectl create clusterrolebinding too-much --clusterrole=too-much \
		--user=slurm-dws
	run_dws wlm create "$file" "${ca[@]}"
	assert_rc 3
	assert_err 'may read Secrets'
	[ ! -e "$file" ] || fail 'a file was written'
	must kubectl delete clusterrole,clusterrolebinding too-much
	given_credential
	must kubectl create clusterrole too-much --verb=get,list --resource=secrets
	must kubectl create clusterrolebinding too-much --clusterrole=too-much \
		--user=slurm-dws
	eventually 'rights' as_slurm get secrets
	run_dws wlm check "$file"
	assert_rc 3
	assert_out 'may read Secrets'
	must kubectl delete clusterrole,clusterrolebinding too-much
}

test_who_may_not_approve_is_told()
{
	run_dws wlm create "$file" --via-csr --kubeconfig "$T/limited.conf"
	assert_rc 5
	assert_err forbidden
	[ ! -e "$file" ] || fail 'a file was written'
	assertEquals 'no request stays' '' "$(kubectl get csr -o name)"
}

test_a_role_of_somebody_else_is_left_alone()
{
	given_no_dws
	must kubectl create clusterrole dws-workload-manager --verb=get \
		--resource=pods
	run_dws wlm create "$file" "${ca[@]}"
	assert_rc 3
	assert_err "'dws-workload-manager' is somebody else's"
	must kubectl delete clusterrole dws-workload-manager
	given_dws
}

test_a_binding_to_a_role_of_somebody_else_is_left_alone()
{
	local before

	must kubectl create clusterrole site --verb=get --resource=pods
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole=site --user=flux
	before=$(kubectl get clusterrolebinding slurm-dws-viewer -o json)
	run_dws wlm create "$file" "${ca[@]}"
	assert_rc 3
	assert_err "is bound to ClusterRole 'site'"
	assertEquals 'unchanged' "$before" \
		"$(kubectl get clusterrolebinding slurm-dws-viewer -o json)"
	[ ! -e "$file" ] || fail 'a file was written'
	must kubectl delete clusterrole site
}

test_a_binding_that_cannot_be_made_anew_is_put_back()
{
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole=gone --user=flux
	must kubectl label clusterrolebinding slurm-dws-viewer site=ours
	# It may bind to that role only, and has not itself what the other has.
	given_limited "{apiGroups: [rbac.authorization.k8s.io],
		resources: [clusterrolebindings], verbs: [create, delete]}" \
		"{apiGroups: [rbac.authorization.k8s.io], resourceNames: [gone],
		resources: [clusterroles], verbs: [bind]}"
	run_dws wlm create "$file" "${ca[@]}" --kubeconfig "$T/limited.conf"
	assert_rc 5
	assert_err "bind user 'slurm-dws' to role '$role'"
	assertEquals 'as it was' 'gone: flux' "$(binding)"
	assertEquals 'its label' ours "$(kubectl get clusterrolebinding \
		slurm-dws-viewer -o json | jq -r .metadata.labels.site)"
	no_limited
}

# Certificates of before would have their rights again.
test_a_failure_gives_no_rights()
{
	given_other_ca
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole="$role" --user=flux
	run_dws wlm create "$file" "${other_ca[@]}"
	assert_rc 5
	assertEquals 'as it was' "$role: flux" "$(binding)"
	run_dws wlm create "$file" --ca-cert "$T/pki/ca.crt" \
		--ca-key "$TEST_DIR/other.key"
	assert_rc 1
	assertEquals 'as it was' "$role: flux" "$(binding)"
	must kubectl delete clusterrolebinding slurm-dws-viewer
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole=gone --user=flux
	run_dws wlm create "$file" "${other_ca[@]}"
	assert_rc 5
	assertEquals 'as it was' 'gone: flux' "$(binding)"
}

test_a_failure_leaves_no_role()
{
	given_no_dws
	given_other_ca
	must kubectl delete clusterrole dws-workload-manager workload-manager \
		--ignore-not-found
	run_dws wlm create "$file" "${other_ca[@]}"
	assert_rc 5
	assertEquals 'roles' '' "$(kubectl get clusterrole \
		dws-workload-manager --ignore-not-found -o name)"
	given_dws
}

# The file is there and works: it keeps its rights.
test_who_may_not_note_when_it_expires_is_told()
{
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole="$role" --user=slurm-dws
	given_limited
	run_dws wlm create "$file" "${ca[@]}" --kubeconfig "$T/limited.conf"
	assert_rc 0
	assert_err 'cannot tell when it expires'
	must as_slurm get workflows
	no_limited
}

test_a_renewal_that_fails_leaves_the_old_one()
{
	given_credential
	cp "$file" "$TEST_DIR/before"
	given_other_ca
	run_dws wlm renew "$file" "${other_ca[@]}"
	assert_rc 5
	cmp -s "$file" "$TEST_DIR/before" || fail 'the file was changed'
	assertEquals 'no other file' "$file" "$(echo "$file"*)"
}

assert_refused_untouched()
{
	local path=$1
	shift
	cp "$path" "$TEST_DIR/before"
	run_dws wlm check "$path"
	assert_rc 3
	assert_err "'$path'" "$@"
	run_dws wlm renew "$path" "${ca[@]}"
	assert_rc 2
	assert_err "'$path'" "$@"
	cmp -s "$path" "$TEST_DIR/before" || fail 'the file was changed'
}

# The file is another user's: nothing of it is run, no other file read.
test_what_create_does_not_write_is_refused()
{
	given_credential
	cp "$file" "$TEST_DIR/good"
	rm -f "$TEST_DIR/ran"
	cat >>"$file" <<-END
	    exec:
	      apiVersion: client.authentication.k8s.io/v1beta1
	      command: touch
	      args: ["$TEST_DIR/ran"]
	END
	assert_refused_untouched "$file" "has 'exec'"
	[ ! -e "$TEST_DIR/ran" ] || fail 'a program of the file was run'
	{
		cat "$TEST_DIR/good"
		echo "    tokenFile: $T/pki/ca.key"
	} >"$file"
	assert_refused_untouched "$file" "has 'tokenFile'"
	sed "s|^    server:.*|&\n    certificate-authority: $T/pki/ca.key|" \
		"$TEST_DIR/good" >"$file"
	assert_refused_untouched "$file" "has 'certificate-authority'"
	cp "$TEST_DIR/good" "$file"
	run_dws wlm renew "$file" "${ca[@]}"
	assert_rc 0
}

test_no_other_kubeconfig_is_overwritten()
{
	local admin=$TEST_DIR/admin.copy

	(umask 077 && kubectl config view --raw --flatten >"$admin")
	assert_refused_untouched "$admin" kubernetes-admin "not of 'CN=slurm-dws'"
	given_credential
	must as_slurm config set-context other --cluster=kubernetes \
		--user=slurm-dws
	assert_refused_untouched "$file" 'has 2 contexts'
}

test_a_file_of_another_beside_it_stays()
{
	given_credential
	echo mine >"$file.new"
	run_dws wlm renew "$file" "${ca[@]}"
	assert_rc 0
	assertEquals mine "$(<"$file.new")"
	run_dws wlm check "$file"
	assert_rc 0
}

# It would have mode 0600 after that, and a link would be no link.
test_a_renewal_takes_the_file_from_nobody()
{
	given_credential
	cp "$file" "$TEST_DIR/before"
	chmod 0640 "$file"
	run_dws wlm renew "$file" "${ca[@]}"
	assert_rc 3
	assert_err 'mode 0640' 'chown slurm'
	chmod 0600 "$file"
	ln -sf "$file" "$TEST_DIR/link"
	run_dws wlm check "$TEST_DIR/link"
	assert_rc 0
	run_dws wlm renew "$TEST_DIR/link" "${ca[@]}"
	assert_rc 3
	assert_err 'is a symbolic link'
	cmp -s "$file" "$TEST_DIR/before" || fail 'the file was changed'
}

# shellcheck disable=SC1091 # Debian's
. shunit2
