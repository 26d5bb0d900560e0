#include "unit.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/strs.h"

#define SHELL(script)                    \
	{                                \
		"sh", "-c", script, NULL \
	}

static void proc_run_gives_output_and_status(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[] = SHELL("echo out; echo err >&2; exit 3");
	struct proc_request request = { .argv = argv };
	struct err err = ERR_INIT;

	(void)state;
	assert_done(proc_run(&request, &result, &err) == 0, &err);
	assert_int_equal(result.status, 3);
	assert_string_equal(buf_str(&result.out), "out\n");
	assert_string_equal(buf_str(&result.err), "err\n");
}

static void proc_run_tells_the_signal(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[] = SHELL("kill -TERM $$");
	struct proc_request request = { .argv = argv };
	struct err err = ERR_INIT;

	(void)state;
	assert_done(proc_run(&request, &result, &err) == 0, &err);
	assert_int_equal(result.status, 128 + 15);
}

static void proc_run_feeds_standard_input(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[] = { "wc", "-c", NULL };
	size_t len = (size_t)300 << 10; /* more than a pipe holds */
	char *text = calloc(1, len);
	struct proc_request request = {
		.argv = argv,
		.in = text,
		.in_len = len,
	};
	struct err err = ERR_INIT;

	(void)state;
	assert_done(proc_run(&request, &result, &err) == 0, &err);
	assert_string_equal(buf_str(&result.out), "307200\n");
	free(text);
}

static void proc_run_gives_no_input_without_being_told(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[] = { "cat", NULL };
	struct proc_request request = { .argv = argv };
	struct err err = ERR_INIT;

	(void)state;
	assert_done(proc_run(&request, &result, &err) == 0, &err);
	assert_string_equal(buf_str(&result.out), "");
}

static void proc_run_adds_to_the_environment(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[] = SHELL("echo $PROC_A $PROC_B $PROC_C");
	char *env[] = { "PROC_A=new", "PROC_B=b", NULL };
	struct proc_request request = { .argv = argv, .env = env };
	struct err err = ERR_INIT;

	(void)state;
	setenv("PROC_A", "old", 1);
	setenv("PROC_C", "kept", 1);
	assert_done(proc_run(&request, &result, &err) == 0, &err);
	assert_string_equal(buf_str(&result.out), "new b kept\n");
}

static void proc_run_names_a_program_that_is_not_there(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[] = { "no-such-program", NULL };
	struct proc_request request = { .argv = argv };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(proc_run(&request, &result, &err), -1);
	assert_error(&err, ERR_NOT_FOUND, "cannot run 'no-such-program'");
}

static void proc_run_ends_what_takes_too_long(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[] = SHELL("sleep 100 & sleep 100");
	struct proc_request request = { .argv = argv, .timeout_ms = 200 };
	struct err err = ERR_INIT;
	int64_t begun = clock_now_ms();

	(void)state;
	assert_int_equal(proc_run(&request, &result, &err), -1);
	assert_error(&err, ERR_TIMEOUT, "'sh'");
	assert_true(clock_now_ms() - begun < 5000);
}

static void proc_run_refuses_too_much_output(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[] = SHELL("while :; do echo 0123456789; done");
	struct proc_request request = { .argv = argv, .max_bytes = 1000 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(proc_run(&request, &result, &err), -1);
	assert_error(&err, ERR_INVALID, "more than 1000 bytes");
}

static void proc_run_does_not_wait_for_what_is_left_behind(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[] = SHELL("sleep 3 & echo done");
	struct proc_request request = { .argv = argv };
	struct err err = ERR_INIT;
	int64_t begun = clock_now_ms();

	(void)state;
	assert_done(proc_run(&request, &result, &err) == 0, &err);
	assert_string_equal(buf_str(&result.out), "done\n");
	assert_true(clock_now_ms() - begun < 2000);
}

static void hear(void *ctx, const char *line)
{
	strs_add(ctx, line);
}

static void proc_run_tells_lines_of_both_in_their_order(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	struct strs auto_strs lines = STRS_INIT;
	char *argv[] = SHELL("i=0; while [ $((i += 1)) -le 300 ]; do "
			     "echo $i; echo; echo $i >&2; done; "
			     "printf end; exit 4");
	struct proc_request request = { .argv = argv,
					.line = hear,
					.ctx = &lines };
	struct err err = ERR_INIT;

	(void)state;
	assert_done(proc_run(&request, &result, &err) == 0, &err);
	assert_int_equal(result.status, 4);
	assert_int_equal(lines.nr, 901);
	for (size_t i = 0; i < 900; i += 3) {
		assert_int_equal(strtoul(lines.item[i], NULL, 10), i / 3 + 1);
		assert_string_equal(lines.item[i + 1], "");
		assert_string_equal(lines.item[i + 2], lines.item[i]);
	}
	assert_string_equal(lines.item[900], "end");
}

static void note_time(void *ctx, const char *line)
{
	int64_t *at = ctx;

	if (strcmp(line, "early") == 0)
		*at = clock_now_ms();
}

static void proc_run_tells_a_line_while_the_program_runs(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	int64_t told = 0;
	char *argv[] = SHELL("echo early; sleep 1");
	struct proc_request request = { .argv = argv,
					.line = note_time,
					.ctx = &told };
	struct err err = ERR_INIT;

	(void)state;
	assert_done(proc_run(&request, &result, &err) == 0, &err);
	assert_true(told > 0);
	assert_true(clock_now_ms() - told >= 700);
}

static void proc_run_tells_a_long_line_in_pieces(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	struct strs auto_strs lines = STRS_INIT;
	char *argv[] = SHELL("printf '%09999d\\nz\\n' 0");
	struct proc_request request = { .argv = argv,
					.line = hear,
					.ctx = &lines };
	struct err err = ERR_INIT;

	(void)state;
	assert_done(proc_run(&request, &result, &err) == 0, &err);
	assert_int_equal(lines.nr, 4);
	assert_int_equal(strlen(lines.item[0]), 4096);
	assert_int_equal(strlen(lines.item[2]), 9999 - 2 * 4096);
	assert_string_equal(lines.item[3], "z");
}

/* Slower than who speaks, so that there is always more to hear. */
static void hear_slowly(void *ctx, const char *line)
{
	struct timespec pause = { .tv_nsec = 20000 };
	const int64_t *begun = ctx;

	(void)line;
	nanosleep(&pause, NULL);
	assert_true(clock_now_ms() - *begun < 20000);
}

static void proc_run_ends_who_never_stops_talking(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[] = { "yes", "012345678901234567890123456789", NULL };
	int64_t begun = clock_now_ms();
	struct proc_request request = { .argv = argv,
					.timeout_ms = 300,
					.line = hear_slowly,
					.ctx = &begun };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(proc_run(&request, &result, &err), -1);
	assert_error(&err, ERR_TIMEOUT, "'yes'");
}

static void proc_run_lets_it_clean_up_before_it_is_killed(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	struct strs auto_strs lines = STRS_INIT;
	char *argv[] = SHELL("trap 'echo cleaned; exit' TERM; echo ready; "
			     "while :; do sleep 0.1; done");
	struct proc_request request = {
		.argv = argv,
		.timeout_ms = 500,
		.grace_ms = 5000,
		.line = hear,
		.ctx = &lines,
	};
	struct err err = ERR_INIT;
	int64_t begun = clock_now_ms();

	(void)state;
	assert_int_equal(proc_run(&request, &result, &err), -1);
	assert_error(&err, ERR_TIMEOUT, "'sh'");
	/* Before it the shell may have told that its sleep was ended. */
	assert_true(lines.nr >= 2);
	assert_string_equal(lines.item[lines.nr - 1], "cleaned");
	assert_true(clock_now_ms() - begun < 4000);
}

static void proc_run_kills_what_does_not_obey(void **state)
{
	struct proc_result auto_proc result = PROC_RESULT_INIT;
	char *argv[] = SHELL("trap '' TERM; while :; do sleep 0.1; done");
	struct proc_request request = { .argv = argv,
					.timeout_ms = 200,
					.grace_ms = 300 };
	struct err err = ERR_INIT;
	int64_t begun = clock_now_ms();

	(void)state;
	assert_int_equal(proc_run(&request, &result, &err), -1);
	assert_error(&err, ERR_TIMEOUT, "'sh'");
	assert_in_range(clock_now_ms() - begun, 500, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proc_run_gives_output_and_status),
		cmocka_unit_test(proc_run_tells_the_signal),
		cmocka_unit_test(proc_run_feeds_standard_input),
		cmocka_unit_test(proc_run_gives_no_input_without_being_told),
		cmocka_unit_test(proc_run_adds_to_the_environment),
		cmocka_unit_test(proc_run_names_a_program_that_is_not_there),
		cmocka_unit_test(proc_run_ends_what_takes_too_long),
		cmocka_unit_test(proc_run_refuses_too_much_output),
		cmocka_unit_test(
			proc_run_does_not_wait_for_what_is_left_behind),
		cmocka_unit_test(proc_run_tells_lines_of_both_in_their_order),
		cmocka_unit_test(proc_run_tells_a_line_while_the_program_runs),
		cmocka_unit_test(proc_run_tells_a_long_line_in_pieces),
		cmocka_unit_test(proc_run_ends_who_never_stops_talking),
		cmocka_unit_test(proc_run_lets_it_clean_up_before_it_is_killed),
		cmocka_unit_test(proc_run_kills_what_does_not_obey),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
