/*
 * opts - command line, environment and configuration file, from one table.
 *
 * A table describes every option of the program once: name, kind, where its
 * value goes, which groups of commands take it, and its line of help. Usage,
 * help, man pages and completion are made from it. Values come from, later
 * ones winning: the configuration file, DWS_CSM_* variables, the command
 * line. Values are borrowed from argv, the environment, or the caller.
 *
 * A name may stand in the table more than once, for groups of commands that
 * differ in its choices; no command has two of one name.
 */
#ifndef BASE_OPTS_H
#define BASE_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strs.h"

enum opt_kind {
	OPT_FLAG,     /* bool: --dry-run, --dry-run=false */
	OPT_SWITCH,   /* bool: --wait, --no-wait */
	OPT_COUNT,    /* int: -v, -vv */
	OPT_TEXT,     /* const char *: --name VALUE, --name=VALUE */
	OPT_LIST,     /* struct strs: may be repeated, or commas */
	OPT_NUMBER,   /* int64_t, not negative, within min and max */
	OPT_DURATION, /* int64_t milliseconds, at least min: 120s, 2m */
	OPT_SIZE,     /* int64_t bytes, at least min: 700M, 4700000000 */
};

struct opt {
	const char *name; /* "kubeconfig" */
	char letter;	  /* 'o', or 0 */
	enum opt_kind kind;
	const char *arg;     /* "FILE" for usage; NULL for flags */
	const char *choices; /* "table|json|yaml", or NULL = any */
	const char *help;    /* one line, no full stop */
	size_t offset;	     /* of the value in the settings struct */
	uint64_t groups;     /* a command that has one of these takes it */
	bool only_flag;	     /* refused in environment and file */
	int64_t min, max;    /* max 0 = any */
	/* What else a text must be, or NULL. `subject` is how the user wrote
	 * the option: ERR_USAGE begins with it in quotes. */
	int (*check)(const char *subject, const char *value, struct err *err);
};

struct opts_table {
	const struct opt *opt;
	size_t nr;
};

/*
 * Parse `argv` (NULL-terminated, without program and command name) for a
 * command of `groups` into the struct at `settings`, and append what is not
 * an option to `args`. "--" ends options. Letters may be joined (-vv, -ojson).
 * ERR_USAGE names the option, and the nearest known one for a misspelled
 * name.
 */
int opts_parse(const struct opts_table *table, uint64_t groups,
	       char *const *argv, void *settings, struct strs *args,
	       struct err *err) must_check;

/* Set options of `groups` from variables DWS_CSM_<NAME IN CAPITALS, _ for ->;
 * texts are borrowed from the environment. A choice that an option of that
 * name has in other groups only is no default here, and left out. ERR_USAGE
 * for a variable of an option that is `only_flag`. */
int opts_from_environment(const struct opts_table *table, uint64_t groups,
			  void *settings, struct err *err) must_check;

/* One value from elsewhere (a configuration file): `name` = option name, text
 * is kept by the caller. Unknown names are ERR_USAGE; options of other groups
 * are ignored, and choices as in opts_from_environment. */
int opts_set(const struct opts_table *table, uint64_t groups, const char *name,
	     const char *value, void *settings, struct err *err) must_check;

/* The value of an option as a text that sets it again ("--name=TEXT" and
 * opts_set), the caller's; NULL for a text that is not set. */
char *opts_value(const struct opt *opt, const void *settings) must_check;

/* "      --kubeconfig FILE   help" lines for the options of `groups`. */
struct buf;
void opts_describe(const struct opts_table *table, uint64_t groups,
		   struct buf *out);

#endif
