#include "unit.h"

#include <fcntl.h>
#include <signal.h>

#include "base/mem.h"
#include "cmd/output.h"

static void output_lines_up_columns_by_the_widest_cell(void **state)
{
	static const char *const heads[] = { "NAME", "STATE", "MESSAGE", NULL };
	struct table *table = table_new(heads);
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	(void)state;
	table_row(table, (const char *const[]){ "é-workflow", "DataIn", "" });
	table_row(table, (const char *const[]){ "b", NULL, "waits\nlong" });
	table_print(table, &out);
	assert_string_equal(buf_str(&out),
			    "NAME         STATE    MESSAGE\n"
			    "é-workflow   DataIn\n"
			    "b                     waits long\n");
	table_free(table);
}

static void output_keeps_escape_sequences_from_the_terminal(void **state)
{
	static const char *const heads[] = { "NAME", NULL };
	struct table *table = table_new(heads);
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	(void)state;
	table_row(table, (const char *const[]){ "\033]0;owned\a" });
	table_print(table, &out);
	assert_string_equal(buf_str(&out), "NAME\n?]0;owned?\n");
	table_free(table);
}

#define DIGEST_START "sha256:0123456789ab"
#define DIGEST                                                     \
	DIGEST_START "cdef0123456789abcdef0123456789abcdef0123456" \
		     "789abcdef"

static void output_cuts_digests_only_where_rows_are_too_long(void **state)
{
	static const char *const heads[] = { "IMAGE", "DIGEST", NULL };
	struct table *table = table_new(heads);
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	(void)state;
	table_row(table, (const char *const[]){ "dws:0.0.20", DIGEST });
	table_row(table, (const char *const[]){ "sha256:short", "sha256:-" });
	table_fit(table, 0);
	table_fit(table, 12 + 3 + 71);
	table_print(table, &out);
	assert_non_null(strstr(buf_str(&out), DIGEST));
	buf_clear(&out);
	table_fit(table, 12 + 3 + 70);
	table_print(table, &out);
	assert_string_equal(buf_str(&out), "IMAGE          DIGEST\n"
					   "dws:0.0.20     " DIGEST_START "\n"
					   "sha256:short   sha256:-\n");
	table_free(table);
}

/* Standard output goes to a file while `text` is made. */
static char *written(int (*say)(struct err *err), struct err *err, int *status)
{
	int fd = unit_file("", 0);
	int before = dup(STDOUT_FILENO);
	char *text;
	off_t len;

	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	*status = say(err);
	dup2(before, STDOUT_FILENO);
	close(before);
	len = lseek(fd, 0, SEEK_END);
	text = mem_alloc((size_t)len + 1);
	assert_int_equal(pread(fd, text, (size_t)len, 0), len);
	close(fd);
	return text;
}

static int say_json(struct err *err)
{
	autojval struct jval *value = jval_pack("{s:[i, i]}", "a", 1, 2);

	return output_value(value, "json", err);
}

static int say_yaml(struct err *err)
{
	autojval struct jval *value = jval_pack("{s:s}", "a", "yes");

	return output_value(value, "yaml", err);
}

static void output_prints_values_as_json_and_yaml(void **state)
{
	struct err err = ERR_INIT;
	autofree char *json = NULL;
	autofree char *yaml = NULL;
	int status;

	(void)state;
	json = written(say_json, &err, &status);
	assert_done(status == 0, &err);
	assert_non_null(strstr(json, "\"a\": [\n"));
	yaml = written(say_yaml, &err, &status);
	assert_done(status == 0, &err);
	assert_true(strncmp(yaml, "a: ", 3) == 0);
}

/* What output_text says of `fd`, which it closes, as standard output. */
static int write_to(int fd, struct err *err)
{
	int before = dup(STDOUT_FILENO);
	int status;

	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	status = output_text("text", err);
	dup2(before, STDOUT_FILENO);
	close(before);
	close(fd);
	return status;
}

static void output_tells_of_a_full_disk(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct err err = ERR_INIT;

	(void)state;
	if (full < 0)
		skip();
	assert_int_equal(write_to(full, &err), -1);
	assert_error(&err, ERR_FAILED, "write to standard output: ");
}

static void output_to_a_reader_who_has_gone_is_done(void **state)
{
	struct err err = ERR_INIT;
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_done(write_to(ends[1], &err) == 0, &err);
	assert_int_equal(err.kind, ERR_NONE);
}

static void output_closed_stays_closed(void **state)
{
	int before = dup(STDOUT_FILENO);
	struct err err = ERR_INIT;
	int other, status;

	(void)state;
	fflush(stdout);
	close(STDOUT_FILENO);
	output_keep_streams();
	other = open("/dev/null", O_WRONLY | O_CLOEXEC);
	status = output_text("text", &err);
	dup2(before, STDOUT_FILENO);
	close(before);
	close(other);
	assert_true(other > STDERR_FILENO);
	assert_int_equal(status, -1);
	assert_error(&err, ERR_FAILED, "write to standard output: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_lines_up_columns_by_the_widest_cell),
		cmocka_unit_test(
			output_keeps_escape_sequences_from_the_terminal),
		cmocka_unit_test(output_prints_values_as_json_and_yaml),
		cmocka_unit_test(
			output_cuts_digests_only_where_rows_are_too_long),
		cmocka_unit_test(output_tells_of_a_full_disk),
		cmocka_unit_test(output_to_a_reader_who_has_gone_is_done),
		cmocka_unit_test(output_closed_stays_closed),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
