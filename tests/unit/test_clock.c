#include "unit.h"

#include <signal.h>

#include "base/clock.h"
#include "base/mem.h"

static void clock_writes_and_reads_the_same_time(void **state)
{
	char text[CLOCK_RFC3339_SIZE];
	struct err err = ERR_INIT;
	time_t t;

	(void)state;
	clock_rfc3339(text, sizeof(text), 1795394280);
	assert_string_equal(text, "2026-11-23T00:38:00Z");
	assert_done(clock_parse_rfc3339(text, &t, &err) == 0, &err);
	assert_int_equal(t, 1795394280);
}

static void clock_reads_fractions_and_offsets(void **state)
{
	static const char *const cases[] = {
		"2026-11-23T00:38:00.123456Z",
		"2026-11-23T01:38:00+01:00",
		"2026-11-22T19:08:00.5-05:30",
		"2026-11-23T00:38:00+00:00",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		time_t t;

		assert_done(clock_parse_rfc3339(cases[i], &t, &err) == 0, &err);
		assert_int_equal(t, 1795394280);
	}
}

static void clock_refuses_other_forms_of_time(void **state)
{
	static const char *const cases[] = {
		"",
		"now",
		"2026-11-23",
		"2026-11-23T00:38:00",
		"2026-11-23T00:38:00Zx",
		"2026-11-23T00:38:00*01:00",
		"2026-11-23T00:38:00+01",
		"2026-13-23T00:38:00Z",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		time_t t;

		assert_int_equal(clock_parse_rfc3339(cases[i], &t, &err), -1);
		assert_error(&err, ERR_INVALID, cases[i]);
	}
}

static void clock_tells_ages_in_one_unit(void **state)
{
	static const struct {
		time_t age;
		const char *text;
	} cases[] = {
		{ -5, "0s" },	    { 0, "0s" },	 { 42, "42s" },
		{ 119, "119s" },    { 120, "2m" },	 { 7199, "119m" },
		{ 3 * 3600, "3h" }, { 2 * 86400, "2d" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[16];

		clock_age(text, sizeof(text), 1000, 1000 + cases[i].age);
		assert_string_equal(text, cases[i].text);
	}
}

static void deadline_of_a_negative_or_huge_time_is_never(void **state)
{
	(void)state;
	assert_true(deadline_in_ms(-1) == INT64_MAX);
	assert_true(deadline_in_ms(INT64_MAX) == INT64_MAX);
	assert_int_equal(deadline_left_ms(clock_now_ms() - 5), 0);
	assert_true(deadline_left_ms(deadline_in_ms(60000)) > 50000);
}

static void clock_backs_off_twice_as_long_up_to_a_maximum(void **state)
{
	static const struct {
		unsigned int attempt;
		int64_t ms;
	} cases[] = {
		{ 0, 100 },  { 1, 100 },   { 2, 200 },		 { 4, 800 },
		{ 5, 1000 }, { 30, 1000 }, { UINT32_MAX, 1000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases) * 50; i++) {
		size_t k = i % ARRAY_SIZE(cases);
		int64_t ms = clock_backoff_ms(cases[k].attempt, 100, 1000);

		assert_in_range(ms, cases[k].ms * 3 / 4, cases[k].ms * 5 / 4);
	}
}

static void clock_sleeps_as_long_as_asked(void **state)
{
	int64_t start = clock_now_ms();
	struct err err = ERR_INIT;

	(void)state;
	assert_done(clock_sleep(130, &err) == 0, &err);
	assert_true(clock_now_ms() - start >= 130);
}

/* The last test: the flag stays set. */
static void clock_sleep_ends_with_a_signal(void **state)
{
	int64_t start = clock_now_ms();
	struct err err = ERR_INIT;

	(void)state;
	interrupt_install();
	assert_false(clock_interrupted());
	raise(SIGTERM);
	assert_true(clock_interrupted());
	assert_int_equal(clock_sleep(60000, &err), -1);
	assert_error(&err, ERR_INTERRUPTED, "interrupted by SIGTERM");
	assert_true(clock_now_ms() - start < 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_writes_and_reads_the_same_time),
		cmocka_unit_test(clock_reads_fractions_and_offsets),
		cmocka_unit_test(clock_refuses_other_forms_of_time),
		cmocka_unit_test(clock_tells_ages_in_one_unit),
		cmocka_unit_test(deadline_of_a_negative_or_huge_time_is_never),
		cmocka_unit_test(clock_backs_off_twice_as_long_up_to_a_maximum),
		cmocka_unit_test(clock_sleeps_as_long_as_asked),
		cmocka_unit_test(clock_sleep_ends_with_a_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
