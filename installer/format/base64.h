/*
 * base64 - RFC 4648 section 4 (and its url-safe form when reading tokens).
 */
#ifndef FORMAT_BASE64_H
#define FORMAT_BASE64_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Standard alphabet with padding, no line breaks. */
void base64_encode(struct buf *dst, const void *data, size_t len);

/* Standard or url-safe alphabet, padding optional, white space skipped.
 * ERR_INVALID; the text itself is never in the message (it may be secret). */
int base64_decode(struct buf *dst, const char *text, size_t len,
		  struct err *err) must_check;

#endif
