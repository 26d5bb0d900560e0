#include "unit.h"

#include "base/mem.h"
#include "cmd/cmd.h"

static char *arguments[] = { "--timeout", "5s", "rest", NULL };
static char *nothing[] = { NULL };
static char config_path[] = "/tmp/dws-csm-test-XXXXXX";

/* DWS_CSM_CONFIG names a file of `text`. */
static void configure(const char *text)
{
	int fd;

	memcpy(strrchr(config_path, '-'), "-XXXXXX", 8);
	fd = mkstemp(config_path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	setenv("DWS_CSM_CONFIG", config_path, 1);
}

static void unconfigure(void)
{
	unlink(config_path);
	unsetenv("DWS_CSM_CONFIG");
}

static void flags_win_over_the_environment_over_the_file(void **state)
{
	struct settings settings;
	auto_strs struct strs args = STRS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	configure("timeout: 9s\nregistry: file.test\nwait: false\n");
	setenv("DWS_CSM_TIMEOUT", "7s", 1);
	settings_init(&settings);
	assert_done(settings_load(&settings,
				  GROUP_CHANGE | GROUP_REGISTRY |
					  GROUP_INSTALL | GROUP_WAIT,
				  arguments, &args, &err) == 0,
		    &err);
	assert_int_equal(settings.timeout_ms, 5000);
	assert_string_equal(settings.registry, "file.test");
	assert_false(settings.wait);
	assert_int_equal(args.nr, 1);
	settings_release(&settings);

	settings_init(&settings);
	assert_done(settings_load(&settings, GROUP_CHANGE, nothing, &args,
				  &err) == 0,
		    &err);
	assert_int_equal(settings.timeout_ms, 7000);
	settings_release(&settings);
	unsetenv("DWS_CSM_TIMEOUT");
	unconfigure();
}

static void a_wrong_file_is_named(void **state)
{
	static const char *const wrong[] = {
		"nonsense: 1\n",   "- a\n",	    "timeout: [1]\n",
		"timeout: x\n",	   "from: [[a]]\n", "from: {a: b}\n",
		"dry-run: true\n", "a: b: c\n"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct settings settings;
		auto_strs struct strs args = STRS_INIT;
		struct err err = ERR_INIT;

		configure(wrong[i]);
		settings_init(&settings);
		assert_int_equal(settings_load(&settings, GROUP_CHANGE, nothing,
					       &args, &err),
				 -1);
		assert_non_null(strstr(err.msg, config_path));
		settings_release(&settings);
		unconfigure();
	}
}

static void a_list_in_the_file_is_a_list(void **state)
{
	struct settings settings;
	auto_strs struct strs args = STRS_INIT;
	autofree char *joined = NULL;
	struct err err = ERR_INIT;

	(void)state;
	configure("from: [oci:a, dws=dir:b]\n");
	settings_init(&settings);
	assert_done(settings_load(&settings, GROUP_IMAGES, nothing, &args,
				  &err) == 0,
		    &err);
	joined = strs_join(&settings.from, " ");
	assert_string_equal(joined, "oci:a dws=dir:b");
	settings_release(&settings);
	unconfigure();
}

static void a_wrong_file_keeps_nobody_from_the_help(void **state)
{
	char *help[] = { "--help", NULL };
	struct settings settings;
	auto_strs struct strs args = STRS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	configure("nonsense: 1\n");
	settings_init(&settings);
	assert_int_equal(settings_load(&settings, GROUP_ALL, help, &args, &err),
			 -1);
	assert_true(settings.help);
	settings_release(&settings);
	err_clear(&err);
	settings_init(&settings);
	assert_done(settings_load(&settings, GROUP_ALL | GROUP_PROGRAM, nothing,
				  &args, &err) == 0,
		    &err);
	settings_release(&settings);
	unconfigure();
}

static void an_empty_context_is_none(void **state)
{
	char *line[] = { "--context", "", "--kubeconfig=", NULL };
	struct settings settings;
	auto_strs struct strs args = STRS_INIT;
	struct err err = ERR_INIT;

	(void)state;
	settings_init(&settings);
	assert_done(settings_load(&settings, GROUP_CLUSTER, line, &args,
				  &err) == 0,
		    &err);
	assert_null(settings.context);
	assert_null(settings.kubeconfig);
	settings_release(&settings);
}

static void a_command_is_found_by_one_or_two_words(void **state)
{
	char *push[] = { "images", "push", "dws", NULL };
	char *half[] = { "images", NULL };
	char *install[] = { "install", "--dry-run", NULL };
	size_t words;

	(void)state;
	assert_string_equal(command_find(push, &words)->name, "images push");
	assert_int_equal(words, 2);
	assert_string_equal(command_find(install, &words)->name, "install");
	assert_int_equal(words, 1);
	assert_null(command_find(half, &words));
}

static void options_may_come_before_the_command(void **state)
{
	char *line[] = { "-v",	   "--kubeconfig", "k",	  "-ojson",
			 "images", "push",	   "dws", NULL };
	char **words;

	(void)state;
	assert_string_equal(command_take(line, &words)->name, "images push");
	assert_string_equal(line[2], "k");
	assert_string_equal(line[4], "dws");
	assert_null(line[5]);
}

static void a_line_without_a_command_tells_where_it_should_be(void **state)
{
	char *options[] = { "--help", NULL };
	char *unknown[] = { "-q", "nonsense", "x", NULL };
	char **words;

	(void)state;
	assert_null(command_take(options, &words));
	assert_null(words[0]);
	assert_null(command_take(unknown, &words));
	assert_string_equal(words[0], "nonsense");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_win_over_the_environment_over_the_file),
		cmocka_unit_test(a_wrong_file_is_named),
		cmocka_unit_test(a_list_in_the_file_is_a_list),
		cmocka_unit_test(a_wrong_file_keeps_nobody_from_the_help),
		cmocka_unit_test(an_empty_context_is_none),
		cmocka_unit_test(a_command_is_found_by_one_or_two_words),
		cmocka_unit_test(options_may_come_before_the_command),
		cmocka_unit_test(
			a_line_without_a_command_tells_where_it_should_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
