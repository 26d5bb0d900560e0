/*
 * completion - scripts that complete commands, options and what these take.
 *
 * Made from the tables of commands and options and from the catalogue when
 * they are asked for. What the shells have in common is completion_words.c;
 * each has a file for its own form.
 */
#ifndef CMD_COMPLETION_H
#define CMD_COMPLETION_H

#include "base/buf.h"
#include "cmd/cmd.h"

/* What may stand where a value is wanted. */
enum completion_want {
	WANT_NOTHING,
	WANT_FILE,
	WANT_WORDS,
	WANT_SOURCE, /* of images: a kind, then mostly a file */
};

/* The kinds of sources, those behind which a file stands first. */
#define COMPLETION_FILE_KINDS "oci", "oci-archive", "docker-archive", "dir"
#define COMPLETION_SOURCES "oci: oci-archive: docker-archive: dir: docker://"

/* Words that the catalogue knows. */
struct completion {
	struct strs releases; /* "0.0.20" */
	struct strs images;   /* "dws" */
};

void completion_bash(const struct completion *self, struct buf *out);
void completion_zsh(const struct completion *self, struct buf *out);
void completion_fish(const struct completion *self, struct buf *out);

/* Whether a command takes an option. */
bool completion_takes(const struct command *command, const struct opt *opt);

/* "images" of "images push"; the caller's. */
char *completion_first_word(const struct command *command) must_check;

/* The first words of commands of two ("images", "workflows"), added. */
void completion_families(struct strs *list);

/* What may follow `first` ("" = nothing yet), with blanks between; the
 * caller's. */
char *completion_words_after(const char *first) must_check;

enum completion_want completion_option_wants(const struct opt *opt);

/* The words that an option of WANT_WORDS takes; the caller's. */
char *completion_option_words(const struct completion *self,
			      const struct opt *opt) must_check;

/* The arguments of a command that are known: other commands, images,
 * "bash|zsh|fish" in its usage; the caller's, "" for none. */
char *completion_argument_words(const struct completion *self,
				const struct command *command) must_check;

/* Whether the arguments of a command are those of 'help'. */
bool completion_takes_topics(const struct command *command);

/* Every spelling of an option ("--wait", "--no-wait", "-o"), added. */
void completion_spellings(const struct opt *opt, struct strs *list);

#endif
