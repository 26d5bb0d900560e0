#!/bin/bash
# by-hand.sh DIR OLD NEW
#
# An upgrade as an administrator does it with skopeo, kubectl and kustomize: the
# images, undeploy, deploy, waiting. DIR holds the images as dws.tar and
# kube-rbac-proxy.tar (oci-archive), and the kustomization of each release as
# DIR/VERSION. Custom resources go with their CRDs; nothing brings them back.

set -euo pipefail

dir=$1 old=$2 new=$3
ours=dataworkflowservices.github.io
kubectl=("$KUBECTL" --cache-dir "$dir/kube")

for image in "dws:$new" kube-rbac-proxy:v0.14.1; do
	TMPDIR=$dir skopeo copy --quiet --insecure-policy \
		--authfile "$REGISTRY_AUTHFILE" --dest-cert-dir "$dir/ca" \
		"oci-archive:$dir/${image%%:*}.tar" \
		"docker://registry.local/$image"
done
if [ -n "$("${kubectl[@]}" get "workflows.$ours" -A -o name)" ]; then
	echo 'Workflows remain' >&2
	exit 1
fi
"${kubectl[@]}" kustomize "$dir/$old" |
	"${kubectl[@]}" delete --ignore-not-found -f -
"${kubectl[@]}" kustomize "$dir/$new" | "${kubectl[@]}" apply -f -
mapfile -t crds < <("${kubectl[@]}" get crd -o name | grep "$ours")
"${kubectl[@]}" wait --for=condition=Established --timeout=120s "${crds[@]}"
"${kubectl[@]}" -n dws-system wait --for=condition=Available --timeout=120s \
	deployment/dws-controller-manager deployment/dws-webhook
