/*
 * gzip - small things made smaller (RFC 1952), in memory.
 *
 * For release records in Secrets. The time stamp is 0, so that the same
 * input gives the same bytes.
 */
#ifndef FORMAT_GZIP_H
#define FORMAT_GZIP_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

void gzip_compress(struct buf *dst, const void *data, size_t len);

/* ERR_INVALID when it is not gzip, is cut off, or passes dst's maximum. */
int gzip_expand(struct buf *dst, const void *data, size_t len, struct err *err)
	must_check;

const char *gzip_library_version(void);

#endif
