/*
 * conf - the text of a slurm.conf, as Slurm reads it.
 *
 * Lines end in a comment; a backslash at the end of one joins the next; a
 * backslash takes the meaning from what follows. What counts of a line is one
 * thing: "Include FILE", or its first NAME=VALUE, names in any case. (Lines of
 * nodes and partitions go on with more of them; nobody asks for these here.)
 *
 *	struct conf_reader reader;
 *	struct conf_line line;
 *
 *	conf_reader_init(&reader, text, len);
 *	while (conf_next(&reader, &line))
 *		if (conf_is(&line, "SlurmUser"))
 *			use(line.value);
 *	conf_reader_release(&reader);
 *
 * Pure: no file is read.
 *
 * Source: slurm.conf(5), "Description"; Slurm's parse_config.
 */
#ifndef SLURM_CONF_H
#define SLURM_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* One line, or several that are joined. */
struct conf_line {
	size_t at, len;	     /* bytes of the text, ends of lines included */
	unsigned int number; /* of the first of them, from 1 */
	/* Of an Include: "Include" and the file. Of other lines: the first name
	 * and its value; NULL where there is none. Until the next line. */
	const char *name;
	const char *value;
	bool more; /* something follows the value */
	bool open; /* it goes on, but the text ends */
	/* The comment at its end is of this name: "#SlurmUser=slurm". */
	const char *commented;
};

struct conf_reader {
	const char *text;
	size_t len, at;
	unsigned int number;
	struct buf joined;
	struct buf comment;
};

void conf_reader_init(struct conf_reader *reader, const char *text, size_t len);
void conf_reader_release(struct conf_reader *reader);

/* The next line, or false. */
bool conf_next(struct conf_reader *reader, struct conf_line *line);

/* Whether its first name, or its Include, is `name`. */
bool conf_is(const struct conf_line *line, const char *name);

/* The value that counts where `name` stands more than once: the last; the
 * caller's, NULL where there is none. Of this text alone, without Includes. */
char *conf_value(const char *text, size_t len, const char *name) must_check;

#endif
