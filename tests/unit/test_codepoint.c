#include "unit.h"

#include "base/mem.h"
#include "format/codepoint.h"

static void codepoint_reads_one_to_four_bytes(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		uint32_t c;
	} cases[] = {
		{ "A", 1, 'A' },
		{ "\x7f", 1, 0x7f },
		{ "\xc2\x80", 2, 0x80 },
		{ "\xe2\x82\xac", 3, 0x20ac },
		{ "\xef\xbf\xbf", 3, 0xffff },
		{ "\xf0\x9f\x98\x80", 4, 0x1f600 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t c = 0;

		assert_int_equal(codepoint_next(cases[i].text,
						strlen(cases[i].text), &c),
				 cases[i].len);
		assert_int_equal(c, cases[i].c);
		assert_int_equal(codepoint_next(cases[i].text, cases[i].len,
						NULL),
				 cases[i].len);
	}
}

static void codepoint_refuses_what_is_no_utf8(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
		{ "\0", 1 },		   /* NUL */
		{ "\x80", 1 },		   /* a byte of the middle */
		{ "\xc3", 1 },		   /* cut off */
		{ "\xc3(", 2 },		   /* no byte of the middle */
		{ "\xc0\xaf", 2 },	   /* overlong */
		{ "\xe0\x80\xaf", 3 },	   /* overlong */
		{ "\xed\xa0\x80", 3 },	   /* half of a pair */
		{ "\xf4\x90\x80\x80", 4 }, /* past the end */
		{ "\xf8\x88\x80\x80", 4 },
		{ "\xff", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
			codepoint_next(cases[i].text, cases[i].len, NULL), 0);
}

static void codepoint_repair_replaces_wrong_bytes_only(void **state)
{
	autofree char *text = codepoint_repair("a\xc3\xb6\xff\0z\xe2\x82", 8);
	autofree char *empty = codepoint_repair("", 0);

	(void)state;
	assert_string_equal(text, "a\xc3\xb6\xef\xbf\xbd\xef\xbf\xbdz"
				  "\xef\xbf\xbd\xef\xbf\xbd");
	assert_string_equal(empty, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codepoint_reads_one_to_four_bytes),
		cmocka_unit_test(codepoint_refuses_what_is_no_utf8),
		cmocka_unit_test(codepoint_repair_replaces_wrong_bytes_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
