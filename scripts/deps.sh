#!/bin/sh
# deps.sh GROUP...
#
# Makes sure that the Debian packages of the groups are installed: build, test,
# node (for test-cluster), lint, rpm, fuzz, coverage. Where some are missing it
# says which and what for, and, as root, installs them; otherwise it prints the
# command and exits 1.
#
# The packages of the test servers stand in tests/servers/packages, those of
# real nodes in tests/servers/node-packages.

set -eu

# GROUP PACKAGE # why
packages()
{
	cat <<'END'
build gcc             # the compiler
build libc6-dev       # the C library, whose static half we link
build dpkg-dev        # unpacks the source package of curl
build libssl-dev      # TLS, digests, signatures, certificates
build libarchive-dev  # image archives and bundles
build libyaml-dev     # manifests, kubeconfig, configuration
build libjansson-dev  # JSON with exact 64-bit integers
build zlib1g-dev      # layers, release records
build libzstd-dev     # layers
build liblzma-dev     # layers
build liblua5.4-dev   # loads the Slurm plugin as slurmctld would
build libacl1-dev     # libarchive refers to it
build libattr1-dev    # libacl refers to it
test  libcmocka-dev   # unit tests
test  shunit2         # tests of the command line
test  python3-yaml    # a second opinion on our YAML
test  strace          # proves that no shared object is opened
lint  clang-format    # layout
lint  cppcheck        # what the compiler does not see
lint  shellcheck      # the same for scripts
lint  lua-check       # the same for the Slurm plugin
lint  pmccabe         # length and complexity of functions
rpm   rpm             # rpmbuild, rpmsign
rpm   createrepo-c    # the repository of `make repo`
fuzz  clang           # libFuzzer
fuzz  libclang-rt-14-dev # its run-time and the sanitizers'
fuzz  llvm            # readable stacks
coverage gcovr        # the report
END
	sed -n 's/^ *[^# ]/test &/p' "$root/tests/servers/packages"
	sed -n 's/^ *[^# ]/node &/p' "$root/tests/servers/node-packages"
}

# The lines of the wanted groups whose package is not installed.
missing()
{
	packages | awk -v groups="$*" '
		BEGIN { n = split(groups, g, " "); while (n) want[g[n--]] = 1 }
		want[$1] && !seen[$2]++' >"$list_file"
	# shellcheck disable=SC2046 # one word each
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' \
		$(awk '{ print $2 }' "$list_file") 2>/dev/null |
		awk 'FILENAME == "-" { if ($1 == "installed") have[$2] = 1; next }
			!have[$2]' - "$list_file"
}

# Its output only when it failed.
install_packages()
{
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
		--no-install-recommends -o DPkg::Lock::Timeout=600 \
		-o Dpkg::Use-Pty=0 "$@" >"$list_file" 2>&1
}

# Some packages of the tests hold daemons. Tests start their own on loopback:
# none of the machine's shall start because of us.
forbid_services()
{
	policy=/usr/sbin/policy-rc.d
	[ ! -e "$policy" ] || return 0
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 0755 "$policy"
	trap 'rm -f "$policy" "$list_file"' EXIT
}

[ $# -gt 0 ] || {
	echo "usage: deps.sh build|test|node|lint|rpm|fuzz|coverage..." >&2
	exit 2
}
command -v dpkg-query >/dev/null || {
	echo "deps.sh: no Debian here, so packages are not checked" >&2
	exit 0
}
root=$(dirname "$0")/..
list_file=$(mktemp)
trap 'rm -f "$list_file"' EXIT
trap 'exit 1' HUP INT TERM

lines=$(missing "$@")
[ -n "$lines" ] || exit 0
names=$(echo "$lines" | awk '{ printf "%s ", $2 }')
echo "These Debian packages are missing:" >&2
echo "$lines" | sed 's/^[a-z]* */  /' >&2
if [ "$(id -u)" != 0 ]; then
	echo "Install them with:" >&2
	echo "  sudo apt-get install --no-install-recommends $names" >&2
	exit 1
fi
echo "Installing them." >&2
forbid_services
# shellcheck disable=SC2086 # one word each
install_packages $names || {
	apt-get update -qq >&2 || :
	install_packages $names
} || {
	cat "$list_file" >&2
	exit 1
}
