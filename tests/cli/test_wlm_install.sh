#!/bin/bash
# install --with-wlm: the credential with the release, and what keeps either
# from being made.

# shellcheck disable=SC2119,SC2154,SC2317 # optional arguments; $T/env; ours

# shellcheck source=tests/cli/wlm.sh
. "$(dirname "${BASH_SOURCE[0]}")/wlm.sh"

with=(--skip-images --with-wlm --wlm-file "$file" "${ca[@]}")

oneTimeSetUp()
{
	only_kinds Storage Workflow
	seed_images
	pods_fare
}

setUp()
{
	rm -rf "$file" "$TEST_DIR/before"
	given_no_dws
}

assert_works()
{
	run_dws wlm check "$file"
	assert_rc 0
	must as_slurm get "workflows.$storage.$group"
	as_slurm get secrets >"$TEST_DIR/denied" 2>&1 && fail 'it reads Secrets'
	assertEquals 'mode' 600 "$(stat -c %a "$file")"
}

# Neither DWS nor rights nor file.
assert_nothing_made()
{
	assertEquals 'CRDs' '' "$(kubectl get crds -o name | grep "$group")"
	assertEquals 'binding' '' "$(kubectl get clusterrolebinding \
		slurm-dws-viewer --ignore-not-found -o name)"
	assertEquals 'requests' '' "$(kubectl get csr -o name)"
	assertEquals 'files' "$file*" "$(echo "$file"*)"
}

test_with_the_key_of_the_ca()
{
	run_dws install "${with[@]}" -o json
	assert_rc 0
	assert_err "credential of the workload manager: '$file'" "$(not_after)"
	assert_json '.workloadManager | "\(.role) \(.changed)"' "$role true"
	assert_works
	cp -p "$file" "$TEST_DIR/before"
	live_versions >"$TEST_DIR/versions"
	kubectl get clusterrolebinding slurm-dws-viewer -o yaml \
		>"$TEST_DIR/binding"
	run_dws install "${with[@]}" -o json
	assert_rc 0
	assert_err 'nothing was changed' 'as it was'
	assert_json '"\(.changed) \(.workloadManager.changed)"' 'false false'
	cmp -s "$file" "$TEST_DIR/before" || fail 'the file was changed'
	live_versions | cmp -s - "$TEST_DIR/versions" || fail 'objects changed'
	kubectl get clusterrolebinding slurm-dws-viewer -o yaml |
		cmp -s - "$TEST_DIR/binding" || fail 'the binding changed'
}

test_through_the_cluster()
{
	run_dws install --skip-images --with-wlm --wlm-file "$file" --via-csr \
		--key-type ec --namespace jobs
	assert_rc 0
	assert_works
	assertEquals 'no request stays' '' "$(kubectl get csr -o name)"
	run_dws wlm check "$file" -o json
	assert_json .namespace jobs
}

test_a_plan_is_carried_out()
{
	run_dws install "${with[@]}" --dry-run
	assert_rc 0
	assert_out "credential '$file' of user 'slurm-dws'" 'bind'
	assert_nothing_made
	run_dws plan install --skip-images --with-wlm --wlm-file "$file" \
		--via-csr -o "$TEST_DIR/plan.json"
	assert_rc 0
	assert_nothing_made
	run_dws apply "$TEST_DIR/plan.json"
	assert_rc 0
	assert_works
	# By now the file is there: it is another plan.
	given_no_dws
	run_dws apply "$TEST_DIR/plan.json"
	assert_rc 3
	assert_err "credential '$file'"
}

# refused CODE TEXT ARG...: and nothing was made.
refused()
{
	local code=$1 text=$2

	shift 2
	run_dws install --skip-images --with-wlm "$@"
	assert_rc "$code"
	assert_err "$text"
	assert_nothing_made
}

test_what_would_end_half_done_is_not_begun()
{
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other \
		-keyout "$TEST_DIR/other.key" -out "$TEST_DIR/other.crt" \
		2>"$TEST_DIR/openssl" || fail openssl
	refused 1 --via-csr --wlm-file "$file" --ca-key "$TEST_DIR/none"
	refused 1 "folder '$TEST_DIR/none'" --wlm-file "$TEST_DIR/none/x" \
		"${ca[@]}"
	refused 5 "'$TEST_DIR/other.crt' is not the CA" --wlm-file "$file" \
		--ca-cert "$TEST_DIR/other.crt" --ca-key "$TEST_DIR/other.key"
	refused 2 --ca-cert --wlm-file "$file" --via-csr "${ca[@]}"
	(umask 077 && kubectl config view --raw --flatten >"$TEST_DIR/admin")
	cp "$TEST_DIR/admin" "$TEST_DIR/before"
	refused 2 "not of 'CN=slurm-dws'" --wlm-file "$TEST_DIR/admin" "${ca[@]}"
	cmp -s "$TEST_DIR/admin" "$TEST_DIR/before" || fail 'it was changed'
	must kubectl create clusterrole too-much --verb=get,list --resource=secrets
	must kubectl create clusterrolebinding too-much --clusterrole=too-much \
		--user=slurm-dws
	refused 3 'may read Secrets' --wlm-file "$file" "${ca[@]}"
	must kubectl delete clusterrole,clusterrolebinding too-much
	must kubectl create clusterrole site --verb=get --resource=pods
	must kubectl create clusterrolebinding slurm-dws-viewer \
		--clusterrole=site --user=flux
	run_dws install "${with[@]}"
	assert_rc 3
	assert_err "bound to ClusterRole 'site'" 'nothing was changed'
	must kubectl delete clusterrolebinding slurm-dws-viewer
	must kubectl delete clusterrole site
	assert_nothing_made
}

# expired: the same credential, that ended yesterday.
expired()
{
	local dir=$TEST_DIR/ca

	mkdir -p "$dir"
	: >"$dir/index"
	echo 4711 >"$dir/serial"
	cat >"$dir/conf" <<-END
	[ca]
	default_ca = one
	[one]
	database = $dir/index
	serial = $dir/serial
	new_certs_dir = $dir
	default_md = sha256
	policy = any
	[any]
	commonName = supplied
	END
	sed -n 's/.*client-key-data: //p' "$file" | base64 -d >"$dir/key"
	{
		openssl req -new -key "$dir/key" -subj /CN=slurm-dws \
			-out "$dir/csr" &&
			openssl ca -batch -config "$dir/conf" -notext \
				-cert "$T/pki/ca.crt" -keyfile "$T/pki/ca.key" \
				-startdate 200101000000Z \
				-enddate 200201000000Z -in "$dir/csr" \
				-out "$dir/crt"
	} >"$TEST_DIR/openssl" 2>&1 || fail "$(<"$TEST_DIR/openssl")"
	sed -i "s|client-certificate-data: .*|client-certificate-data: $(
		base64 -w 0 "$dir/crt")|" "$file"
}

test_one_that_is_there_is_kept_or_renewed()
{
	given_credential --days 30
	cp "$file" "$TEST_DIR/before"
	run_dws wlm revoke
	run_dws install "${with[@]}"
	assert_rc 0
	assert_err 'expires in' "'dws-csm wlm renew'" 'as it was'
	cmp -s "$file" "$TEST_DIR/before" || fail 'the file was changed'
	must as_slurm get "workflows.$storage.$group"
	expired
	run_dws wlm check "$file"
	assert_rc 3
	run_dws install "${with[@]}" --dry-run
	assert_rc 0
	assert_out renew 'it has expired'
	run_dws install "${with[@]}"
	assert_rc 0
	assert_works
	chmod 0640 "$file"
	expired
	run_dws install "${with[@]}"
	assert_rc 3
	assert_err 'mode 0640'
}

test_a_failure_behind_dws_says_what_stands()
{
	# Somebody else's binding, that comes in the middle.
	mkdir -p "$TEST_DIR/hooks/post-install"
	cat >"$TEST_DIR/hooks/post-install/10-in-the-way" <<-END
	#!/bin/sh
	"$KUBECTL" create clusterrole site --verb=get --resource=pods
	"$KUBECTL" create clusterrolebinding slurm-dws-viewer \
		--clusterrole=site --user=flux
	END
	chmod 0755 "$TEST_DIR/hooks/post-install/10-in-the-way"
	run_dws install "${with[@]}" --hooks "$TEST_DIR/hooks"
	assert_rc 1
	assert_err "DWS $release is installed, but" "ClusterRole 'site'" \
		"'dws-csm wlm create $file'"
	[ ! -e "$file" ] || fail 'a file was written'
	must kubectl delete clusterrolebinding slurm-dws-viewer
	must kubectl delete clusterrole site
	run_dws wlm create "$file" "${ca[@]}"
	assert_rc 0
	assert_works
}

test_an_uninstallation_tells_of_it()
{
	must "$DWS_CSM" install "${with[@]}"
	run_dws uninstall --yes
	assert_rc 0
	assert_err "user 'slurm-dws' has no rights any more" "$(not_after)"
	[ -e "$file" ] || fail 'the file is gone'
	run_dws uninstall --yes
	assert_rc 0
	assertNotContains 'nobody was bound' "$err" slurm-dws
	must "$DWS_CSM" install "${with[@]}"
	assert_works
	run_dws status
	assert_out "credential valid until $(not_after)"
}

# shellcheck disable=SC1091 # Debian's
. shunit2
