#include "unit.h"

#include "base/mem.h"
#include "txn/edit.h"

/* Each character a line. */
static void add_lines(struct strs *list, const char *text)
{
	for (; *text; text++)
		strs_addf(list, "%c", *text);
}

static void edit_script_is_the_shortest(void **state)
{
	static const char *const cases[][3] = {
		{ "", "", "" },
		{ "abc", "abc", "   " },
		{ "", "ab", "++" },
		{ "ab", "", "--" },
		{ "abc", "adc", " -+ " },
		{ "abcd", "bcde", "-   +" },
		{ "xabcy", "xy", " --- " },
		{ "axbyc", "abc", " - - " },
		{ "aab", "ab", " - " },
		{ "abab", "ba", "-  -" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_strs struct strs before = STRS_INIT, after = STRS_INIT;
		autofree char *script = NULL;

		add_lines(&before, cases[i][0]);
		add_lines(&after, cases[i][1]);
		script = edit_script(&before, &after);
		assert_string_equal(script, cases[i][2]);
	}
}

/* Take the script at its word. */
static void assert_leads(const struct strs *before, const struct strs *after,
			 const char *script)
{
	size_t x = 0, y = 0;

	for (; *script; script++) {
		if (*script == ' ')
			assert_string_equal(before->item[x], after->item[y]);
		x += *script != '+';
		y += *script != '-';
		assert_true(x <= before->nr && y <= after->nr);
	}
	assert_int_equal(x, before->nr);
	assert_int_equal(y, after->nr);
}

static void edit_script_leads_from_one_to_the_other(void **state)
{
	unsigned int seed = 1;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		auto_strs struct strs before = STRS_INIT, after = STRS_INIT;
		autofree char *script = NULL;

		for (int k = rand_r(&seed) % 12; k > 0; k--)
			strs_addf(&before, "%d", rand_r(&seed) % 3);
		for (int k = rand_r(&seed) % 12; k > 0; k--)
			strs_addf(&after, "%d", rand_r(&seed) % 3);
		script = edit_script(&before, &after);
		assert_leads(&before, &after, script);
		assert_null(strstr(script, "+-"));
	}
}

static void edit_script_ends_also_where_all_differs(void **state)
{
	auto_strs struct strs before = STRS_INIT, after = STRS_INIT;
	autofree char *script = NULL;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		strs_addf(&before, "a%d", i);
		strs_addf(&after, "b%d", i % 4 ? i : i / 4);
	}
	strs_add(&before, "same");
	strs_add(&after, "same");
	script = edit_script(&before, &after);
	assert_leads(&before, &after, script);
	assert_int_equal(strlen(script), 10001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edit_script_is_the_shortest),
		cmocka_unit_test(edit_script_leads_from_one_to_the_other),
		cmocka_unit_test(edit_script_ends_also_where_all_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
