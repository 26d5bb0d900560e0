#include "unit.h"

#include "base/mem.h"
#include "base/strs.h"
#include "bundle/catalogue.h"
#include "txn/names.h"
#include "txn/workflow.h"

static struct jval *workflow_in(const char *state, const char *status)
{
	return jval_pack("{s:{s:s, s:s}}", "status", "state", state, "status",
			 status);
}

static void states_have_the_order_of_a_job(void **state)
{
	(void)state;
	assert_int_equal(workflow_state_rank("Proposal"), 0);
	assert_int_equal(workflow_state_rank("Teardown"), 6);
	assert_int_equal(workflow_state_rank("teardown"), -1);
	assert_int_equal(workflow_state_rank(NULL), -1);
}

static void stand_is_told_by_state_and_status(void **state)
{
	static const struct {
		const char *state, *status;
		enum workflow_stand stand;
	} cases[] = {
		{ "Setup", "Completed", WORKFLOW_REACHED },
		{ "Setup", "DriverWait", WORKFLOW_UNDERWAY },
		{ "Setup", "", WORKFLOW_UNDERWAY },
		{ "Proposal", "Completed", WORKFLOW_UNDERWAY },
		{ "DataIn", "DriverWait", WORKFLOW_REACHED },
		{ "Setup", "Error", WORKFLOW_FAILED },
		{ "", "", WORKFLOW_UNDERWAY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autojval struct jval *workflow =
			workflow_in(cases[i].state, cases[i].status);

		assert_int_equal(workflow_stand(workflow, "Setup"),
				 cases[i].stand);
	}
	assert_int_equal(workflow_stand(NULL, "Proposal"), WORKFLOW_UNDERWAY);
}

static void errors_are_those_of_the_drivers_else_the_message(void **state)
{
	autojval struct jval *workflow = jval_pack(
		"{s:{s:s, s:[{s:s, s:s}, {s:s}, {s:s, s:s}]}}", "status",
		"message", "whole", "drivers", "driverID", "nnf", "error",
		"no space", "driverID", "b", "driverID", "c", "error", "down");
	autojval struct jval *plain =
		jval_pack("{s:{s:s}}", "status", "message", "whole");
	autofree char *errors = workflow_errors(workflow);
	autofree char *message = workflow_errors(plain);
	autofree char *none = workflow_errors(NULL);

	(void)state;
	assert_string_equal(errors, "driver nnf: no space; driver c: down");
	assert_string_equal(message, "whole");
	assert_string_equal(none, "DWS gives no reason");
}

static void faults_are_told_apart(void **state)
{
	static const struct {
		enum err_kind kind;
		int http;
		bool transient;
		const char *text, *fault;
	} cases[] = {
		{ ERR_API, 404, false,
		  "workflows.dataworkflowservices.github.io \"bb1\" not found",
		  "gone" },
		{ ERR_API, 404, false, "namespaces \"x\" not found", "fatal" },
		{ ERR_API, 404, false, "could not find the requested resource",
		  "transient" },
		{ ERR_API, 409, false, "\"bb1\" already exists", "exists" },
		{ ERR_API, 409, false, "the object has been modified",
		  "conflict" },
		{ ERR_API, 403, false, "User \"x\" cannot get", "fatal" },
		{ ERR_API, 403, false, "webhook \"w\" denied the request: x",
		  "denied" },
		{ ERR_API, 401, false, "Unauthorized", "fatal" },
		{ ERR_API, 400, false, "bad", "denied" },
		{ ERR_API, 422, false, "is invalid", "denied" },
		{ ERR_API, 500, false, "failed calling webhook", "transient" },
		{ ERR_API, 503, true, "busy", "transient" },
		{ ERR_API, 0, true, "cannot be reached", "transient" },
		{ ERR_API, 0, false, "unknown CA", "fatal" },
		{ ERR_NOT_FOUND, 0, false, "no kubeconfig", "fatal" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		err_set(&err, cases[i].kind, "%s", cases[i].text);
		err.http = cases[i].http;
		err.transient = cases[i].transient;
		assert_string_equal(workflow_fault(&err), cases[i].fault);
	}
}

static void the_likely_version_is_that_of_the_newest_release(void **state)
{
	struct err err = ERR_INIT;
	autocatalogue struct catalogue *catalogue = catalogue_open(&err);
	const struct release *newest;

	(void)state;
	assert_non_null(catalogue);
	newest = catalogue_release(catalogue, NULL, &err);
	assert_non_null(newest);
	assert_string_equal(newest->storage_version, DWS_NEWEST_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_have_the_order_of_a_job),
		cmocka_unit_test(stand_is_told_by_state_and_status),
		cmocka_unit_test(
			errors_are_those_of_the_drivers_else_the_message),
		cmocka_unit_test(faults_are_told_apart),
		cmocka_unit_test(
			the_likely_version_is_that_of_the_newest_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
