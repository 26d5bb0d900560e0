#!/bin/sh
# reproducible.sh
#
# Builds the work tree twice, in two paths, with another umask, locale, time
# zone and cache (so that libcurl is compiled again, too), and compares the
# executables byte by byte.

set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
version=$("$root/scripts/version.sh")
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

copy()
{
	mkdir -p "$1"
	(cd "$root" && git ls-files -z -co --exclude-standard |
		tar -c --null --ignore-failed-read -T - 2>/dev/null) |
		tar -x -C "$1"
}

copy "$work/one"
copy "$work/another path/of some length"
(
	umask 022
	make -s -C "$work/one" TZ=UTC LC_ALL=C VERSION="$version" >&2
)
(
	umask 077
	DWS_CSM_CACHE=$work/cache
	export DWS_CSM_CACHE
	make -s -C "$work/another path/of some length" TZ=Asia/Kathmandu \
		LC_ALL=C.UTF-8 VERSION="$version" >&2
)
one=$work/one/build/dws-csm
other="$work/another path/of some length/build/dws-csm"
sha256sum "$one" "$other" | sed "s|$work/||"
cmp "$one" "$other" || {
	echo "reproducible.sh: the two executables differ" >&2
	exit 1
}
echo "reproducible: both builds are the same"
