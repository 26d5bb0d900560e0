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

/* A CRD and a webhook configuration with a caBundle, and a Secret `name`. */
static struct jval *objects_with_secret(const char *name)
{
	return jval_pack("[{s:s, s:{s:s}}, {s:s, s:{s:{s:{s:{s:s, s:s}}}}},"
			 " {s:s, s:[{s:{s:s, s:s}}]}]",
			 "kind", "Secret", "metadata", "name", name, "kind",
			 "CustomResourceDefinition", "spec", "conversion",
			 "webhook", "clientConfig", "caBundle", "Q0E=", "url",
			 "u", "kind", "ValidatingWebhookConfiguration",
			 "webhooks", "clientConfig", "caBundle", "Q0E=", "url",
			 "u");
}

static void record_leaves_out_the_ca_of_our_own_certificate(void **state)
{
	autojval struct jval *record = record_new(1, "0.0.20", "install");
	autojval struct jval *ours = objects_with_secret("webhook-server-cert");
	autojval struct jval *theirs = objects_with_secret("another");
	autofree char *without = NULL;
	autofree char *with = NULL;

	(void)state;
	record_set_objects(record, ours);
	without = jval_text(record, false);
	assert_null(strstr(without, "caBundle"));
	assert_non_null(strstr(without, "\"url\""));
	record_set_objects(record, theirs);
	with = jval_text(record, false);
	assert_non_null(strstr(with, "caBundle"));
}

static void record_ends_once(void **state)
{
	static const char *const ends[] = { "deployed", "failed",
					    "rolled-back" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		autojval struct jval *record = record_new(1, "1", "upgrade");

		record_set_status(record, ends[i]);
		assert_non_null(jval_str(record, "finished"));
		/* What comes after it does not make it last longer. */
		jval_set_str(record, "finished", "then");
		record_set_status(record, "superseded");
		assert_string_equal(jval_str(record, "finished"), "then");
		record_set_status(record, "installing");
		assert_null(jval_str(record, "finished"));
	}
}

static void record_takes_any_failure(void **state)
{
	autojval struct jval *record = record_new(1, "0.0.20", "install");

	(void)state;
	record_set_failure(record, "cannot \xff");
	assert_string_equal(jval_str(record, "failure"), "cannot \xef\xbf\xbd");
}

/* Records 1, 2, ... with these states: d s f i r u. */
static struct jval *records_of(const char *states)
{
	static const char *const names[256] = {
		['d'] = "deployed",    ['s'] = "superseded",
		['f'] = "failed",      ['i'] = "installing",
		['r'] = "rolled-back", ['u'] = "unreadable",
	};
	struct jval *records = jval_new_array();

	for (const char *p = states; *p; p++)
		jval_append(records,
			    jval_pack("{s:I, s:s}", "revision",
				      (int64_t)(p - states + 1), "status",
				      names[(unsigned char)*p]));
	return records;
}

static void record_is_found_by_its_revision(void **state)
{
	autojval struct jval *records = records_of("sd");

	(void)state;
	assert_string_equal(jval_str(record_find(records, 2), "status"),
			    "deployed");
	assert_null(record_find(records, 3));
	assert_null(record_find(NULL, 1));
}

static void record_surplus_spares_the_way_back(void **state)
{
	static const struct {
		const char *states;
		size_t keep;
		const char *surplus; /* revisions */
	} cases[] = {
		{ "sssd", 10, "" },  { "sssd", 4, "" },	  { "sssd", 3, "1" },
		{ "sssd", 2, "12" }, { "sssd", 1, "12" }, { "sssd", 0, "12" },
		{ "sdff", 1, "3" },  { "sdrr", 2, "" },	  { "ssdfr", 2, "1" },
		{ "ifsd", 2, "2" },  { "ufsd", 2, "2" },  { "ff", 1, "1" },
		{ "fffd", 2, "12" }, { "", 0, "" },	  { "ss", 1, "1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autojval struct jval *records = records_of(cases[i].states);
		autojval struct jval *surplus =
			record_surplus(records, cases[i].keep);
		char revisions[16] = "";

		for (size_t n = 0; n < jval_len(surplus); n++)
			revisions[n] =
				(char)('0' + jval_int(jval_at(surplus, n),
						      "revision", 0));
		assert_string_equal(revisions, cases[i].surplus);
	}
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
		cmocka_unit_test(
			record_leaves_out_the_ca_of_our_own_certificate),
		cmocka_unit_test(record_ends_once),
		cmocka_unit_test(record_takes_any_failure),
		cmocka_unit_test(record_is_found_by_its_revision),
		cmocka_unit_test(record_surplus_spares_the_way_back),
		cmocka_unit_test(record_is_named_by_its_revision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
