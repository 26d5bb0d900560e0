#!/bin/sh
# version.sh
#
# Prints the version to stamp into the program: the exact tag, or the last tag
# with distance and commit, or VERSION with the commit; outside of a git clone
# (a release tarball) plain VERSION. A changed work tree adds "-dirty".

set -eu

cd "$(dirname "$0")/.."
base=$(cat VERSION)

if [ ! -e .git ] || ! commit=$(git rev-parse --short=10 HEAD 2>/dev/null); then
	echo "$base"
elif tag=$(git describe --tags --match 'v[0-9]*' --abbrev=10 --dirty \
	2>/dev/null); then
	echo "${tag#v}"
else
	dirty=
	git diff-index --quiet HEAD -- 2>/dev/null || dirty=-dirty
	echo "$base+g$commit$dirty"
fi
