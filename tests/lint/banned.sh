#!/bin/sh
# Calls that no file makes (only tests may run programs through the shell), and
# words that no file holds.
# installer/base/banned.h stops most of them at compile time already.

set -eu
cd "$(dirname "$0")/../.."

calls='strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|gets|atoi|atol'
calls="$calls|gmtime|localtime|mktemp|tmpnam|alloca"
bad=0

for file in $(git ls-files -co --exclude-standard \
	'installer/*.[ch]' 'tests/*.[ch]'); do
	[ "$file" != installer/base/banned.h ] || continue
	[ -f "$file" ] || continue
	shell='|system|popen'
	[ "${file#tests/}" = "$file" ] || shell=
	# Without comments and texts; lines keep their numbers.
	found=$(gcc -fpreprocessed -dD -E -P -fdirectives-only \
		-x c "$file" 2>/dev/null | sed -E 's/"([^"\\]|\\.)*"/""/g' |
		grep -oE "(^|[^A-Za-z0-9_.>])($calls$shell)[[:space:]]*\(" |
		tr -dc 'a-z\n' | sort -u) || :
	for call in $found; do
		grep -nE "(^|[^A-Za-z0-9_])${call}[[:space:]]*\(" "$file" |
			sed "s|^\([0-9]*\):.*|$file:\1: $call is banned|"
		bad=1
	done
done

# Promises belong to the tracker.
words='TO''DO|FIX''ME|X''XX'
if git grep --untracked -nwE "$words" -- . ':!LICENSE' ':!*.tar' |
	sed -E 's/^([^:]*:[0-9]*):.*/\1: unfinished/' | grep .; then
	bad=1
fi
exit $bad
