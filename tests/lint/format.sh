#!/bin/sh
# The layout is what clang-format makes of it (`make format` does).

set -eu
cd "$(dirname "$0")/../.."

bad=0
for file in $(git ls-files -co --exclude-standard '*.[ch]'); do
	[ -f "$file" ] || continue
	clang-format "$file" | diff -U0 "$file" - >/dev/null || {
		clang-format "$file" | diff -U0 "$file" - |
			sed -nE "s|^@@ -([0-9]+).*|$file:\1: layout|p"
		bad=1
	}
done
exit $bad
