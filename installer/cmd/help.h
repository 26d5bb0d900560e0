/*
 * help - what the program tells about itself.
 *
 * Pages come from docs/man/dws-csm[-COMMAND].md, embedded; name, usage and
 * options from the tables; so nothing is written twice.
 */
#ifndef CMD_HELP_H
#define CMD_HELP_H

#include <stdbool.h>

#include "base/buf.h"
#include "cmd/cmd.h"

/* The long help of a command, NULL for that of the program, on standard
 * output: for a terminal, or as a man page (roff, man(7)). */
int help_print(const struct command *command, bool to_man, struct err *err)
	must_check;

/* "dws-csm images push [OPTION...] [IMAGE...]" without newline. */
void help_usage(const struct command *command, struct buf *out);

/* ERR_USAGE for words that name no command: the nearest one, or, for the
 * first word of several ("images"), what may follow it. */
int help_unknown(const char *words, struct err *err) must_check;

#endif
