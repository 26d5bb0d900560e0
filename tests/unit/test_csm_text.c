#include "unit.h"

#include "base/mem.h"
#include "slurm/csm_text.h"

static struct jval *config_of(const char *conf)
{
	return jval_pack("{s:{s:s}, s:{s:s, s:s}}", "metadata", "name", "x",
			 "data", "slurm.conf", conf, "other", "kept");
}

static const char *data_of(const struct jval *config, const char *key)
{
	return jval_string(jval_get(jval_get(config, "data"), key));
}

static void csm_config_goes_there_and_back(void **state)
{
	autojval struct jval *before = config_of("A={{ x }}\n");
	autojval struct jval *with = NULL;
	autojval struct jval *without = NULL;
	auto_strs struct strs notes = STRS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	with = csm_config(before, TYPE_LUA, &notes, &err);
	assert_done(with != NULL, &err);
	assert_string_equal(data_of(with, "slurm.conf"),
			    "A={{ x }}\nBurstBufferType=burst_buffer/lua\n");
	assert_non_null(
		strstr(data_of(with, "burst_buffer.lua"), "slurm_bb_setup"));
	assert_non_null(data_of(with, "dws-burst-buffer.conf"));
	assert_int_equal(notes.nr, 4);
	without = csm_config(with, TYPE_NONE, &notes, &err);
	assert_done(without != NULL, &err);
	assert_true(jval_equal(before, without));
}

static void csm_config_refuses_what_it_must_not_change(void **state)
{
	autojval struct jval *other = config_of("burstbuffertype=datawarp\n");
	autojval struct jval *empty = jval_pack("{s:{}}", "data");
	auto_strs struct strs notes = STRS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_null(csm_config(other, TYPE_LUA, &notes, &err));
	assert_error(&err, ERR_BLOCKED, "line 1 BurstBufferType=datawarp");
	err_clear(&err);
	assert_null(csm_config(empty, TYPE_LUA, &notes, &err));
	assert_error(&err, ERR_BLOCKED, "no key slurm.conf");
}

static void csm_job_can_be_created_once_more(void **state)
{
	autojval struct jval *job = jval_pack(
		"{s:{s:s, s:s, s:{s:s, s:s}}, s:{s:{s:s}, s:{s:{s:{s:s, s:s}}, "
		"s:{}}}, s:{s:i}}",
		"metadata", "name", "slurm-config", "uid", "1", "labels",
		"controller-uid", "1", "app", "slurm", "spec", "selector",
		"controller-uid", "1", "template", "metadata", "labels",
		"batch.kubernetes.io/job-name", "x", "app", "slurm", "spec",
		"status", "succeeded", 1);
	autojval struct jval *again = csm_job(job);

	(void)state;
	assert_string_equal(jval_str(again, "metadata.name"), "slurm-config");
	assert_null(jval_path(again, "metadata.uid"));
	assert_null(jval_path(again, "status"));
	assert_null(jval_path(again, "spec.selector"));
	assert_int_equal(jval_len(jval_path(again, "metadata.labels")), 1);
	assert_int_equal(
		jval_len(jval_path(again, "spec.template.metadata.labels")), 1);
}

static void csm_job_keeps_a_selector_of_its_own(void **state)
{
	autojval struct jval *job =
		jval_pack("{s:{}, s:{s:b, s:{s:s}}}", "metadata", "spec",
			  "manualSelector", 1, "selector", "a", "b");
	autojval struct jval *again = csm_job(job);

	(void)state;
	assert_non_null(jval_path(again, "spec.selector"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csm_config_goes_there_and_back),
		cmocka_unit_test(csm_config_refuses_what_it_must_not_change),
		cmocka_unit_test(csm_job_can_be_created_once_more),
		cmocka_unit_test(csm_job_keeps_a_selector_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
