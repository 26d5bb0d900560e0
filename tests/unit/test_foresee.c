#include "unit.h"

#include "base/mem.h"
#include "txn/foresee.h"

static struct jval *object(const char *kind, const char *ns, const char *name,
			   const char *said)
{
	return jval_pack("{s:s, s:s, s:{s:s, s:s?}, s:{s:s}}", "apiVersion",
			 "v1", "kind", kind, "metadata", "name", name,
			 "namespace", ns, "spec", "a", said);
}

static void assert_step(const struct plan *plan, size_t index,
			const char *action, const char *thing)
{
	const struct jval *step = jval_at(plan->steps, index);

	assert_string_equal(jval_str(step, "action"), action);
	assert_string_equal(jval_str(step, "thing"), thing);
}

static void foresee_replace_tells_the_net_effect(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;
	autojval struct jval *now =
		jval_pack("[o, o, o]", object("Service", "x", "goes", "1"),
			  object("Service", "x", "other", "1"),
			  object("Service", "x", "stays", "1"));
	autojval struct jval *next =
		jval_pack("[o, o, o]", object("Namespace", NULL, "x", "1"),
			  object("Service", "x", "other", "2"),
			  object("Service", "x", "stays", "1"));

	(void)state;
	foresee_replace(now, next, &plan);
	assert_int_equal(jval_len(plan.steps), 4);
	assert_step(&plan, 0, "delete", "service/goes in x");
	assert_step(&plan, 1, "create", "namespace/x");
	assert_step(&plan, 2, "change", "service/other in x");
	assert_non_null(strstr(jval_str(jval_at(plan.steps, 2), "diff"),
			       "-  a: \"1\"\n+  a: \"2\"\n"));
	assert_step(&plan, 3, "keep", "service/stays in x");
	assert_null(jval_str(jval_at(plan.steps, 3), "diff"));
}

static void foresee_replace_of_nothing_creates_all(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;
	autojval struct jval *next =
		jval_pack("[o]", object("Service", "x", "a", "1"));

	(void)state;
	foresee_replace(NULL, next, &plan);
	assert_int_equal(jval_len(plan.steps), 1);
	assert_step(&plan, 0, "create", "service/a in x");
}

static void foresee_replace_by_nothing_deletes_all(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;
	autojval struct jval *now =
		jval_pack("[o]", object("Service", "x", "a", "1"));

	(void)state;
	foresee_replace(now, NULL, &plan);
	assert_int_equal(jval_len(plan.steps), 1);
	assert_step(&plan, 0, "delete", "service/a in x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foresee_replace_tells_the_net_effect),
		cmocka_unit_test(foresee_replace_of_nothing_creates_all),
		cmocka_unit_test(foresee_replace_by_nothing_deletes_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
