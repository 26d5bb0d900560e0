# shellcheck shell=bash
# bundles.sh: what the tests of bundles share, on top of images.sh. The bundles
# are made by bundle.py, not by the program.
#
#   given_inputs DIR [VERSION...]   what bundle.py makes a bundle of: small
#                        images, manifests of the releases, an RPM, a document
#   given_key PATH       PATH.pem (private, without password) and PATH.pub
#   given_bundle FILE [OPTION...]   a signed bundle of $inputs, by $key
#   bundle_py COMMAND ARG...        must succeed
#   region FILE KIND [PATH]         "OFFSET LENGTH" of the first such region
#   flip_bit FILE BIT    flips that bit in place; again takes it back
#   bundle_verify FILE [OPTION...]  `bundle verify` trusting $key; then rc, err

# shellcheck source=tests/cli/images.sh
. "$(dirname "${BASH_SOURCE[0]}")/images.sh"

inputs=$TEST_DIR/inputs
key=$TEST_DIR/key

bundle_py()
{
	must "$root/tests/cli/bundle.py" "$@"
}

given_key()
{
	must openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out "$1.pem"
	must openssl pkey -in "$1.pem" -pubout -out "$1.pub"
}

given_inputs()
{
	local dir=$1 version file images=()

	shift
	[ $# -gt 0 ] || set -- "$release"
	rm -rf "$dir"
	mkdir -p "$dir/manifests" "$dir/docs" "$dir/rpms"
	for version; do
		for file in "$root/manifests/dws/$version"/*.yaml; do
			echo ---
			cat "$file"
		done >"$dir/manifests/$version.yaml"
		images+=("registry.local/dws:$version=base:300000,dws$version:200000")
	done
	must "$root/tests/cli/layout.py" "$dir/oci" "${images[@]}" \
		registry.local/kube-rbac-proxy:v0.14.1=base:300000,p:10,q:200000
	echo 'How to install.' >"$dir/docs/INSTALL.md"
	# The lead is all that most look at.
	{
		printf '\355\253\356\333\003\000\000\000\000\001'
		printf 'dws-slurm-plugin-1.0-1%01000d' 0
	} >"$dir/rpms/dws-slurm-plugin-1.0-1.noarch.rpm"
}

given_bundle()
{
	local file=$1

	shift
	[ -d "$inputs" ] || given_inputs "$inputs"
	[ -e "$key.pem" ] || given_key "$key"
	bundle_py make "$inputs" "$file" --key "$key.pem" "$@"
}

region()
{
	"$root/tests/cli/bundle.py" map "$1" | awk -v kind="$2" -v path="${3:-}" '
		$1 == kind && (path == "" || $4 == path) { print $2, $3; exit }'
}

flip_bit()
{
	local byte

	byte=$(od -An -tu1 -j $(($2 / 8)) -N 1 "$1")
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\x$(printf %02x $((byte ^ 1 << $2 % 8)))" |
		dd of="$1" bs=1 seek=$(($2 / 8)) conv=notrunc status=none
}

bundle_verify()
{
	local file=$1

	shift
	run_dws bundle verify "$file" --trust "$key.pub" "$@"
}
