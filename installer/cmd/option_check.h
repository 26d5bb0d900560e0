/*
 * option_check - what the text of an option must look like.
 *
 * For the table in settings.c. Wherever a text comes from (command line,
 * environment, configuration file), it is looked at before anything is done.
 * All: 0, or ERR_USAGE that begins with `subject`, the option as the user
 * wrote it, in quotes.
 */
#ifndef CMD_OPTION_CHECK_H
#define CMD_OPTION_CHECK_H

#include <stdbool.h>

#include "base/err.h"

/* HOST[:PORT][/PREFIX], without a scheme; a password in it is not repeated.
 * Source: distribution/reference grammar. */
int check_registry(const char *subject, const char *value, struct err *err)
	must_check;

/* OS/ARCH[/VARIANT]. Source: OCI image-index "platform". */
int check_platform(const char *subject, const char *value, struct err *err)
	must_check;

/* A file that is there; what it holds is looked at by who reads it. */
int check_file(const char *subject, const char *value, struct err *err)
	must_check;

/* Such a file, and JSON. Source: containers-auth.json(5). */
int check_authfile(const char *subject, const char *value, struct err *err)
	must_check;

int check_not_empty(const char *subject, const char *value, struct err *err)
	must_check;

/* "table", "json", "yaml", or a file (option_is_file). */
int check_plan_output(const char *subject, const char *value, struct err *err)
	must_check;

/* Whether an --output names a file: it has a slash, or ends as one does. */
bool option_is_file(const char *output);

#endif
