/*
 * codepoint - one character of UTF-8 at a time, for JSON and YAML text.
 *
 * Source: RFC 3629.
 */
#ifndef FORMAT_CODEPOINT_H
#define FORMAT_CODEPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The length (1 to 4) of the sequence at `s`, of which `len` > 0 bytes are
 * there, and its code point in `*c`, which may be NULL; 0 where the bytes are
 * no UTF-8, or NUL. */
size_t codepoint_next(const char *s, size_t len, uint32_t *c);

/* A copy in which each wrong byte has become U+FFFD; owned by the caller. */
char *codepoint_repair(const char *s, size_t len) must_check;

#endif
