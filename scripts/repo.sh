#!/bin/sh
# repo.sh RPMS DIR
#
# Makes DIR a repository for zypper and dnf that has the RPMs of the folder RPMS
# (which may be DIR). The same RPMs give the same bytes.
#
# RPM_KEY        sign repomd.xml with this key of gpg, too
# SOURCE_DATE_EPOCH  the time in the repository (the last commit's)

set -eu

fail()
{
	echo "repo.sh: $*" >&2
	exit 1
}

[ $# = 2 ] || {
	echo "usage: repo.sh RPMS DIR" >&2
	exit 2
}
command -v createrepo_c >/dev/null ||
	fail "no createrepo_c here: install createrepo_c, or, on Debian," \
		"createrepo-c"
root=$(cd "$(dirname "$0")/.." && pwd)
: "${SOURCE_DATE_EPOCH:=$(git -C "$root" log -1 --format=%ct 2>/dev/null ||
	stat -c %Y "$root/VERSION")}"
mkdir -p "$2"
rpms=$(realpath "$1")
dir=$(realpath "$2")
if [ "$rpms" != "$dir" ]; then
	rm -rf "$dir"/*.rpm
	cp -p "$rpms"/*.rpm "$dir"
fi
rm -rf "$dir/repodata"
# gzip is what zypper of SLES 15 reads. No data base of sqlite, which would
# differ each time.
createrepo_c --quiet --no-database --checksum sha256 --compress-type gz \
	--general-compress-type gz --revision "$SOURCE_DATE_EPOCH" \
	--set-timestamp-to-revision "$dir"
if [ -n "${RPM_KEY:-}" ]; then
	gpg --batch --yes --armor --local-user "$RPM_KEY" --detach-sign \
		"$dir/repodata/repomd.xml" ||
		fail "cannot sign with key '$RPM_KEY'"
	gpg --batch --yes --armor --output "$dir/repodata/repomd.xml.key" \
		--export "$RPM_KEY"
fi
echo "$dir"
