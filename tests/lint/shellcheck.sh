#!/bin/sh
# Every script passes shellcheck and can be called as it is.

set -eu
cd "$(dirname "$0")/../.."

bad=0
scripts=$(git ls-files -co --exclude-standard | while read -r file; do
	[ -f "$file" ] || continue
	case $(head -c 64 "$file" | head -n 1 | tr -d '\0') in
	'#!/bin/sh'* | '#!/bin/bash'* | '# shellcheck shell='*) echo "$file" ;;
	esac
done)
# shellcheck disable=SC2086 # no blanks in our paths
shellcheck --format=gcc --severity=info --external-sources \
	--source-path=SCRIPTDIR $scripts || bad=1
for file in $scripts; do
	[ -x "$file" ] || ! head -n 1 "$file" | grep -q '^#!' || {
		echo "$file: is not executable"
		bad=1
	}
done
exit $bad
