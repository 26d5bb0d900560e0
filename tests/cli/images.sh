# shellcheck shell=bash
# images.sh: what the tests of images share: registries of their own, beside
# those of tests/servers/up, and the questions asked of them.
#
#   registry_up      registry.local:6510, user and password, named "images"
#   proxy_up         registry.local:6511, the fault proxy before it: "fault"
#   push ARG...      images push with what the registry needs; then rc, out,
#                    err as run_dws has them
#   tag_is REPO:TAG  the digest that the tag has, or nothing

# There need be no cluster.
: "${KUBECTL:=true}"
# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/servers/lib.sh
. "$root/tests/servers/lib.sh"

registry=registry.local:6510
proxy=registry.local:6511
# shellcheck disable=SC2154 # lib.sh sets release
dws=dws:$release

registry_up()
{
	servers_init &&
		server_start registry images registry.local 6510 htpasswd &&
		mkdir -p "$TEST_DIR/certs" &&
		cp "$REGISTRY_CA" "$TEST_DIR/certs/" &&
		layout=$TEST_DIR/layout &&
		"$root/tests/cli/layout.py" "$layout" \
			"registry.local/$dws=base:300000,dws:200000" \
			registry.local/kube-rbac-proxy:v0.14.1=base:300000,p:10
}

proxy_up()
{
	server_start fault fault registry.local 6511 "https://$registry" &&
		registry_login "$proxy" && fault_rules fault '[]'
}

registry_down()
{
	local name

	[ -d "$TEST_DIR" ] || return 0
	for name; do
		server_stop "$name"
	done
}

# Each test has repositories of its own, $prefix: the registry outlives the
# script.
new_prefix()
{
	prefix=$(basename "$0" .sh)
	prefix=${prefix//_/-}/t$((++prefixes))
}

push()
{
	run_dws images push --registry "${to:-$registry}/$prefix" \
		--authfile "$REGISTRY_AUTHFILE" \
		--registry-ca "${ca:-$REGISTRY_CA}" "$@"
}

# images_skopeo COMMAND ARG...: with the credentials, trusting the registries.
images_skopeo()
{
	local command=$1

	shift
	skopeo "$command" --authfile "$REGISTRY_AUTHFILE" \
		"--${certs:-}cert-dir=$TEST_DIR/certs" "$@"
}

tag_is()
{
	images_skopeo inspect --raw "docker://$registry/$prefix/$1" \
		2>/dev/null >"$TEST_DIR/raw" || return 0
	echo "sha256:$(sha256sum <"$TEST_DIR/raw" | cut -d ' ' -f 1)"
}

# assert_no_tag: no image of this test has a tag.
assert_no_tag()
{
	assertEquals "tag of $dws" '' "$(tag_is "$dws")"
	assertEquals 'tag of kube-rbac-proxy' '' \
		"$(tag_is kube-rbac-proxy:v0.14.1)"
}

# assert_same_image LAYOUT: the registry gives the dws image back byte for byte
# as it is there.
assert_same_image()
{
	local copy=$TEST_DIR/copy file

	rm -rf "$copy"
	certs=src- images_skopeo copy -q "docker://$registry/$prefix/$dws" \
		"dir:$copy" >"$TEST_DIR/skopeo" 2>&1 ||
		fail "skopeo cannot pull: $(<"$TEST_DIR/skopeo")"
	for file in "$copy"/*; do
		case ${file##*/} in
		version) continue ;;
		manifest.json) set -- "$1" "$(sha256sum <"$file" |
			cut -d ' ' -f 1)" ;;
		*) set -- "$1" "${file##*/}" ;;
		esac
		cmp "$file" "$1/blobs/sha256/$2" >"$TEST_DIR/cmp" 2>&1 ||
			fail "${file##*/}: $(<"$TEST_DIR/cmp")"
	done
}

prefixes=0
