#!/bin/bash
# kubernetes.sh [--node]
#
# Prints a directory that holds etcd, kube-apiserver, kube-controller-manager,
# kube-scheduler and kubectl (with --node kubelet and kube-proxy too).  Each is
# looked for in this order:
#   1. $KUBEBUILDER_ASSETS (usually kube-apiserver, etcd and kubectl);
#   2. PATH; but kubectl, controller manager and scheduler only within one
#      minor version of the API server;
#   3. the cache: Kubernetes 1.20.2, built once from Debian's own source
#      package `kubernetes`, etcd from Debian's package etcd-server.
# The build takes a few minutes of CPU and, as root, installs what it needs;
# otherwise it prints the apt command and exits 1.  Progress is on stderr.
#
# DWS_CSM_CACHE  where the cache is (default ~/.cache/dws-csm)

set -euo pipefail

# Part of the cache's key: raise it when the build below changes.
recipe=1
version=1.20.2
here=$(dirname "$(realpath "$0")")
cache=${DWS_CSM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dws-csm}
base_commands='kube-apiserver kube-controller-manager kube-scheduler kubectl'
node_commands='kubelet kube-proxy'
build_packages='golang-go dpkg-dev golang-github-modern-go-reflect2-dev'
work=

say()
{
	echo "kubernetes: ${SECONDS}s: $*" >&2
}

fail()
{
	echo "kubernetes.sh: $*" >&2
	exit 1
}

cleanup()
{
	[ -z "$work" ] || rm -rf "$work"
}

# need_packages PACKAGE...: installs the missing ones, or says how to.
need_packages()
{
	local package missing=()

	for package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null |
			grep -q 'ok installed' || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ]; then
		fail "packages are missing, install them with:" \
			"sudo apt-get install --no-install-recommends ${missing[*]}"
	fi
	say "installing ${missing[*]}"
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends "${missing[@]}" >&2 ||
		fail "cannot install ${missing[*]}; try 'apt-get update' first"
}

# minor PROGRAM: the minor version that a Kubernetes program tells.
minor()
{
	local args=--version

	case $1 in */kubectl) args='version --client' ;; esac
	# shellcheck disable=SC2086 # two words on purpose
	"$1" $args 2>/dev/null | grep -oE 'v1\.[0-9]+' | head -n 1 | cut -d. -f2
}

# skewed PROGRAM MINOR: true when it is further than one minor version off.
skewed()
{
	local own

	own=$(minor "$1")
	[ -z "$own" ] || [ $((own - $2)) -gt 1 ] || [ $(($2 - own)) -gt 1 ]
}

# given NAME: a program from KUBEBUILDER_ASSETS or PATH, or nothing.
given()
{
	local path=${KUBEBUILDER_ASSETS:-}/$1

	if [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ -x "$path" ]; then
		echo "$path"
	else
		type -P "$1" || :
	fi
}

# fetch_source: unpacks the source package into $work/src.
fetch_source()
{
	local tree

	say "fetching the source package"
	tree=$("$here/../../scripts/deb-source.sh" kubernetes "$work/deb") ||
		fail "cannot fetch the source package 'kubernetes'"
	case $tree in
	*/kubernetes-*"$version") mv "$tree" "$work/src" ;;
	*) fail "Debian's source is not $version but '${tree##*/}'" ;;
	esac
	say "source unpacked"
}

# The one generated file that the source package lacks: the OpenAPI document.
# `make generated_files` would run every generator there is.
generate_openapi()
{
	local prefix=k8s.io/kubernetes dirs list

	dirs=$(grep -rl --include='*.go' '^// *+k8s:openapi-gen=' \
		cmd pkg plugin staging/src/k8s.io |
		grep -vE '/(testdata|sample-[a-z]+|code-generator|_examples)/' |
		xargs -n 1 dirname | LC_ALL=C sort -u)
	list=$(echo "$dirs" | sed -e 's,^staging/src/,k8s.io/kubernetes/vendor/,' \
		-e "/^k8s.io/!s,^,$prefix/," | paste -sd,)
	go run ./vendor/k8s.io/kube-openapi/cmd/openapi-gen \
		-i "$list" -p "$prefix/pkg/generated/openapi" \
		-O zz_generated.openapi -h /dev/null -r "$work/violations" \
		>"$work/openapi.log" 2>&1 ||
		{ tail -n 20 "$work/openapi.log" >&2; fail "openapi-gen failed"; }
}

# build OUT COMMAND...: all commands by one `go build`, so that what they
# share is compiled once and they are linked side by side.
build()
{
	local out=$1 tree flags='-s -w' package name packages=() reflect2

	shift
	tree=$work/go/src/k8s.io/kubernetes
	mkdir -p "$(dirname "$tree")"
	mv "$work/src" "$tree"
	cd "$tree"
	# The vendored reflect2 1.0.1 miscompiles from Go 1.18 on.
	reflect2=github.com/modern-go/reflect2
	rm -f vendor/$reflect2/*.go vendor/$reflect2/*.s
	cp /usr/share/gocode/src/$reflect2/*.go /usr/share/gocode/src/$reflect2/*.s \
		vendor/$reflect2/
	rm -f vendor/$reflect2/*_test.go

	export HOME=$work GOPATH=$work/go GOCACHE=$work/gocache GOFLAGS='' \
		GO111MODULE=off GOPROXY=off CGO_ENABLED=0
	[ -s pkg/generated/openapi/zz_generated.openapi.go ] || generate_openapi
	say "sources generated"
	for package in component-base/version client-go/pkg/version; do
		name=k8s.io/kubernetes/vendor/k8s.io/$package
		flags+=" -X $name.gitVersion=v$version -X $name.gitMajor=1"
		flags+=" -X $name.gitMinor=20 -X $name.gitTreeState=archive"
		flags+=" -X $name.buildDate=2021-01-13T13:20:00Z"
	done
	for name; do
		packages+=("./cmd/$name")
	done
	mkdir "$out"
	# Without the clients of clouds and Docker: half of the code.
	go build -tags providerless,dockerless -trimpath -ldflags "$flags" \
		-o "$out/" "${packages[@]}" >&2 || fail "cannot build $*"
	say "built $*"
	cd /
}

# cached_or_built DIR COMMAND...: builds the commands into DIR when absent.
cached_or_built()
{
	local dir=$1

	shift
	[ ! -d "$dir" ] || return 0
	# shellcheck disable=SC2086 # a list
	need_packages $build_packages
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/.kubernetes.XXXXXX")
	trap cleanup EXIT
	trap 'exit 130' INT TERM
	say "building $* from Debian's source package (some minutes, once)"
	fetch_source
	(renice -n 10 -p "$BASHPID" >/dev/null; build "$work/out" "$@")
	mv -T "$work/out" "$dir" 2>/dev/null || [ -d "$dir" ] ||
		fail "cannot fill '$dir'"
	chmod -R u+w "$work"
	rm -rf "$work"
	work=
}

# pick NAME [BUILD-DIR]: puts a link to NAME into $links.
pick()
{
	local path

	path=$(given "$1")
	if [ -n "$path" ] && [ -n "$server_minor" ] && [ "$1" != etcd ] &&
		skewed "$path" "$server_minor"; then
		path=
	fi
	path=${path:-${2:+$2/$1}}
	if [ -z "$path" ]; then
		need_packages etcd-server
		path=$(type -P "$1") || fail "no '$1' in package etcd-server"
	fi
	ln -s "$path" "$links/$1"
}

main()
{
	local name path key dir links final absent='' with_node='' server_minor=''

	case ${1:-} in
	'') ;;
	--node) with_node=1 ;;
	*) sed -n '2,/^$/s/^# \{0,1\}//p' "$here/kubernetes.sh" >&2; exit 2 ;;
	esac
	key=$(echo "$version $recipe $(dpkg --print-architecture)" |
		sha256sum | cut -c 1-12)
	path=$(given kube-apiserver)
	server_minor=${path:+$(minor "$path")}
	server_minor=${server_minor:-20}
	for name in $base_commands ${with_node:+$node_commands}; do
		path=$(given "$name")
		if [ -z "$path" ] || skewed "$path" "$server_minor"; then
			absent+=" $name"
		fi
	done
	dir=
	if [ -n "$absent" ]; then
		dir=$cache/kubernetes-${with_node:+node-}$key
		[ -n "$with_node" ] || [ -d "$dir" ] ||
			[ ! -d "$cache/kubernetes-node-$key" ] ||
			dir=$cache/kubernetes-node-$key
		# shellcheck disable=SC2086 # lists
		cached_or_built "$dir" $base_commands ${with_node:+$node_commands}
	fi
	mkdir -p "$cache"
	links=$(mktemp -d "$cache/.links.XXXXXX")
	chmod 0755 "$links"
	for name in $base_commands ${with_node:+$node_commands}; do
		pick "$name" "$dir"
	done
	pick etcd
	# Named by what it holds, so that it is made once and never changes.
	final=$cache/kubernetes-bin-$(readlink "$links"/* | sha256sum | cut -c 1-12)
	mv -T "$links" "$final" 2>/dev/null || rm -rf "$links"
	echo "$final"
}

main "$@"
