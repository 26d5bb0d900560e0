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
void table_print(const struct table *table, struct buf *out);
void table_free(struct table *table);

/* Print a value as "json" or "yaml" on standard output. */
int output_value(const struct jval *value, const char *format,
		 struct err *err) must_check;

/* Write text to standard output, errors (a full disk, a closed pipe) told. */
int output_text(const char *text, struct err *err) must_check;

#endif
