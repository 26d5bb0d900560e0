#include "unit.h"

#include "base/mem.h"
#include "base/utf8.h"

static void utf8_counts_columns(void **state)
{
	(void)state;
	assert_int_equal(utf8_width(""), 0);
	assert_int_equal(utf8_width("abc"), 3);
	assert_int_equal(utf8_width("━╸é"), 3);
	assert_int_equal(utf8_prefix("━╸é", 2), 6);
	assert_int_equal(utf8_prefix("━╸é", 9), 8);
	assert_int_equal(utf8_prefix("abc", 0), 0);
}

static void utf8_clean_lets_nothing_dangerous_through(void **state)
{
	static const struct {
		const char *dirty, *clean;
	} cases[] = {
		{ "plain", "plain" },
		{ "✓ é 😀", "✓ é 😀" },
		{ "a\tb\nc\r", "a b c " },
		{ "\033[31mred\033[m", "?[31mred?[m" },
		{ "\x7f\x01", "??" },
		{ "\xc2\x9b"
		  "2J",
		  "??2J" },
		{ "\xff\xfe", "??" },
		{ "\xc0\xaf", "??" },
		{ "\xe2\x82", "??" },
		{ "\xed\xa0\x80", "???" },
		{ "\xf4\x90\x80\x80", "????" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *text = mem_strdup(cases[i].dirty);

		utf8_clean(text);
		assert_string_equal(text, cases[i].clean);
	}
}

static void utf8_locale_follows_the_first_variable_that_is_set(void **state)
{
	(void)state;
	unsetenv("LC_ALL");
	unsetenv("LC_CTYPE");
	unsetenv("LANG");
	assert_false(utf8_locale());
	setenv("LANG", "de_DE.UTF-8", 1);
	assert_true(utf8_locale());
	setenv("LC_CTYPE", "C", 1);
	assert_false(utf8_locale());
	setenv("LC_ALL", "C.utf8", 1);
	assert_true(utf8_locale());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_counts_columns),
		cmocka_unit_test(utf8_clean_lets_nothing_dangerous_through),
		cmocka_unit_test(
			utf8_locale_follows_the_first_variable_that_is_set),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
