#include "unit.h"

#include "slurm/job.h"

static void job_look_is_state_nodes_and_reason(void **state)
{
	struct job_look auto_job_look look = { .state = NULL };

	(void)state;
	assert_true(job_look_parse("PENDING||BurstBufferStageIn\n", &look));
	assert_string_equal(look.state, "PENDING");
	assert_string_equal(look.nodes, "");
	assert_string_equal(look.reason, "BurstBufferStageIn");
	job_look_release(&look);
	assert_true(
		job_look_parse("RUNNING|node[0-3]|a|b\x1b[2J\nX|Y|Z\n", &look));
	assert_string_equal(look.nodes, "node[0-3]");
	assert_string_equal(look.reason, "a|b?[2J");
}

static void job_look_is_nothing_else(void **state)
{
	static const char *const texts[] = { "",	"\n",
					     "RUNNING", "RUNNING|n",
					     "|n|r",	"RUNNING\n|n|r" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct job_look auto_job_look look = { .state = NULL };

		assert_false(job_look_parse(texts[i], &look));
		assert_null(look.state);
	}
}

static void job_state_is_final_only_at_the_end(void **state)
{
	(void)state;
	assert_true(job_state_is_final("COMPLETED"));
	assert_true(job_state_is_final("CANCELLED"));
	assert_true(job_state_is_final("OUT_OF_MEMORY"));
	assert_false(job_state_is_final("COMPLETING"));
	assert_false(job_state_is_final("STAGE_OUT"));
	assert_false(job_state_is_final("PENDING"));
	assert_false(job_state_is_final(NULL));
}

static void job_facts_are_lines_of_slurm_alone(void **state)
{
	struct job_facts auto_job_facts facts = { .exit_code = NULL };

	(void)state;
	job_facts_parse("JobId=5 JobName=x ExitCode=9:9 SystemComment=no\n"
			"   Requeue=1 Restarts=0 BatchFlag=1 ExitCode=3:0\n"
			"   Comment=SystemComment=neither\n"
			"   SystemComment=setup: no space\n",
			&facts);
	assert_string_equal(facts.exit_code, "3:0");
	assert_string_equal(facts.comment, "setup: no space");
}

static void job_facts_may_be_missing(void **state)
{
	struct job_facts auto_job_facts facts = { .exit_code = NULL };

	(void)state;
	job_facts_parse("slurm_load_jobs error\n", &facts);
	assert_null(facts.exit_code);
	assert_null(facts.comment);
}

static void job_script_is_one_job_of_this_cluster(void **state)
{
	static const struct {
		const char *text;
		const char *says; /* NULL = fit */
	} cases[] = {
		{ "#!/bin/sh\n#SBATCH --nodes=1 -t 5\n#DW x\ntrue\n", NULL },
		{ "#!/bin/sh\n#SBATCH --account=a --wait-all-nodes=1\n", NULL },
		{ "#!/bin/sh\ntrue\n#SBATCH --array=1-2\n", NULL },
		{ "#!/bin/sh\n\n#SBATCH --array=1-2\n", "--array" },
		{ "#!/bin/sh\n \t\r\n # x\n#SBATCH --array=1-2", "--array" },
		{ "#!/bin/sh\n#SBATCH --arr=1-2", "--array" },
		{ "#!/bin/sh\n#SBATCH -n 1 -a1-2\n", "--array" },
		{ "#!/bin/sh\n#SBATCH\t-M other\n", "--clusters" },
		{ "#!/bin/sh\n#SBATCH --clusters=other\r\n", "--clusters" },
		{ "#!/bin/sh\n#SBATCH --wait\n", "--wait" },
		{ "#!/bin/sh\n#SBATCH \"-W\"\n", "--wait" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_INIT;
		int result = job_check_script(cases[i].text,
					      strlen(cases[i].text), &err);

		assert_int_equal(result, cases[i].says ? -1 : 0);
		if (cases[i].says)
			assert_error(&err, ERR_USAGE, cases[i].says);
	}
}

static void job_remedy_goes_by_the_words_of_slurm(void **state)
{
	(void)state;
	assert_non_null(strstr(job_remedy("Batch job submission failed: Burst "
					  "Buffer permission denied"),
			       "--user"));
	assert_non_null(strstr(job_remedy("invalid partition specified: x"),
			       "--partition"));
	assert_non_null(strstr(job_remedy("Unable to contact slurm controller "
					  "(connect failure)"),
			       "scontrol ping"));
	assert_null(job_remedy("DWS refuses the directive"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(job_look_is_state_nodes_and_reason),
		cmocka_unit_test(job_look_is_nothing_else),
		cmocka_unit_test(job_state_is_final_only_at_the_end),
		cmocka_unit_test(job_facts_are_lines_of_slurm_alone),
		cmocka_unit_test(job_facts_may_be_missing),
		cmocka_unit_test(job_script_is_one_job_of_this_cluster),
		cmocka_unit_test(job_remedy_goes_by_the_words_of_slurm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
