#include "format/base64.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *dst, const void *data, size_t len)
{
	const unsigned char *p = data;
	char *out = len > SIZE_MAX / 2 ? NULL :
					 buf_reserve(dst, (len + 2) / 3 * 4);
	size_t n = 0;

	if (out == NULL)
		return;
	for (size_t i = 0; i < len; i += 3) {
		uint32_t group = (uint32_t)p[i] << 16;

		if (i + 1 < len)
			group |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < len)
			group |= p[i + 2];
		out[n++] = base64_digits[group >> 18];
		out[n++] = base64_digits[group >> 12 & 63];
		out[n++] = i + 1 < len ? base64_digits[group >> 6 & 63] : '=';
		out[n++] = i + 2 < len ? base64_digits[group & 63] : '=';
	}
	buf_advance(dst, n);
}

static int base64_value(char c)
{
	const char *digit;

	if (c == '-')
		return 62;
	if (c == '_')
		return 63;
	digit = c ? strchr(base64_digits, c) : NULL;
	return digit ? (int)(digit - base64_digits) : -1;
}

/* The bytes of a group of `n` digits; one digit alone makes none. */
static void base64_add(struct buf *dst, uint32_t group, size_t n)
{
	char bytes[3];

	group <<= 6 * (4 - n);
	bytes[0] = (char)(group >> 16);
	bytes[1] = (char)(group >> 8);
	bytes[2] = (char)group;
	buf_add(dst, bytes, n - 1);
	mem_wipe(bytes, sizeof(bytes));
}

static bool base64_add_all(struct buf *dst, const char *text, size_t len)
{
	uint32_t group = 0;
	size_t n = 0, padding = 0;

	for (size_t i = 0; i < len; i++) {
		int value = base64_value(text[i]);

		if (isspace((unsigned char)text[i]))
			continue;
		if (text[i] == '=') {
			padding++;
			continue;
		}
		if (value < 0 || padding > 0)
			return false;
		group = group << 6 | (uint32_t)value;
		if (++n < 4)
			continue;
		base64_add(dst, group, n);
		group = 0;
		n = 0;
	}
	if (n > 0)
		base64_add(dst, group, n);
	return n != 1 && (padding == 0 || (n > 0 && n + padding == 4));
}

int base64_decode(struct buf *dst, const char *text, size_t len,
		  struct err *err)
{
	size_t before = dst->len;

	if (base64_add_all(dst, text, len))
		return buf_check(dst, "decoded base64", err);
	if (dst->data) {
		mem_wipe(dst->data + before, dst->len - before);
		dst->len = before;
	}
	return err_set(err, ERR_INVALID, "text is not base64");
}
