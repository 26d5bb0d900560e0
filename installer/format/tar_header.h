/*
 * tar_header - headers of the tar archives that bundles are.
 *
 * The bytes of a header are a function of path, size and time alone, today and in every
 * later release, since a reader makes them again and compares: POSIX ustar,
 * a regular file of mode 0644 owned by 0:0 without names. Numbers are octal
 * digits that fill their field and a NUL (the checksum: six digits, NUL,
 * blank); a size of 8 GiB and more is in GNU's base-256 form. A path longer
 * than 100 bytes is split at the first slash that leaves a name of at most
 * 100.
 *
 * Source: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual,
 * "Extensions to the Archive Format" (base-256).
 */
#ifndef FORMAT_TAR_HEADER_H
#define FORMAT_TAR_HEADER_H

#include <stdint.h>

#include "base/err.h"

#define TAR_HEADER_SIZE 512

/* Two blocks of zeros end an archive. */
#define TAR_END_SIZE 1024

/* `path` at most 255 bytes, splittable at a slash as ustar wants it, else
 * ERR_INVALID; `mtime` in seconds since 1970, at least 0. */
int tar_header_make(unsigned char header[TAR_HEADER_SIZE], const char *path,
		    uint64_t size, int64_t mtime, struct err *err) must_check;

/* `size` rounded up to whole blocks. */
static inline uint64_t tar_padded(uint64_t size)
{
	return (size + TAR_HEADER_SIZE - 1) / TAR_HEADER_SIZE * TAR_HEADER_SIZE;
}

#endif
