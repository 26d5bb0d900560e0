/*
 * yaml - YAML documents as JSON values, and back.
 *
 * Reads the YAML that Kubernetes tools write: the core schema as kubectl
 * understands it (YAML 1.1 booleans y/n/yes/no/on/off are strings, as in
 * YAML 1.2; true/false in three spellings; ints with 0x and 0o; floats;
 * null, ~ and empty). As kubectl does, an int that begins with 0 and has octal
 * digits only is octal (defaultMode: 0644). Anchors and aliases are resolved, with a limit on
 * what they expand to; merge keys (<<) too. Tags other than !!str and the
 * core ones, duplicate and non-string keys are refused with line and column.
 */
#ifndef FORMAT_YAML_H
#define FORMAT_YAML_H

#include <stddef.h>

#include "format/jval.h"

/* All documents of `text`, as an array (empty documents left out).
 * ERR_INVALID "line L, column C: ...". */
struct jval *yaml_parse_all(const char *text, size_t len, struct err *err)
	must_check;

/* Exactly one document (JSON is YAML too). */
struct jval *yaml_parse(const char *text, size_t len, struct err *err)
	must_check;

/* Append `value` as one block-style document, without "---". Strings that
 * another reader could take for something else are quoted; text of several
 * lines becomes a literal block where it can. */
void yaml_dump(struct buf *out, const struct jval *value);

const char *yaml_library_version(void);

#endif
