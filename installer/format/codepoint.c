#include "format/codepoint.h"

#include <string.h>

#include "base/mem.h"

/* How many bytes a sequence has that begins with `first`; 0 = none does. */
static size_t expected_length(unsigned char first)
{
	static const unsigned char least[] = { 0xf8, 0xf0, 0xe0, 0xc0, 0x80 };
	static const size_t length[] = { 0, 4, 3, 2, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(least); i++)
		if (first >= least[i])
			return length[i];
	return first != 0;
}

size_t codepoint_next(const char *s, size_t len, uint32_t *c)
{
	static const uint32_t least[] = { 0, 1, 0x80, 0x800, 0x10000 };
	size_t n = expected_length((unsigned char)s[0]);
	uint32_t value;

	if (n == 0 || n > len)
		return 0;
	value = (unsigned char)s[0] & (n == 1 ? 0x7fu : 0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		unsigned char next = (unsigned char)s[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (next & 0x3fu);
	}
	/* Overlong, a half of a surrogate pair, or past the end. */
	if (value < least[n] || (value >= 0xd800 && value < 0xe000) ||
	    value > 0x10ffff)
		return 0;
	if (c)
		*c = value;
	return n;
}

char *codepoint_repair(const char *s, size_t len)
{
	char *copy = mem_array(len + 1, 3);
	char *p = copy;

	while (len > 0) {
		size_t n = codepoint_next(s, len, NULL);

		if (n > 0)
			p = mempcpy(p, s, n);
		else
			p = stpcpy(p, "\xef\xbf\xbd");
		s += n ? n : 1;
		len -= n ? n : 1;
	}
	return copy;
}
