/*
 * yaml_scalar - what an unquoted word of YAML means.
 *
 * The part of yaml that knows no library: the reader asks what a plain scalar
 * is, the writer whether a string may stand there without quotes.
 *
 * Source: YAML 1.2.2, 10.3.2 "Tag Resolution" (core schema); for what other
 * readers see, YAML 1.1 "bool", "int", "float" and "timestamp" types.
 */
#ifndef FORMAT_YAML_SCALAR_H
#define FORMAT_YAML_SCALAR_H

#include <stdbool.h>

#include "format/jval.h"

/* The value of a plain scalar. ERR_INVALID for a number that is out of range
 * or has no JSON form (.inf, .nan). */
struct jval *yaml_resolve(const char *text, struct err *err) must_check;

/* Whether every reader takes `text`, unquoted in block style as a key or a
 * value, for that very string. */
bool yaml_plain_safe(const char *text);

#endif
