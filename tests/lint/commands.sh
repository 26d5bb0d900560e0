#!/bin/sh
# A command is one file that ends in its `struct command` literal, stands in
# the one array in installer/cmd/command.c, and has its page in docs/man.

set -eu
cd "$(dirname "$0")/../.."

bad=0
complain()
{
	echo "$*"
	bad=1
}

# The names in the array commands[], one a line.
listed=$(awk '
	/commands\[\] *= *\{/ { on = 1; next }
	on && /^\};/ { exit }
	on { gsub(/[^A-Za-z0-9_\n]+/, " "); print }' \
	installer/cmd/command.c | tr -s ' ' '\n' | grep -vE '^(NULL)?$' || :)

for name in $(printf '%s\n' "$listed" | LC_ALL=C sort | uniq -d); do
	complain "installer/cmd/command.c: $name is listed twice"
done

for file in installer/cmd/*.c; do
	literals=$(sed -nE 's/^(static )?const struct command ([a-z0-9_]+) = \{.*/\2/p' "$file")
	[ -n "$literals" ] || continue
	[ "$(echo "$literals" | wc -l)" = 1 ] || {
		complain "$file: holds more than one command"
		continue
	}
	awk '/^(static )?const struct command .* = \{/ { on = 1; next }
		on && /^\}/ { ends++ }
		END { exit !($0 == "};" && ends == 1) }' "$file" ||
		complain "$file: does not end in its struct command"
	printf '%s\n' "$listed" | grep -qx "$literals" ||
		complain "$file: $literals is not listed in command.c"
	name=$(sed -nE "/const struct command /,\$s/.*\.name = \"([^\"]*)\".*/\1/p" "$file")
	stem=$(echo "$name" | tr ' -' '__')
	case $(basename "$file" .c) in
	"$stem" | "cmd_$stem") ;;
	*) complain "$file: holds the command '$name', so call it $stem.c" ;;
	esac
	page=docs/man/dws-csm-$(echo "$name" | tr ' ' '-').md
	[ -f "$page" ] || complain "$file: '$name' has no page $page"
done

for name in $listed; do
	grep -qE "^const struct command $name = \{" installer/cmd/*.c ||
		complain "installer/cmd/command.c: no file defines $name"
done
names=$(sed -nE 's/^\t\.name = "([^"]*)",.*/\1/p' installer/cmd/*.c | tr ' ' '-')
for page in docs/man/dws-csm-*.md; do
	[ -f "$page" ] || continue
	name=$(basename "$page" .md)
	printf '%s\n' "$names" | grep -qx "${name#dws-csm-}" ||
		complain "$page: no such command"
done
exit $bad
