#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void buf_init(struct buf *buf, size_t max_bytes)
{
	memset(buf, 0, sizeof(*buf));
	buf->max = max_bytes;
}

void buf_release(struct buf *buf)
{
	free(buf->data);
	buf_init(buf, buf->max);
}

void buf_release_secret(struct buf *buf)
{
	mem_wipe(buf->data, buf->cap);
	buf_release(buf);
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->overflow = false;
	if (buf->data)
		buf->data[0] = '\0';
}

/* A fresh block instead of realloc, so that no copy of a secret stays. */
static void buf_grow(struct buf *buf, size_t cap)
{
	char *data = mem_alloc(cap);

	if (buf->data) {
		memcpy(data, buf->data, buf->len);
		mem_wipe(buf->data, buf->len);
		free(buf->data);
	}
	buf->data = data;
	buf->cap = cap;
}

char *buf_reserve(struct buf *buf, size_t len)
{
	size_t need;

	if (buf->overflow || len > buf->max || buf->len > buf->max - len) {
		buf->overflow = true;
		return NULL;
	}
	need = buf->len + len + 1;
	if (need > buf->cap)
		buf_grow(buf, need < 64 ? 64 : need + need / 2);
	return buf->data + buf->len;
}

void buf_advance(struct buf *buf, size_t len)
{
	assert(buf->len + len < buf->cap);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
	char *end = buf_reserve(buf, len);

	if (end == NULL)
		return;
	if (len > 0)
		memcpy(end, data, len);
	buf_advance(buf, len);
}

void buf_addstr(struct buf *buf, const char *s)
{
	buf_add(buf, s, strlen(s));
}

void buf_addch(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list args, again;
	char *end;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	end = n < 0 ? NULL : buf_reserve(buf, (size_t)n);
	if (end) {
		vsnprintf(end, (size_t)n + 1, fmt, again);
		buf_advance(buf, (size_t)n);
	}
	va_end(again);
	va_end(args);
}

const char *buf_str(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

char *buf_steal(struct buf *buf)
{
	char *data = buf->data ? buf->data : mem_strdup("");

	buf_init(buf, buf->max);
	return data;
}

int buf_check(const struct buf *buf, const char *what, struct err *err)
{
	if (buf->overflow)
		return err_set(err, ERR_INVALID,
			       "'%s' is longer than %zu bytes", what, buf->max);
	return 0;
}
