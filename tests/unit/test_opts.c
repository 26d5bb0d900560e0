#include "unit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/opts.h"

enum { HERE = 1, ELSEWHERE = 2 };

struct values {
	bool dry_run;
	bool wait;
	int verbose;
	const char *output;
	const char *kubeconfig;
	const char *to;
	const char *host;
	struct strs from;
	int64_t pods;
	int64_t jobs;
	int64_t timeout_ms;
	int64_t split;
	bool pin;
};

#define AT(field) .offset = offsetof(struct values, field)

static int check_host(const char *subject, const char *value, struct err *err)
{
	return strchr(value, '@') ?
		       err_set(err, ERR_USAGE, "'%s' must be a host", subject) :
		       0;
}

static const struct opt options[] = {
	{ "dry-run", 0, OPT_FLAG, NULL, NULL, "change nothing", AT(dry_run),
	  HERE },
	{ "wait", 0, OPT_SWITCH, NULL, NULL, "wait until ready", AT(wait),
	  HERE },
	{ "verbose", 'v', OPT_COUNT, NULL, NULL, "say more", AT(verbose),
	  HERE | ELSEWHERE },
	{ "output", 'o', OPT_TEXT, "FORMAT", "json|yaml", "form elsewhere",
	  AT(output), ELSEWHERE },
	{ "output", 'o', OPT_TEXT, "FORMAT", "table|json|yaml",
	  "form of the result", AT(output), HERE },
	{ "kubeconfig", 0, OPT_TEXT, "FILE", NULL, "how to reach the cluster",
	  AT(kubeconfig), HERE },
	{ "from", 0, OPT_LIST, "SOURCE", NULL,
	  "a source of images, which may be told as long and winding as this "
	  "text that needs two lines",
	  AT(from), HERE },
	{ "jobs", 'j', OPT_NUMBER, "N", NULL, "at the same time", AT(jobs),
	  HERE },
	{ "pods", 0, OPT_NUMBER, "N", NULL, "how many", AT(pods), HERE,
	  .min = 1, .max = 100 },
	{ "host", 0, OPT_TEXT, "HOST", NULL, "who", AT(host), HERE,
	  .check = check_host },
	{ "timeout", 0, OPT_DURATION, "TIME", NULL, "longest wait",
	  AT(timeout_ms), HERE, .min = 1 },
	{ "split", 0, OPT_SIZE, "SIZE", NULL, "parts", AT(split), HERE,
	  .min = 65536 },
	{ "pull", 'p', OPT_SWITCH, NULL, NULL, "pull", AT(pin), ELSEWHERE },
	{ "pin-digests", 0, OPT_FLAG, NULL, NULL, "pin", AT(pin), ELSEWHERE },
	{ "to", 0, OPT_TEXT, "A-VERY-LONG-KIND-OF-ARGUMENT", NULL, "where",
	  AT(to), HERE, true },
};

static const struct opts_table table = { options, ARRAY_SIZE(options) };

struct fixture {
	struct values values;
	struct strs args;
	struct err err;
};

static int set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	f->values.wait = true;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	strs_release(&f->values.from);
	strs_release(&f->args);
	free(f);
	return 0;
}

static int parse(struct fixture *f, const char *first, const char *second,
		 const char *third)
{
	char *argv[] = { (char *)first, (char *)second, (char *)third, NULL };

	err_clear(&f->err);
	return opts_parse(&table, HERE, argv, &f->values, &f->args, &f->err);
}

static void opts_take_values_in_every_spelling(void **state)
{
	struct fixture *f = *state;

	assert_done(parse(f, "--output=json", "--jobs", "7") == 0, &f->err);
	assert_string_equal(f->values.output, "json");
	assert_int_equal(f->values.jobs, 7);
	assert_done(parse(f, "-oyaml", "-j", "3") == 0, &f->err);
	assert_string_equal(f->values.output, "yaml");
	assert_int_equal(f->values.jobs, 3);
	assert_done(parse(f, "-o=table", "-j=4", NULL) == 0, &f->err);
	assert_string_equal(f->values.output, "table");
	assert_int_equal(f->values.jobs, 4);
	assert_done(parse(f, "--timeout", "2m", "--kubeconfig=") == 0, &f->err);
	assert_int_equal(f->values.timeout_ms, 120000);
	assert_done(parse(f, "--split", "700M", NULL) == 0, &f->err);
	assert_int_equal(f->values.split, 700 << 20);
	assert_string_equal(f->values.kubeconfig, "");
	assert_done(parse(f, "--kubeconfig", "-", NULL) == 0, &f->err);
	assert_string_equal(f->values.kubeconfig, "-");
}

static void opts_take_flags_switches_and_counts(void **state)
{
	struct fixture *f = *state;

	assert_done(parse(f, "--dry-run", "--no-wait", "-vv") == 0, &f->err);
	assert_true(f->values.dry_run);
	assert_false(f->values.wait);
	assert_int_equal(f->values.verbose, 2);
	assert_done(parse(f, "--dry-run=false", "--wait", "-vvojson") == 0,
		    &f->err);
	assert_false(f->values.dry_run);
	assert_true(f->values.wait);
	assert_int_equal(f->values.verbose, 4);
	assert_string_equal(f->values.output, "json");
	assert_done(parse(f, "--wait=no", "--verbose=1", NULL) == 0, &f->err);
	assert_false(f->values.wait);
	assert_int_equal(f->values.verbose, 1);
}

static void opts_leave_arguments(void **state)
{
	struct fixture *f = *state;

	assert_done(parse(f, "one", "-", "two") == 0, &f->err);
	assert_done(parse(f, "--", "--dry-run", "-v") == 0, &f->err);
	assert_int_equal(f->args.nr, 5);
	assert_string_equal(f->args.item[1], "-");
	assert_string_equal(f->args.item[3], "--dry-run");
	assert_false(f->values.dry_run);
}

static void opts_lists_grow_and_begin_anew(void **state)
{
	struct fixture *f = *state;
	autofree char *joined = NULL;

	assert_done(opts_set(&table, HERE, "from", "old,older", &f->values,
			     &f->err) == 0,
		    &f->err);
	assert_int_equal(f->values.from.nr, 2);
	assert_done(parse(f, "--from=a,b", "--from", "c") == 0, &f->err);
	joined = strs_join(&f->values.from, " ");
	assert_string_equal(joined, "a b c");
}

static void opts_refuse_with_the_name_and_a_remedy(void **state)
{
	static const struct {
		const char *first, *second, *text;
	} cases[] = {
		{ "--kubconfig", "x",
		  "unknown option '--kubconfig'; did you mean '--kubeconfig'?" },
		{ "--no-wiat", NULL, "did you mean '--no-wait'?" },
		{ "--dry", NULL, "unknown option '--dry'" },
		{ "--time", "1", "did you mean '--timeout'?" },
		{ "--zzzzzzzz=3", NULL, "unknown option '--zzzzzzzz'" },
		{ "--no-dry-run", NULL, "unknown option '--no-dry-run'" },
		{ "-x", NULL, "unknown option '-x'" },
		{ "-\033", NULL, "unknown option '-?'" },
		{ "--timeout", NULL, "option '--timeout' needs a value" },
		{ "-o", NULL, "option '--output' needs a value" },
		{ "--kubeconfig", "--dry-run", "needs a value" },
		{ "--output", "xml",
		  "'--output' must be one of table, json, yaml, not 'xml'" },
		{ "--jobs", "-3", "'--jobs' must be a number, not '-3'" },
		{ "--jobs", "99999999999999999999", "must be a number" },
		{ "--jobs", "9223372036854775808", "must be a number" },
		{ "--pods", "0",
		  "'--pods' must be a number from 1 to 100, not '0'" },
		{ "--pods", "101", "must be a number from 1 to 100" },
		{ "--timeout", "0",
		  "'--timeout' must be a duration longer than 0 such as" },
		{ "--split", "big",
		  "'--split' must be a size of at least 64.0 KiB such as 700M "
		  "or 4700000000, not 'big'" },
		{ "--split", "65535", "'--split' must be a size of at least" },
		{ "--host", "u@h", "'--host' must be a host" },
		{ "--no-pull", NULL, "does not take '--no-pull'" },
		{ "-vp", NULL, "does not take '-p'" },
		{ "--timeout", "soon", "'--timeout' must be a duration" },
		{ "--dry-run=client", NULL,
		  "'--dry-run' must be true or false, not 'client'" },
		{ "--no-wait=true", NULL, "'--no-wait' takes no value" },
		{ "--pin-digests", NULL,
		  "this command does not take '--pin-digests'" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(
			parse(f, cases[i].first, cases[i].second, NULL), -1);
		assert_error(&f->err, ERR_USAGE, cases[i].text);
	}
}

static void opts_of_one_name_differ_by_command(void **state)
{
	struct fixture *f = *state;
	char *table_form[] = { "-otable", NULL };
	char *json_form[] = { "--output=json", NULL };

	assert_int_equal(opts_parse(&table, ELSEWHERE, table_form, &f->values,
				    &f->args, &f->err),
			 -1);
	assert_error(&f->err, ERR_USAGE,
		     "'--output' must be one of json, yaml, not 'table'");
	assert_done(opts_parse(&table, ELSEWHERE, json_form, &f->values,
			       &f->args, &f->err) == 0,
		    &f->err);
	assert_string_equal(f->values.output, "json");
	/* As a default for all commands it is right, but none here. */
	setenv("DWS_CSM_OUTPUT", "table", 1);
	assert_done(opts_from_environment(&table, ELSEWHERE, &f->values,
					  &f->err) == 0,
		    &f->err);
	assert_done(opts_set(&table, ELSEWHERE, "output", "table", &f->values,
			     &f->err) == 0,
		    &f->err);
	assert_string_equal(f->values.output, "json");
	setenv("DWS_CSM_OUTPUT", "xml", 1);
	assert_int_equal(opts_from_environment(&table, ELSEWHERE, &f->values,
					       &f->err),
			 -1);
	assert_error(&f->err, ERR_USAGE, "'DWS_CSM_OUTPUT' must be one of");
	unsetenv("DWS_CSM_OUTPUT");
}

static void opts_read_the_environment(void **state)
{
	struct fixture *f = *state;

	setenv("DWS_CSM_OUTPUT", "yaml", 1);
	setenv("DWS_CSM_DRY_RUN", "1", 1);
	setenv("DWS_CSM_KUBECONFIG", "", 1);
	setenv("DWS_CSM_PIN_DIGESTS", "of another command", 1);
	assert_done(opts_from_environment(&table, HERE, &f->values, &f->err) ==
			    0,
		    &f->err);
	assert_string_equal(f->values.output, "yaml");
	assert_true(f->values.dry_run);
	assert_null(f->values.kubeconfig);
	setenv("DWS_CSM_TO", "/only/on/the/command/line", 1);
	assert_int_equal(
		opts_from_environment(&table, HERE, &f->values, &f->err), -1);
	assert_error(&f->err, ERR_USAGE,
		     "'DWS_CSM_TO' is set, but '--to' can only be given on "
		     "the command line");
	unsetenv("DWS_CSM_TO");
	setenv("DWS_CSM_TIMEOUT", "never", 1);
	assert_int_equal(
		opts_from_environment(&table, HERE, &f->values, &f->err), -1);
	assert_error(&f->err, ERR_USAGE, "'DWS_CSM_TIMEOUT' must be");
	unsetenv("DWS_CSM_TIMEOUT");
}

static void opts_set_one_by_name(void **state)
{
	struct fixture *f = *state;
	struct values *v = &f->values;

	assert_done(opts_set(&table, HERE, "wait", "false", v, &f->err) == 0,
		    &f->err);
	assert_false(v->wait);
	assert_done(opts_set(&table, HERE, "pin-digests", "?", v, &f->err) == 0,
		    &f->err);
	assert_int_equal(opts_set(&table, HERE, "outptu", "x", v, &f->err), -1);
	assert_error(&f->err, ERR_USAGE, "did you mean '--output'?");
	assert_int_equal(opts_set(&table, HERE, "to", "x", v, &f->err), -1);
	assert_error(&f->err, ERR_USAGE, "'--to' can only be given on the");
}

static void opts_describe_what_a_command_takes(void **state)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	auto_strs struct strs lines = STRS_INIT;

	(void)state;
	opts_describe(&table, HERE, &out);
	assert_non_null(strstr(buf_str(&out),
			       "  -o, --output FORMAT             form of the "
			       "result (table, json, yaml)\n"));
	assert_non_null(strstr(buf_str(&out),
			       "      --[no-]wait                 wait until"));
	assert_non_null(strstr(buf_str(&out),
			       "--to A-VERY-LONG-KIND-OF-ARGUMENT\n"
			       "                                  where\n"));
	assert_non_null(strstr(buf_str(&out), "how many (1 to 100)\n"));
	assert_null(strstr(buf_str(&out), "pin-digests"));
	strs_split(&lines, buf_str(&out), '\n');
	for (size_t i = 0; i < lines.nr; i++)
		assert_true(strlen(lines.item[i]) <= 78);
}

#define test(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static void opts_value_sets_the_option_again(void **state)
{
	static const char *const texts[][2] = {
		{ "dry-run", "true" },	   { "wait", "false" },
		{ "verbose", "2" },	   { "kubeconfig", "a b" },
		{ "from", "oci:a,oci:b" }, { "jobs", "7" },
		{ "timeout", "90500ms" },  { "split", "4700000000" },
	};
	struct values values = { .verbose = 0 };
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_done(opts_set(&table, HERE, texts[i][0], texts[i][1],
				     &values, &err) == 0,
			    &err);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		autofree char *text = opts_value(&options[i], &values);

		for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
			if (strcmp(options[i].name, texts[k][0]) == 0)
				assert_string_equal(text, texts[k][1]);
		if (strcmp(options[i].name, "host") == 0)
			assert_null(text);
	}
	strs_release(&values.from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(opts_take_values_in_every_spelling),
		test(opts_take_flags_switches_and_counts),
		test(opts_leave_arguments),
		test(opts_lists_grow_and_begin_anew),
		test(opts_refuse_with_the_name_and_a_remedy),
		test(opts_of_one_name_differ_by_command),
		test(opts_read_the_environment),
		test(opts_set_one_by_name),
		test(opts_describe_what_a_command_takes),
		cmocka_unit_test(opts_value_sets_the_option_again),
	};

	return cmocka_run_group_tests_name("opts", tests, NULL, NULL);
}
