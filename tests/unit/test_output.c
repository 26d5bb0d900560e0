#include "unit.h"

#include <fcntl.h>

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

static void output_tells_of_a_full_disk(void **state)
{
	int before = dup(STDOUT_FILENO);
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct err err = ERR_INIT;
	int status;

	(void)state;
	if (full < 0)
		skip();
	fflush(stdout);
	dup2(full, STDOUT_FILENO);
	status = output_text("text", &err);
	dup2(before, STDOUT_FILENO);
	close(before);
	close(full);
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
		cmocka_unit_test(output_tells_of_a_full_disk),
	};

	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
