#!/bin/sh
# At most 500 lines a file, 80 lines and complexity 15 a function, 100 columns;
# texts in quotes do not count, since a message is better found in one piece.

set -eu
cd "$(dirname "$0")/../.."

files=$(git ls-files -co --exclude-standard 'installer/*.[ch]' 'tests/*.[ch]' |
	while read -r file; do [ ! -f "$file" ] || echo "$file"; done)
bad=0

# shellcheck disable=SC2086 # no blanks in our paths
awk '
FNR == 501 { printf "%s: more than 500 lines\n", FILENAME; bad = 1 }
{
	line = $0
	gsub(/"([^"\\]|\\.)*"/, "", line)
	while (match(line, /\t/))	# to the next multiple of 8
		line = substr(line, 1, RSTART - 1) \
			sprintf("%*s", 8 - (RSTART - 1) % 8, "") \
			substr(line, RSTART + 1)
	if (length(line) > 100) {
		printf "%s:%d: more than 100 columns\n", FILENAME, FNR
		bad = 1
	}
}
END { exit bad }' $files || bad=1

# Modified McCabe, where a switch counts once. pmccabe does not know the
# attributes that stand before our variables and functions, nor typeof.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for file in $files; do
	mkdir -p "$work/$(dirname "$file")"
	sed -E 's/\b(must_check|auto_?[a-z_]+)\b//; s/\b(printf_like|__attribute__)\(.*\);/;/' \
		"$file" >"$work/$file"
done
# shellcheck disable=SC2086
(cd "$work" && pmccabe $files 2>&1) | awk -F'\t' '
NF < 6 { next }
{
	file = $6
	sub(/\(.*/, "", file)
	name = $6
	sub(/.*: /, "", name)
}
$5 > 80 { printf "%s:%d: %s has %d lines, more than 80\n", file, $4, name, $5; bad = 1 }
$1 > 15 { printf "%s:%d: %s has complexity %d, more than 15\n", file, $4, name, $1; bad = 1 }
END { exit bad }' || bad=1
exit $bad
