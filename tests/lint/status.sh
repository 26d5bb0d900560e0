#!/bin/sh
# A status that is lost: "$(...)" before $? on one line sets it anew, so an
# assertion of it can never fail.

set -eu
cd "$(dirname "$0")/../.."

if git grep --untracked -nE 'assert.*\$\(.*\$\?' -- 'tests/*.sh' \
	':!tests/lint/*' | sed -E 's/^([^:]*:[0-9]*):.*/\1: the status is lost/' |
	grep .; then
	exit 1
fi
