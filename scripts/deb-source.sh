#!/bin/sh
# deb-source.sh PACKAGE DIR
#
# Unpacks the newest Debian source of PACKAGE into a folder under DIR and
# prints the path of that folder. Nothing under /etc/apt or /var is touched:
# a private apt configuration in DIR asks for the sources of the same archives
# from which this machine takes its Debian packages.
#
# Needs: apt, dpkg-dev. Works without root.

set -eu

fail()
{
	echo "deb-source.sh: $*" >&2
	exit 1
}

# The machine's own entries for this Debian release, as deb-src entries in $1.
derive_sources()
{
	# shellcheck disable=SC1091 # the distribution's file
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	[ -n "$codename" ] || fail "/etc/os-release names no Debian release"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ ! -r "$file" ] || cat "$file"
	done | awk -v release="$codename" '
		$1 == "deb" && /debian/ {
			line = $0
			sub(/^[ \t]*deb/, "deb-src", line)
			sub(/#.*/, "", line)
			sub(/\[[^]]*\]/, "")
			if (index($3, release) == 1 && / main( |$)/)
				print line
		}' >"$1/debian.list"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ ! -r "$file" ] || { grep -v '^#' "$file" && echo; }
	done | awk -v release="$codename" '
		BEGIN { RS = ""; ORS = "\n\n" }
		/(^|\n)URIs:[^\n]*debian/ && !/(^|\n)Enabled: *no/ &&
		$0 ~ "(^|\n)Suites:[^\n]* " release {
			sub(/(^|\n)Types:[^\n]*/, "\nTypes: deb-src")
			sub(/^\n/, "")
			print
		}' >"$1/debian.sources"
	[ -s "$1/debian.list" ] || [ -s "$1/debian.sources" ] ||
		fail "no Debian $codename entry in /etc/apt/sources.list*"
}

[ $# = 2 ] || fail "usage: deb-source.sh PACKAGE DIR"
package=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
mkdir -p "$dir/parts" "$dir/lists/partial" "$dir/cache" "$dir/source"
derive_sources "$dir/parts"
cat >"$dir/apt.conf" <<END
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$dir/parts";
Dir::State::lists "$dir/lists";
Dir::Cache "$dir/cache";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
END
export APT_CONFIG="$dir/apt.conf"
apt-get -qq update >&2 || fail "cannot fetch the list of Debian's sources"
cd "$dir/source"
apt-get -qq source "$package" >"$dir/log" 2>&1 || {
	cat "$dir/log" >&2
	fail "cannot fetch the source of '$package'"
}
for unpacked in "$dir"/source/*/; do
	printf '%s\n' "${unpacked%/}"
	exit
done
fail "the source of '$package' did not unpack"
