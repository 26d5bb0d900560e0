#include "unit.h"

#include "base/mem.h"
#include "txn/record.h"

static void record_says_who_and_when_from_the_start(void **state)
{
	autojval struct jval *record = record_new(3, "0.0.20", "install");

	(void)state;
	assert_int_equal(jval_int(record, "revision", 0), 3);
	assert_string_equal(jval_str(record, "status"), "installing");
	assert_non_null(jval_str(record, "started"));
	assert_non_null(jval_str(record, "user"));
	assert_non_null(jval_str(record, "host"));
	assert_null(jval_str(record, "finished"));
	record_set_status(record, "deployed");
	assert_non_null(jval_str(record, "finished"));
}

static void record_holds_no_key(void **state)
{
	autojval struct jval *record = record_new(1, "0.0.20", "install");
	autojval struct jval *objects = jval_pack("[{s:s, s:{s:s}, s:{s:s}}]",
						  "kind", "Secret", "metadata",
						  "name", "x", "data",
						  "tls.key", "c2VjcmV0");
	autofree char *text = NULL;

	(void)state;
	record_set_objects(record, objects);
	text = jval_text(record, false);
	assert_null(strstr(text, "c2VjcmV0"));
	/* The objects themselves are not touched. */
	assert_non_null(jval_path(jval_at(objects, 0), "data"));
}

static void record_is_named_by_its_revision(void **state)
{
	autojval struct jval *record = record_new(12, "0.0.20", "install");
	autofree char *name = record_name(record);

	(void)state;
	assert_string_equal(name, "dws-csm.release.v12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_says_who_and_when_from_the_start),
		cmocka_unit_test(record_holds_no_key),
		cmocka_unit_test(record_is_named_by_its_revision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
