#!/bin/bash
# image.sh OUT.tar NAME:TAG FILE...
#
# Writes a docker-archive (as `docker save` does) of a FROM-scratch image that
# holds the files at the top of its tree; the first one, a static program, is
# the entry point, run as user 65532.  The same input makes the same bytes.
# For another layout: skopeo copy docker-archive:OUT.tar oci:DIR:TAG

set -euo pipefail

[ $# -ge 3 ] || { sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
out=$1 name=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# plain_tar OUT DIR NAME...: sorted, nobody's, of the year 1970.
plain_tar()
{
	local to=$1 from=$2

	shift 2
	tar -C "$from" --format=ustar --sort=name --mtime=@0 --numeric-owner \
		--owner=0 --group=0 -cf "$to" "$@"
}

mkdir -p "$work/root/tmp" "$work/root/etc" "$work/image"
chmod 0755 "$work/root" "$work/root/etc"
chmod 1777 "$work/root/tmp"
echo 'nonroot:x:65532:65532:nonroot:/:/' >"$work/root/etc/passwd"
chmod 0644 "$work/root/etc/passwd"
for file; do
	install -m 0755 "$file" "$work/root/$(basename "$file")"
done
plain_tar "$work/layer.tar" "$work/root" .
layer=$(sha256sum <"$work/layer.tar" | cut -d ' ' -f 1)
mv "$work/layer.tar" "$work/image/$layer.tar"
case $(uname -m) in
aarch64) architecture=arm64 ;;
*) architecture=amd64 ;;
esac
jq -cn --arg entry "/$(basename "$1")" --arg layer "sha256:$layer" \
	--arg architecture "$architecture" '{
	architecture: $architecture, os: "linux",
	created: "1970-01-01T00:00:00Z",
	config: {User: "65532:65532", Entrypoint: [$entry], WorkingDir: "/",
		Env: ["PATH=/"]},
	rootfs: {type: "layers", diff_ids: [$layer]},
	history: [{created: "1970-01-01T00:00:00Z"}]}' >"$work/config.json"
config=$(sha256sum <"$work/config.json" | cut -d ' ' -f 1)
mv "$work/config.json" "$work/image/$config.json"
jq -cn --arg config "$config.json" --arg name "$name" --arg layer "$layer.tar" \
	'[{Config: $config, RepoTags: [$name], Layers: [$layer]}]' \
	>"$work/image/manifest.json"
chmod 0644 "$work"/image/*
plain_tar "$out" "$work/image" manifest.json "$config.json" "$layer.tar"
