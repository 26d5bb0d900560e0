#include "unit.h"

#include "base/mem.h"
#include "txn/custom.h"

static void workflow_row_tells_job_state_age_and_finalizers(void **state)
{
	autojval struct jval *workflow = jval_pack(
		"{s:{s:s, s:s, s:s, s:[s]}, s:{s:i, s:i, s:s}, s:{s:s, s:s}}",
		"metadata", "name", "bb7", "namespace", "user",
		"creationTimestamp", "1970-01-01T00:00:00Z", "finalizers",
		"a/b", "spec", "jobID", 7, "userID", 1000, "desiredState",
		"Setup", "status", "state", "Proposal", "status", "Completed");
	auto_strs struct strs cells = STRS_INIT;
	autofree char *row = NULL;

	(void)state;
	workflows_cells(workflow, 90, &cells);
	row = strs_join(&cells, " ");
	assert_string_equal(row, "user bb7 7 1000 Setup Proposal Completed "
				 "90s a/b");
}

static void workflow_row_has_a_dash_for_what_is_not_there(void **state)
{
	autojval struct jval *workflow = jval_pack("{s:{s:s}, s:{s:s}}",
						   "metadata", "name", "w",
						   "spec", "jobID", "abc");
	auto_strs struct strs cells = STRS_INIT;
	autofree char *row = NULL;

	(void)state;
	workflows_cells(workflow, 0, &cells);
	row = strs_join(&cells, " ");
	assert_string_equal(row, "- w abc - - - - - -");
}

static void storage_version_is_the_one_that_stores(void **state)
{
	autojval struct jval *crd = jval_pack(
		"{s:{s:[{s:s, s:b}, {s:s, s:b}]}}", "spec", "versions", "name",
		"v1alpha1", "storage", 0, "name", "v1alpha2", "storage", 1);

	(void)state;
	assert_string_equal(custom_storage_version(crd), "v1alpha2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			workflow_row_tells_job_state_age_and_finalizers),
		cmocka_unit_test(workflow_row_has_a_dash_for_what_is_not_there),
		cmocka_unit_test(storage_version_is_the_one_that_stores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
