#include "unit.h"

#include "base/mem.h"
#include "slurm/control.h"

static void control_finds_a_setting_among_all(void **state)
{
	static const char text[] =
		"Configuration data as of 2026-11-23\n"
		"BurstBufferTypeX        = no\n"
		"BurstBufferType         = burst_buffer/lua\n"
		"Comment=short\r\n"
		"Epilog                  = (null)\n"
		"Prolog\n";
	static const struct {
		const char *name, *value;
	} cases[] = {
		{ "BurstBufferType", "burst_buffer/lua" },
		{ "Comment", "short" },
		{ "Epilog", "" },
		{ "Prolog", NULL },
		{ "Burst", NULL },
		{ "Missing", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *value = control_parse(text, cases[i].name);

		if (cases[i].value)
			assert_string_equal(value, cases[i].value);
		else
			assert_null(value);
	}
}

static void control_counts_each_job_with_a_buffer_once(void **state)
{
	auto_strs struct strs jobs = STRS_INIT;
	autofree char *all = NULL;

	(void)state;
	control_parse_queue("7           #DW jobd\n"
			    "8                   \n"
			    "123456789012#DW jobd\n"
			    "9           #DW pers\n",
			    &jobs);
	control_parse_buffers("Name=lua DefaultPool=(null)\n"
			      "  Allocated Buffers:\n"
			      "    JobID=9 CreateTime=2026-11-23T11:30:00\n"
			      "    JobID=5_2(10) CreateTime=a(11)\n"
			      "    JobID=12 CreateTime=a(13)\n",
			      &jobs);
	all = strs_join(&jobs, " ");
	assert_string_equal(all, "7 123456789012 9 10 12");
}

static void control_counts_only_numbers(void **state)
{
	auto_strs struct strs jobs = STRS_INIT;

	(void)state;
	control_parse_queue("#DW\nsqueue: error #\n 7 #DW\n7x #\n", &jobs);
	control_parse_buffers("JobID=\nJobID=x\nJobID=5_2(\nJobID=5_2(7&\n"
			      "JobID=(8) \nJobID=3_*\nName=JobID=7\n",
			      &jobs);
	assert_int_equal(jobs.nr, 1);
	assert_string_equal(jobs.item[0], "8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_finds_a_setting_among_all),
		cmocka_unit_test(control_counts_each_job_with_a_buffer_once),
		cmocka_unit_test(control_counts_only_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
