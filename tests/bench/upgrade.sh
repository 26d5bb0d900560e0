# shellcheck shell=bash disable=SC2154 # run sets release
# upgrade.sh: what `run` measures of an upgrade and of a backup. It sources
# this.

old=$release new=0.1.17

# Nodes whose pods get ready, and a cert-manager: both sides wait for them.
upgrade_servers()
{
	server_start certmanager v1alpha3
	server_start nodes 3
	server_start webhook
}

# upgrade_image NAME TAG LAYERS MIB: $T/bench/NAME.tar, an oci-archive.
upgrade_image()
{
	tests/bench/image.py "$T/bench/image" "$2" "$3" "$4"
	tar -C "$T/bench/image" -cf "$T/bench/$1.tar" \
		oci-layout index.json blobs
	rm -rf "$T/bench/image"
}

# upgrade_inputs: images of about the size of the real ones, and both releases
# as the kustomizations that an administrator has.
upgrade_inputs()
{
	local version dir

	mkdir -p "$T/bench/ca" "$T/bench/old"
	cp "$REGISTRY_CA" "$T/bench/ca/ca.crt"
	tests/servers/dws-images.sh "$T/bench/old" "$old"
	upgrade_image dws "$new" 4 15
	upgrade_image kube-rbac-proxy v0.14.1 2 10
	for version in "$old" "$new"; do
		dir=$T/bench/$version
		mkdir -p "$dir"
		"$DWS_CSM" manifests --version "$version" -o json |
			jq -r '.items[] | select(.kind != "Namespace") |
				"---", tojson' >"$dir/dws.yaml"
		echo 'resources: [dws.yaml]' >"$dir/kustomization.yaml"
	done
}

# The old release, ready, its images being all that the registry has.
upgrade_reset()
{
	local name

	empty_registry
	for name in "dws:$old" kube-rbac-proxy:v0.14.1; do
		skopeo copy --quiet --insecure-policy \
			--authfile "$REGISTRY_AUTHFILE" \
			--dest-cert-dir "$T/bench/ca" \
			"docker-archive:$T/bench/old/${name%%:*}.tar" \
			"docker://registry.local/$name"
	done
	"$DWS_CSM" uninstall --quiet --yes
	"$DWS_CSM" install --quiet --skip-images --version "$old"
	"$KUBECTL" --cache-dir "$T/bench/kube" -n default apply -f - \
		>"$T/bench/reset" <<-END
	apiVersion: dataworkflowservices.github.io/v1alpha2
	kind: Storage
	metadata: {name: rabbit-0}
	spec: {state: Enabled}
	END
}

upgrade_ours()
{
	turn upgrade-ours "$DWS_CSM" upgrade --quiet --version "$new" \
		--from "dws=oci-archive:$T/bench/dws.tar:$new" \
		--from "kube-rbac-proxy=oci-archive:$T/bench/kube-rbac-proxy.tar:v0.14.1" \
		--authfile "$REGISTRY_AUTHFILE" --registry-ca "$REGISTRY_CA"
}

bench_upgrade()
{
	local n

	upgrade_servers
	upgrade_inputs
	for ((n = 0; n < ${BENCH_RUNS:-3}; n++)); do
		upgrade_reset
		upgrade_ours
		upgrade_reset
		turn upgrade-theirs tests/bench/by-hand.sh "$T/bench" \
			"$old" "$new"
	done
	row 'upgrade, wall' "$(median upgrade-ours 1)" \
		"$(median upgrade-theirs 1)" 0.5x s
	row 'upgrade, CPU' "$(median upgrade-ours 2)" \
		"$(median upgrade-theirs 2)" '' s
	row 'upgrade, memory' "$(median upgrade-ours 3)" \
		"$(median upgrade-theirs 3)" '' MiB
	"$DWS_CSM" uninstall --quiet --yes
	server_stop webhook
	server_stop nodes
	server_stop certmanager
}

bench_backup()
{
	local count=${BENCH_RESOURCES:-20000}

	"$DWS_CSM" install --quiet --skip-images --no-wait --version "$new"
	tests/cli/resources.py many "$count"
	turn backup-ours "$DWS_CSM" backup create --quiet
	turn backup-theirs "$KUBECTL" --cache-dir "$T/bench/kube" get \
		storages.v1alpha7.dataworkflowservices.github.io -A -o yaml
	row "backup of $count, wall" "$(median backup-ours 1)" \
		"$(median backup-theirs 1)" '' s
	row "backup of $count, CPU" "$(median backup-ours 2)" \
		"$(median backup-theirs 2)" '' s
	row "backup of $count, memory" "$(median backup-ours 3)" \
		"$(median backup-theirs 3)" 64 MiB
	"$DWS_CSM" uninstall --quiet --yes
}
