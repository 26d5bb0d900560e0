/*
 * cmd - a command of the program: a file that ends in its `struct command`.
 *
 * command.c holds the one array of them. The long help of a command is
 * docs/man/dws-csm-<name, - for blank>.md, embedded; its options come from
 * the table in settings.c; nothing about it is written twice.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "base/err.h"
#include "base/strs.h"
#include "cmd/settings.h"

/* Under which heading the overview of help has it. */
enum chapter {
	CHAPTER_LOOK,
	CHAPTER_CHANGE,
	CHAPTER_BACKUP,
	CHAPTER_IMAGES,
	CHAPTER_BUNDLE,
	CHAPTER_WLM,
	CHAPTER_DOCTOR,
	CHAPTER_PROGRAM
};

struct command {
	const char *name;      /* "install", "images push" */
	const char *arguments; /* "[NAME...]" for usage, or NULL */
	const char *summary;   /* one line, no full stop */
	enum chapter chapter;
	uint64_t groups; /* which options it takes: enum opt_group */
	size_t max_args; /* more is a usage error */
	/* `args` are what is left of the command line. */
	int (*run)(struct settings *settings, const struct strs *args,
		   struct err *err) must_check;
};

extern const struct command *const commands[]; /* NULL-terminated */

/* Whether `word` begins the names of commands of two words ("images"). */
bool command_is_family(const char *word);

/* The command that the words at the start of `argv` name (one or two words),
 * and how many words that took; NULL when there is none. */
const struct command *command_find(char *const *argv, size_t *words);

/*
 * The command of a whole command line, where options may come before it, as
 * kubectl has them: its words are taken out of `argv`, so that options and
 * arguments remain. NULL when there is none: `words` is where it should be.
 * "images --help" is taken for "help images".
 */
const struct command *command_take(char **argv, char ***words);

#endif
