# shellcheck shell=bash
# What the tests of wlm have in common: a cluster with DWS, a credential.

# shellcheck disable=SC2034,SC2119,SC2154 # of the tests; optional; $T/env

# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

file=$TEST_DIR/slurm-dws.kubeconfig
ca=(--ca-cert "$T/pki/ca.crt" --ca-key "$T/pki/ca.key")

oneTimeSetUp()
{
	only_kinds Storage Workflow
	seed_images
	pods_fare
	given_no_dws
	given_dws
}

oneTimeTearDown()
{
	[ -d "$TEST_DIR" ] || return 0
	given_no_dws
}

setUp()
{
	rm -f "$file" "$file.new"
	must kubectl delete clusterrolebinding slurm-dws-viewer --ignore-not-found
}

# given_credential [ARG...]
given_credential()
{
	must "$DWS_CSM" wlm create "$file" "${ca[@]}" "$@"
}

# as_slurm ARG...: kubectl with the credential, and nothing else.
as_slurm()
{
	kubectl --kubeconfig "$file" "$@"
}

# certificate: what openssl says of the one in the file.
certificate()
{
	sed -n 's/.*client-certificate-data: //p' "$file" | base64 -d |
		openssl x509 -noout "$@"
}

not_after()
{
	date -u -d "$(certificate -enddate | cut -d= -f2)" +%FT%TZ
}
