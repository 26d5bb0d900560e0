#include "unit.h"

#include "base/finding.h"

static void findings_keep_their_order(void **state)
{
	auto_findings struct findings findings = FINDINGS_INIT;

	(void)state;
	finding_add(&findings, "one", FINDING_OK, NULL, "version %d", 7);
	finding_add(&findings, "two", FINDING_SKIPPED, "try", "nothing");
	assert_int_equal(findings.nr, 2);
	assert_string_equal(findings.item[0].seen, "version 7");
	assert_null(findings.item[0].remedy);
	assert_string_equal(findings.item[1].remedy, "try");
	assert_string_equal(finding_status_name(findings.item[1].status),
			    "skipped");
}

static void findings_tell_the_first_fault(void **state)
{
	auto_findings struct findings findings = FINDINGS_INIT;

	(void)state;
	finding_add(&findings, "one", FINDING_WARNING, NULL, "w");
	assert_null(findings_fault(&findings, NULL));
	finding_add(&findings, "two", FINDING_FAULT, NULL, "x");
	finding_add(&findings, "three", FINDING_FAULT, NULL, "y");
	assert_string_equal(findings_fault(&findings, NULL)->seen, "x");
	assert_string_equal(findings_fault(&findings, "three")->seen, "y");
	assert_null(findings_fault(&findings, "one"));
}

static void finding_splits_the_remedy_off_an_error(void **state)
{
	auto_findings struct findings findings = FINDINGS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_FAILED, "cannot");
	finding_add_err(&findings, "one", FINDING_FAULT, &err);
	assert_null(findings.item[0].remedy);
	err_hint(&err, "do that");
	finding_add_err(&findings, "one", FINDING_FAULT, &err);
	assert_string_equal(findings.item[1].seen, "cannot");
	assert_string_equal(findings.item[1].remedy, "do that");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings_keep_their_order),
		cmocka_unit_test(findings_tell_the_first_fault),
		cmocka_unit_test(finding_splits_the_remedy_off_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
