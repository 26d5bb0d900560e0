#include "unit.h"

#include "base/mem.h"
#include "txn/plan.h"

static void plan_without_steps_is_empty_but_whole(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;
	autojval struct jval *value = plan_value(&plan);
	autofree char *text = jval_text(value, true);

	(void)state;
	assert_string_equal(text, "{\"notes\":[],\"steps\":[]}");
}

static void plan_keeps_steps_in_order_with_their_reason(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;
	autojval struct jval *value = NULL;
	autofree char *text = NULL;

	(void)state;
	plan_add(&plan, "push", "lacking", "image %s", "a");
	plan_add(&plan, "create", NULL, "service/%s", "b");
	strs_add(&plan.notes, "n");
	value = plan_value(&plan);
	text = jval_text(value, true);
	assert_string_equal(text, "{\"notes\":[\"n\"],\"steps\":["
				  "{\"action\":\"push\",\"thing\":\"image a\","
				  "\"why\":\"lacking\"},"
				  "{\"action\":\"create\","
				  "\"thing\":\"service/b\"}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_without_steps_is_empty_but_whole),
		cmocka_unit_test(plan_keeps_steps_in_order_with_their_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
