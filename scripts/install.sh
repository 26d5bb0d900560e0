#!/bin/sh
# install.sh PROGRAM DIR
#
# Puts the program, and the man pages and shell completions that it prints, in
# DIR (/usr/local or the like).

set -eu

program=$1
dir=$2
root=$(cd "$(dirname "$0")/.." && pwd)
section=8
umask 022

install -D -m 0755 "$program" "$dir/bin/dws-csm"
mkdir -p "$dir/share/man/man$section"
for page in "$root"/docs/man/*.md; do
	name=$(basename "$page" .md)
	"$program" help --man "${name#dws-csm-}" \
		>"$dir/share/man/man$section/$name.$section"
done
completion()
{
	mkdir -p "$(dirname "$dir/share/$2")"
	"$program" completion "$1" >"$dir/share/$2"
}
completion bash bash-completion/completions/dws-csm
completion zsh zsh/site-functions/_dws-csm
completion fish fish/vendor_completions.d/dws-csm.fish
