#!/bin/bash
# dws-images.sh DIR VERSION [--crash]
#
# Makes the two images of a DWS release as docker-archives, with pod.c in the
# place of the programs: DIR/dws.tar (registry.local/dws:VERSION) and
# DIR/kube-rbac-proxy.tar (registry.local/kube-rbac-proxy:v0.14.1).  With
# --crash the controller and the webhook exit 1 at once.

set -euo pipefail

here=$(dirname "$(realpath "$0")")
dir=${1:?usage: dws-images.sh DIR VERSION [--crash]}
version=${2:?usage: dws-images.sh DIR VERSION [--crash]}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$dir"
"${CC:-cc}" -std=gnu11 -O2 -static -s -Wall -Wextra -o "$work/manager" \
	"$here/pod.c"
cp "$work/manager" "$work/kube-rbac-proxy"
files=("$work/manager")
if [ "${3:-}" = --crash ]; then
	echo 'pod.c looks for this file' >"$work/crash"
	files+=("$work/crash")
fi
"$here/image.sh" "$dir/dws.tar" "registry.local/dws:$version" "${files[@]}"
"$here/image.sh" "$dir/kube-rbac-proxy.tar" \
	registry.local/kube-rbac-proxy:v0.14.1 "$work/kube-rbac-proxy"
