/*
 * output - results on standard output: a table, JSON or YAML.
 *
 * Rows of a table line up by their widest cell, headings in capitals, two
 * or more blanks between, as kubectl prints them.
 */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include "base/buf.h"
#include "base/err.h"
#include "format/jval.h"

/* `heads` is NULL-terminated; rows have as many cells. */
struct table;
struct table *table_new(const char *const *heads) must_check;
void table_row(struct table *table, const char *const *cells); /* copied */
void table_free(struct table *table);

/* Where rows are longer than `columns` (0 = any length), digests are cut to
 * "sha256:" and their first twelve digits. */
void table_fit(struct table *table, size_t columns);

/* Append the table, made to fit where standard output is a terminal. */
void table_print(struct table *table, struct buf *out);

/* "json" or "yaml" of an --output; NULL for a table, which is the default. */
const char *output_format(const char *output);

/* Print a value as "json" or "yaml" on standard output. */
int output_value(const struct jval *value, const char *format, struct err *err)
	must_check;

/* Write text to standard output. A full disk and a closed stream are errors; a
 * reader who has gone (head, less) has seen enough. */
int output_text(const char *text, struct err *err) must_check;

/* Take the place of standard streams that are closed, before a file or a
 * connection gets their numbers and what is said goes there. Writing to one
 * fails as before. */
void output_keep_streams(void);

#endif
