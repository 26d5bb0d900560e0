#include "unit.h"

#include "base/mem.h"
#include "cmd/plan_print.h"

static void assert_table(const struct plan *plan, bool colour,
			 const char *expected)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	plan_table(plan, colour, &out);
	assert_string_equal(buf_str(&out), expected);
}

static void plan_table_has_steps_then_differences_then_words(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;

	(void)state;
	plan_add(&plan, "push", "the registry lacks it", "image a");
	plan_set_number(&plan, "bytes", 2048);
	plan_add(&plan, "change", NULL, "service/b");
	plan_set_diff(&plan, " a: 1\n-b: 2\n+b: 3\n");
	plan_add(&plan, "carry", NULL, "Storage");
	plan_set_number(&plan, "count", 7);
	strs_add(&plan.notes, "a note");
	strs_add(&plan.problems, "a Workflow");
	plan.back = mem_strdup("rollback");
	assert_table(&plan, false,
		     "ACTION   THING       WHY\n"
		     "push     image a     2.0 KiB, the registry lacks it\n"
		     "change   service/b\n"
		     "carry    Storage     7\n"
		     "\n"
		     "change service/b\n"
		     " a: 1\n"
		     "-b: 2\n"
		     "+b: 3\n"
		     "\n"
		     "note: a note\n"
		     "problem: a Workflow\n"
		     "back: rollback\n");
}

static void plan_table_without_differences_has_no_gap(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;

	(void)state;
	plan_add(&plan, "keep", NULL, "x");
	strs_add(&plan.notes, "n");
	assert_table(&plan, true,
		     "ACTION   THING   WHY\n"
		     "keep     x\n"
		     "note: n\n");
}

static void plan_table_is_in_colour_where_it_may(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;

	(void)state;
	plan_add(&plan, "change", NULL, "x");
	plan_set_diff(&plan, "@@ a @@\n b\n-c\n+d\n");
	assert_table(&plan, true,
		     "ACTION   THING   WHY\n"
		     "change   x\n"
		     "\n"
		     "change x\n"
		     "\033[36m@@ a @@\033[m\n"
		     " b\n"
		     "\033[31m-c\033[m\n"
		     "\033[32m+d\033[m\n"
		     "\n");
}

static void plan_table_cuts_long_differences(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;
	auto_buf struct buf diff = BUF_INIT(BUF_TEXT_MAX);
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	(void)state;
	for (int i = 0; i < 3000; i++)
		buf_addf(&diff, "+line %d\n", i);
	plan_add(&plan, "change", NULL, "x");
	plan_set_diff(&plan, buf_str(&diff));
	plan_table(&plan, false, &out);
	assert_non_null(strstr(buf_str(&out),
			       "+line 59\n... 2940 more lines: -o json"));
	assert_null(strstr(buf_str(&out), "line 60"));
}

static void plan_table_shows_no_control_characters(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;

	(void)state;
	plan_add(&plan, "change", NULL, "x");
	plan_set_diff(&plan, "+a\033[2Jb\n");
	assert_table(&plan, false,
		     "ACTION   THING   WHY\n"
		     "change   x\n"
		     "\n"
		     "change x\n"
		     "+a?[2Jb\n"
		     "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			plan_table_has_steps_then_differences_then_words),
		cmocka_unit_test(plan_table_without_differences_has_no_gap),
		cmocka_unit_test(plan_table_is_in_colour_where_it_may),
		cmocka_unit_test(plan_table_cuts_long_differences),
		cmocka_unit_test(plan_table_shows_no_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
