#!/bin/bash
# demo.sh: what `make demo` shows. Real servers are started on loopback, image
# archives made on the spot are put into a signed bundle behind the executable,
# and that one file installs DWS. It is looked at, upgraded, killed in the
# middle of that and resumed, rolled back, and removed.
#
#   DWS_CSM      the executable
#   KEEP=1       leave the servers running, with DWS installed
#   IMAGES=pull  take the real images from upstream's registries (needs a
#                network; the sandbox then has none, so they are pulled first)

set -euo pipefail

root=$(realpath "$(dirname "$0")/..")
DWS_CSM=${DWS_CSM:-$root/build/dws-csm}
version=0.1.17
before=0.0.20 # what is upgraded

bold='' dim='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
fi

say()
{
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# show COMMAND...: as a user types it, then what it says.
show()
{
	printf '\n%s$ %s%s\n' "$dim" "dws-csm ${*//$T/\$T}" "$plain"
	"$DWS_CSM" "$@"
}

# carried VERSION COMMAND...: by the file that was carried in.
carried()
{
	local file=dws-csm-$1

	shift
	printf '\n%s$ %s%s\n' "$dim" "./$file ${*//$T/\$T}" "$plain"
	"$T/$file" "$@"
}

# The images are needed inside, but a network is only outside.
if [ -z "${DWS_CSM_SANDBOX:-}" ]; then
	"$root/tests/servers/kubernetes.sh" >/dev/null
	if [ "${IMAGES:-}" = pull ]; then
		DEMO_IMAGES=$(mktemp -d)
		export DEMO_IMAGES
		trap 'rm -rf "$DEMO_IMAGES"' EXIT
		say "Pulling the images of DWS $version from upstream"
		"$DWS_CSM" images pull --version "$version" \
			--to "$DEMO_IMAGES/layout"
	fi
	if [ "${KEEP:-}" = 1 ]; then
		log=$(mktemp)
		setsid "$root/tests/servers/sandbox" "$0" >"$log" 2>&1 \
			</dev/null &
		server=$!
		tail --pid="$server" -n +1 -f "$log" &
		until grep -q '^# kept$' "$log" || ! kill -0 "$server"; do
			sleep 0.2
		done 2>/dev/null
		sleep 0.5
		kill $!
		grep -q '^# kept$' "$log" && rm -f "$log"
		exit
	fi
	"$root/tests/servers/sandbox" "$0"
	exit
fi

say "Starting a Kubernetes API server with three nodes, and a registry"
"$root/tests/servers/up" >"$T/up.log" 2>&1 || { cat "$T/up.log"; exit 1; }
set -a
# shellcheck disable=SC1091 # written by up
. "$T/env"
set +a
# An NCN's host trusts the platform's CA; here the test CA stands for it.
export DWS_CSM_REGISTRY_CA=$REGISTRY_CA
"$KUBECTL" version --short 2>/dev/null | sed -n 's/^Server/Kubernetes/p'

if [ -n "${DEMO_IMAGES:-}" ]; then
	from=(--from "oci:$DEMO_IMAGES/layout")
else
	say "Making two image archives (small static programs in place of DWS)"
	"$root/tests/servers/dws-images.sh" "$T/images" "$version"
	from=(--from "docker-archive:$T/images/dws.tar"
		--from "docker-archive:$T/images/kube-rbac-proxy.tar")
	"$root/tests/servers/dws-images.sh" "$T/images/before" "$before"
	from_before=(--from "docker-archive:$T/images/before/dws.tar"
		--from "docker-archive:$T/images/before/kube-rbac-proxy.tar")
fi

say "One file to carry: the executable with manifests and images, signed"
show bundle keygen "$T/site" --key-password-stdin <<<''
show bundle create "$T/dws-csm-$version" --self-contained --key "$T/site.key" \
	--release "$version" "${from[@]}"
show bundle verify "$T/dws-csm-$version" --trust "$T/site.pub"

say "Is the registry as it should be?"
show doctor registry

say "Installing DWS $version out of that file alone"
export DWS_CSM_TRUST=$T/site.pub
carried "$version" install

say "What stands there now"
show status

say "Once more: nothing is left to do"
carried "$version" install

if [ "${KEEP:-}" = 1 ]; then
	cat <<-END

	The servers stay. Everything is in a network of its own; enter it with

	    $root/tests/servers/enter $T

	where KUBECONFIG=$KUBECONFIG
	and kubectl ($KUBECTL), dws-csm and the registry can be used.
	End it with  kill $$  inside, or  rm $T/keep  from here.
	END
	touch "$T/keep"
	echo '# kept'
	exec >/dev/null 2>&1
	while [ -e "$T/keep" ]; do
		sleep 1
	done
	"$root/tests/servers/down"
	exit 0
fi

upgrade_demo()
{
	say "An older release with custom resources in its place"
	show uninstall
	show install --version "$before" "${from_before[@]}"
	"$KUBECTL" create -f - <<-END
	apiVersion: dataworkflowservices.github.io/v1alpha2
	kind: Storage
	metadata: {name: rabbit-0, namespace: default}
	spec: {state: Enabled}
	END

	say "The upgrade is killed in its middle"
	printf '\n%s$ ./%s upgrade &  kill -9 $!%s\n' "$dim" \
		"dws-csm-$version" "$plain"
	"$T/dws-csm-$version" upgrade --progress none &
	until grep -q '"step": *"deploy"' "$T/state/journal.json" 2>/dev/null; do
		sleep 0.01
	done
	kill -9 $!
	wait $! 2>/dev/null || true
	show status | head -n 4

	say "Whoever finds it so goes on, or back"
	show resume
	"$KUBECTL" get storages.v1alpha7.dataworkflowservices.github.io rabbit-0
	show rollback
	show history
}

[ -z "${from_before:-}" ] || upgrade_demo

say "Removing DWS"
show uninstall --yes
show status
"$root/tests/servers/down" >/dev/null 2>&1
say "Done. The servers have ended; nothing is left behind."
