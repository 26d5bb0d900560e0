#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"

size_t utf8_width(const char *s)
{
	size_t nr = 0;

	for (; *s; s++)
		nr += ((unsigned char)*s & 0xc0) != 0x80;
	return nr;
}

size_t utf8_prefix(const char *s, size_t columns)
{
	size_t i;

	for (i = 0; s[i]; i++) {
		if (((unsigned char)s[i] & 0xc0) == 0x80)
			continue;
		if (columns == 0)
			break;
		columns--;
	}
	return i;
}

/* Length of the well-formed sequence at `s`, 0 when it is none.
 * Source: RFC 3629, 4 "Syntax of UTF-8 Byte Sequences". */
static size_t utf8_sequence(const unsigned char *s)
{
	static const struct {
		unsigned char from, to, second_from, second_to;
		size_t len;
	} forms[] = {
		{ 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		size_t len = forms[i].len;

		if (s[0] < forms[i].from || s[0] > forms[i].to)
			continue;
		if (len > 1 &&
		    (s[1] < forms[i].second_from || s[1] > forms[i].second_to))
			return 0;
		for (size_t k = 2; k < len; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return len;
	}
	return 0;
}

void utf8_clean(char *s)
{
	unsigned char *p = (unsigned char *)s;

	while (*p) {
		size_t len = utf8_sequence(p);
		bool c1 = len == 2 && p[0] == 0xc2 && p[1] < 0xa0;

		if (*p == '\t' || *p == '\n' || *p == '\r')
			*p = ' ';
		else if (len == 0 || *p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (c1)
			memset(p, '?', 2);
		p += len ? len : 1;
	}
}

bool utf8_locale(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);

		if (!str_empty(value))
			return strcasestr(value, "utf-8") ||
			       strcasestr(value, "utf8");
	}
	return false;
}
