#!/bin/sh
# embed.sh FILE...
#
# Prints assembler source of the table that installer/base/embedded.h declares:
# the files, sorted by path, each followed by a NUL that its length leaves out.

set -eu

printf '%s\n' "$@" | LC_ALL=C sort -u | awk '
	$0 == "" { next }
	/["\\]/ { print "embed.sh: unfit path: " $0 >"/dev/stderr"; exit 1 }
	{ path[nr++] = $0 }
	END {
		print "\t.section .rodata"
		for (i = 0; i < nr; i++) {
			printf ".Lpath%d:\t.asciz \"%s\"\n", i, path[i]
			printf ".Ldata%d:\t.incbin \"%s\"\n", i, path[i]
			printf ".Lend%d:\t.byte 0\n", i
		}
		print "\t.globl embedded_nr"
		print "\t.balign 8"
		print "\t.type embedded_nr, %object"
		print "\t.size embedded_nr, 8"
		printf "embedded_nr:\t.quad %d\n", nr
		print "\t.section .data.rel.ro, \"aw\""
		print "\t.globl embedded_files"
		print "\t.balign 8"
		print "\t.type embedded_files, %object"
		print "embedded_files:"
		for (i = 0; i < nr; i++)
			printf "\t.quad .Lpath%d, .Ldata%d, .Lend%d - .Ldata%d\n", i, i, i, i
		print "\t.quad 0, 0, 0"
		print "\t.size embedded_files, . - embedded_files"
		print "\t.section .note.GNU-stack, \"\", %progbits"
	}'
