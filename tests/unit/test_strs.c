#include "unit.h"

#include "base/mem.h"
#include "base/strs.h"

static void strs_keeps_what_is_added_and_ends_with_null(void **state)
{
	auto_strs struct strs list = STRS_INIT;

	(void)state;
	for (int i = 0; i < 100; i++) {
		strs_addf(&list, "s%d", i);
		assert_null(list.item[list.nr]);
	}
	strs_add(&list, "last");
	strs_take(&list, mem_strdup("taken"));
	assert_int_equal(list.nr, 102);
	assert_string_equal(list.item[99], "s99");
	assert_true(strs_has(&list, "taken"));
	assert_false(strs_has(&list, "s100"));
}

static void strs_sorts_by_byte(void **state)
{
	auto_strs struct strs list = STRS_INIT;
	autofree char *text = NULL;

	(void)state;
	strs_sort(&list);
	strs_split(&list, "b,a,C,ab", ',');
	strs_sort(&list);
	text = strs_join(&list, " ");
	assert_string_equal(text, "C a ab b");
}

static void strs_split_leaves_empty_parts_out(void **state)
{
	static const struct {
		const char *text;
		const char *joined;
	} cases[] = {
		{ "", "" },	  { ":", "" },	       { "a", "a" },
		{ "a:b", "a|b" }, { ":a::b:", "a|b" }, { "::", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_strs struct strs list = STRS_INIT;
		autofree char *text = NULL;

		strs_split(&list, cases[i].text, ':');
		text = strs_join(&list, "|");
		assert_string_equal(text, cases[i].joined);
	}
}

static void strs_clear_makes_it_usable_again(void **state)
{
	auto_strs struct strs list = STRS_INIT;

	(void)state;
	strs_add(&list, "a");
	strs_clear(&list);
	assert_int_equal(list.nr, 0);
	strs_add(&list, "b");
	assert_string_equal(list.item[0], "b");
}

static void str_questions_are_answered(void **state)
{
	(void)state;
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq(NULL, ""));
	assert_true(str_eq("a", "a"));
	assert_true(str_starts("abc", "ab"));
	assert_false(str_starts("a", "ab"));
	assert_true(str_ends("abc", "bc"));
	assert_false(str_ends("c", "bc"));
	assert_true(str_empty(NULL));
	assert_true(str_empty(""));
	assert_false(str_empty(" "));
	assert_string_equal(str_after("sha256:ab", "sha256:"), "ab");
	assert_null(str_after("sha", "sha256:"));
}

static void str_u64_reads_the_whole_range(void **state)
{
	struct err err = ERR_INIT;
	uint64_t n;

	(void)state;
	assert_done(str_u64("0", &n, &err) == 0 && n == 0, &err);
	assert_done(str_u64("18446744073709551615", &n, &err) == 0, &err);
	assert_true(n == UINT64_MAX);
}

static void str_u64_refuses_what_is_no_number(void **state)
{
	static const char *const cases[] = {
		"", "-1", "+1", " 1", "1 ", "1k", "0x1", "18446744073709551616",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		autofree char *quoted = mem_printf("'%s'", cases[i]);
		uint64_t n;

		assert_int_equal(str_u64(cases[i], &n, &err), -1);
		assert_error(&err, ERR_INVALID, quoted);
	}
}

static void str_durations_are_read_as_kubectl_does(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "90s", 90000 },     { "2m", 120000 },	  { "1h30m", 5400000 },
		{ "500ms", 500 },     { "5", 5000 },	  { "0", 0 },
		{ "1m1s1ms", 61001 }, { "120s", 120000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		int64_t ms;

		assert_done(str_duration_ms(cases[i].text, &ms, &err) == 0,
			    &err);
		assert_int_equal(ms, cases[i].ms);
	}
}

static void str_durations_are_refused_with_their_text(void **state)
{
	static const char *const cases[] = {
		"", "s", "-1s", "1x", "1 s", "1h30", "9999999999s", "1.5h",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		autofree char *quoted = mem_printf("'%s'", cases[i]);
		int64_t ms;

		assert_int_equal(str_duration_ms(cases[i], &ms, &err), -1);
		assert_error(&err, ERR_INVALID, quoted);
	}
}

static void str_sizes_are_read_as_split_does(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} cases[] = {
		{ "4700000000", 4700000000 },
		{ "0", 0 },
		{ "700M", (int64_t)700 << 20 },
		{ "700MiB", (int64_t)700 << 20 },
		{ "700MB", 700000000 },
		{ "4G", (int64_t)4 << 30 },
		{ "1K", 1024 },
		{ "2T", (int64_t)2 << 40 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		int64_t bytes;

		assert_done(str_size(cases[i].text, &bytes, &err) == 0, &err);
		assert_int_equal(bytes, cases[i].bytes);
	}
}

static void str_sizes_are_refused_with_their_text(void **state)
{
	static const char *const cases[] = {
		"",    "M",	"-1M", "1.5G", "4g",
		"4 G", "4GiBs", "4Gi", "4B",   "99999999T",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		autofree char *quoted = mem_printf("'%s'", cases[i]);
		int64_t bytes;

		assert_int_equal(str_size(cases[i], &bytes, &err), -1);
		assert_error(&err, ERR_INVALID, quoted);
	}
}

static void str_bytes_picks_the_unit(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1536, "1.5 KiB" },
		{ 100 << 20, "100.0 MiB" },
		{ (uint64_t)3 << 30, "3.0 GiB" },
		{ UINT64_MAX, "16777216.0 TiB" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[16];

		str_bytes(text, sizeof(text), cases[i].bytes);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strs_keeps_what_is_added_and_ends_with_null),
		cmocka_unit_test(strs_sorts_by_byte),
		cmocka_unit_test(strs_split_leaves_empty_parts_out),
		cmocka_unit_test(strs_clear_makes_it_usable_again),
		cmocka_unit_test(str_questions_are_answered),
		cmocka_unit_test(str_u64_reads_the_whole_range),
		cmocka_unit_test(str_u64_refuses_what_is_no_number),
		cmocka_unit_test(str_durations_are_read_as_kubectl_does),
		cmocka_unit_test(str_durations_are_refused_with_their_text),
		cmocka_unit_test(str_sizes_are_read_as_split_does),
		cmocka_unit_test(str_sizes_are_refused_with_their_text),
		cmocka_unit_test(str_bytes_picks_the_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
