/*
 * buf - bytes that grow, up to a maximum chosen by their maker.
 *
 * Always NUL-terminated behind `len`. What would pass the maximum is dropped
 * and remembered: writers go on without a check for each call, and the one
 * who uses the result asks buf_check once.
 *
 *	auto_buf struct buf b = BUF_INIT(4096);
 *
 *	buf_addf(&b, "GET %s", path);
 *	if (buf_check(&b, "request line", err) < 0)
 *		return -1;
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct buf {
	char *data; /* may be read; NULL until something was added */
	size_t len; /* may be read */
	size_t cap;
	size_t max;
	bool overflow;
};

#define BUF_INIT(max_bytes)        \
	{                          \
		.max = (max_bytes) \
	}

/* For text that only we ourselves make longer. */
#define BUF_TEXT_MAX ((size_t)16 << 20)

void buf_init(struct buf *buf, size_t max_bytes);
void buf_release(struct buf *buf);
void buf_clear(struct buf *buf); /* empty, memory kept */

void buf_add(struct buf *buf, const void *data, size_t len);
void buf_addstr(struct buf *buf, const char *s);
void buf_addch(struct buf *buf, char c);
void buf_addf(struct buf *buf, const char *fmt, ...) printf_like(2, 3);

/* Room for `len` more bytes at data + len, or NULL past the maximum; the
 * caller writes there and then adds to `len` with buf_advance. */
char *buf_reserve(struct buf *buf, size_t len) must_check;
void buf_advance(struct buf *buf, size_t len);

/* The text, never NULL. */
const char *buf_str(const struct buf *buf);

/* Take the text (never NULL), leaving the buffer empty. */
char *buf_steal(struct buf *buf) must_check;

/* ERR_INVALID "'<what>' is longer than <max> bytes" where it was. */
int buf_check(const struct buf *buf, const char *what, struct err *err)
	must_check;

/* Wipe and release: for secrets. */
void buf_release_secret(struct buf *buf);

#define auto_buf __attribute__((cleanup(buf_release)))
#define auto_buf_secret __attribute__((cleanup(buf_release_secret)))

#endif
