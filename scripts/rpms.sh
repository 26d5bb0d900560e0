#!/bin/sh
# rpms.sh PROGRAM DIR [NAME...]
#
# Builds the RPMs by specs/ into DIR, where no others are left: dws-csm, of the
# executable PROGRAM, and dws-slurm-bb-plugin; or only those of NAME. The same
# inputs give the same bytes; a signature differs each time.
#
# RPM_KEY        sign with this key of gpg (id, fingerprint or name)
# BBPLUGIN_SRC   package upstream's plugin in this folder, a checkout of
#                dws-slurm-bb-plugin or its src/burst_buffer, instead of ours,
#                as dws-slurm-bb-plugin-upstream
# BBPLUGIN_VERSION   its version (that of the last tag in the checkout)
# RPM_VERSION    version (the one that PROGRAM has)
# SOURCE_DATE_EPOCH  the time of all files (the last commit's)

set -eu

fail()
{
	echo "rpms.sh: $*" >&2
	exit 1
}

# rpm_version VERSION: as RPM can have it, sorting as time goes. "1.2.0" stays;
# "1.2.0-5-gabc", five commits later, is 1.2.0+5.gabc; "1.2.0+gabc", where
# nothing was tagged yet, is before 1.2.0 and named by its time. No '^', which
# rpm 4.14 does not know.
rpm_version()
{
	case $1 in
	*+g*)
		echo "${1%%+g*}~git$(date -u -d "@$SOURCE_DATE_EPOCH" \
			+%Y%m%d.%H%M%S).g${1#*+g}"
		;;
	*-*) echo "${1%%-*}+${1#*-}" ;;
	*) echo "$1" ;;
	esac | tr - .
}

# build NAME [OPTION...]: the spec NAME.spec.
build()
{
	name=$1
	shift
	rpmbuild -bb --quiet --load="$root/specs/rpm.macros" \
		--define "_topdir $work/top" --define "_rpmdir $work/rpms" \
		--define "_dbpath $work/db" --define "tree $root" \
		"$@" "$root/specs/$name.spec" >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		fail "rpmbuild failed on 'specs/$name.spec'"
	}
}

# notice NAME FILE
notice()
{
	if [ -e "$2" ]; then
		cp -L "$2" "$work/notices/$1"
	else
		echo "rpms.sh: there is no '$2': the package lacks the notice" \
			"that the licence of $1 asks for" >&2
	fi
}

# What the licences of the libraries within the executable ask for: their
# notices, as Debian has them.
notices()
{
	mkdir "$work/notices"
	for package in libc6-dev libssl-dev libarchive-dev libyaml-dev \
		libjansson-dev zlib1g-dev libzstd-dev liblzma-dev libacl1-dev \
		libattr1-dev liblua5.4-dev; do
		notice "${package%-dev}" "/usr/share/doc/$package/copyright"
	done
	# By scripts/curl.sh, of the source that it was compiled from.
	notice libcurl "$root/build/curl/copyright"
}

# Upstream's files, of a checkout or of the folder within.
build_upstream()
{
	from=${BBPLUGIN_SRC:?must name the folder of upstream\'s plugin}
	[ -e "$from/burst_buffer.lua" ] || from=$from/src/burst_buffer
	for file in burst_buffer.lua burst_buffer.conf; do
		[ -f "$from/$file" ] ||
			fail "BBPLUGIN_SRC: no '$file' in '$BBPLUGIN_SRC'," \
				"nor in 'src/burst_buffer' there"
	done
	version=${BBPLUGIN_VERSION:-$(git -C "$from" describe --tags \
		--match 'v[0-9]*' 2>/dev/null)} ||
		fail "BBPLUGIN_SRC: '$BBPLUGIN_SRC' has no tag 'v...' that" \
			"tells its version: say BBPLUGIN_VERSION=X"
	build dws-slurm-bb-plugin-upstream \
		--define "rpm_version $(rpm_version "${version#v}")" \
		--define "upstream $(realpath "$from")"
}

# rpm 4.14 verifies no EdDSA, and who signs hears of it here rather than there.
sign()
{
	case $(gpg --batch --with-colons --list-keys "$RPM_KEY" 2>/dev/null |
		awk -F: '$1 == "pub" { print $4; exit }') in
	1 | '') ;;
	*) echo "rpms.sh: key '$RPM_KEY' is no RSA key: rpm of SLES 15" \
		"cannot verify what it signs" >&2 ;;
	esac
	rpmsign --addsign --define "_gpg_name $RPM_KEY" \
		--define "__gpg $(command -v gpg)" \
		--define '_gpg_digest_algo sha256' \
		"$work"/rpms/*.rpm >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		fail "cannot sign with key '$RPM_KEY': is it among those of" \
			"'gpg --list-secret-keys'?"
	}
}

[ $# -ge 2 ] || {
	echo "usage: rpms.sh PROGRAM DIR [NAME...]" >&2
	exit 2
}
command -v rpmbuild >/dev/null ||
	fail "no rpmbuild here: install rpm-build, or, on Debian, rpm"
program=$(realpath "$1")
dir=$2
shift 2
if [ $# = 0 ]; then
	set -- dws-csm "dws-slurm-bb-plugin${BBPLUGIN_SRC:+-upstream}"
fi
root=$(cd "$(dirname "$0")/.." && pwd)
: "${SOURCE_DATE_EPOCH:=$(git -C "$root" log -1 --format=%ct 2>/dev/null ||
	stat -c %Y "$root/VERSION")}"
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if [ -z "${RPM_VERSION:-}" ]; then
	RPM_VERSION=$("$program" version) ||
		fail "'$program' does not tell its version"
	RPM_VERSION=${RPM_VERSION#dws-csm }
fi
RPM_VERSION=$(rpm_version "$RPM_VERSION")
notices
for name; do
	case $name in
	*-upstream) build_upstream ;;
	*) build "$name" --define "rpm_version $RPM_VERSION" \
		--define "program $program" --define "notices $work/notices" ;;
	esac
done
[ -z "${RPM_KEY:-}" ] || sign
mkdir -p "$dir"
rm -f "$dir"/*.rpm
touch -d "@$SOURCE_DATE_EPOCH" "$work"/rpms/*.rpm
mv "$work"/rpms/*.rpm "$dir"
ls "$dir"/*.rpm
