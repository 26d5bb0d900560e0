#include "unit.h"

#include "base/mem.h"
#include "slurm/conf.h"

static void assert_value(const char *text, const char *name, const char *value)
{
	autofree char *seen = conf_value(text, strlen(text), name);

	if (value)
		assert_string_equal(seen, value);
	else
		assert_null(seen);
}

static void conf_knows_names_in_any_case(void **state)
{
	(void)state;
	assert_value("SLURMUSER=a\n", "SlurmUser", "a");
	assert_value("  slurmuser = a\r\n", "SlurmUser", "a");
	assert_value("SlurmUserX=a\n", "SlurmUser", NULL);
}

static void conf_takes_the_last_value(void **state)
{
	(void)state;
	assert_value("A=1\nB=2\nA=3", "A", "3");
}

static void conf_reads_values_as_slurm_does(void **state)
{
	static const struct {
		const char *text;
		const char *value;
	} cases[] = {
		{ "A=\"b c\"\n", "b c" },
		{ "A=\"b c\" d\n", "b c" },
		{ "A=\"b\"c\n", "\"b\"c" },
		{ "A=b#c\n", "b" },
		{ "A=b\\#c\n", "b#c" },
		{ "A=\\\nb\n", "b" },
		{ "A=b\\\nc\n", "bc" },
		{ "A=b\\  \r\nc\n", "bc" },
		{ "A=b\\\\\nc\n", "b\\" },
		{ "A=b #x \\\nA=c\n", "c" },
		{ "X=1 \\\nA=c\n", NULL },
		{ "A+=b\n", "b" },
		{ "A=\n", NULL },
		{ "A b\n", NULL },
		{ "#A=b\n", NULL },
		{ "X=1 A=b\n", NULL },
		{ "include A=b\n", NULL },
		{ "A=b\\", "b" },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_value(cases[i].text, "A", cases[i].value);
}

static void conf_tells_where_a_line_lies(void **state)
{
	static const char text[] = "# x\nA=1 \\\n B=2\nINCLUDE\tf/%c # y\n"
				   "  #BurstBufferType =\n";
	struct conf_reader reader;
	struct conf_line line;

	(void)state;
	conf_reader_init(&reader, text, strlen(text));
	assert_true(conf_next(&reader, &line));
	assert_null(line.name);
	assert_null(line.commented);
	assert_true(conf_next(&reader, &line));
	assert_int_equal(line.at, 4);
	assert_int_equal(line.len, 11);
	assert_int_equal(line.number, 2);
	assert_true(line.more);
	assert_true(conf_next(&reader, &line));
	assert_int_equal(line.number, 4);
	assert_true(conf_is(&line, "Include"));
	assert_string_equal(line.value, "f/%c");
	assert_false(line.more);
	assert_true(conf_next(&reader, &line));
	assert_string_equal(line.commented, "BurstBufferType");
	assert_null(line.name);
	assert_false(conf_next(&reader, &line));
	conf_reader_release(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conf_knows_names_in_any_case),
		cmocka_unit_test(conf_takes_the_last_value),
		cmocka_unit_test(conf_reads_values_as_slurm_does),
		cmocka_unit_test(conf_tells_where_a_line_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
