#include "unit.h"

#include "base/embedded.h"
#include "base/mem.h"
#include "cmd/help.h"

static void help_usage_names_command_and_arguments(void **state)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	(void)state;
	help_usage(NULL, &out);
	assert_string_equal(buf_str(&out),
			    "dws-csm COMMAND [ARGUMENT...] [OPTION...]");
	for (size_t i = 0; commands[i]; i++) {
		buf_clear(&out);
		help_usage(commands[i], &out);
		assert_non_null(strstr(buf_str(&out), commands[i]->name));
		assert_true(str_ends(buf_str(&out), "[OPTION...]"));
	}
}

static void help_unknown_suggests(void **state)
{
	static const struct {
		const char *words, *text;
	} cases[] = {
		{ "instal", "unknown command 'instal'; did you mean "
			    "'install'?" },
		{ "images", "'images' needs one more word: list, push, pull" },
		{ "images psuh", "did you mean 'images push'?" },
		{ "zzz", "unknown command 'zzz'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(help_unknown(cases[i].words, &err), -1);
		assert_error(&err, ERR_USAGE, cases[i].text);
	}
}

static void every_command_has_a_page_and_a_summary(void **state)
{
	(void)state;
	for (size_t i = 0; commands[i]; i++) {
		autofree char *path =
			mem_printf("docs/man/dws-csm-%s.md", commands[i]->name);

		for (char *c = path; *c; c++)
			if (*c == ' ')
				*c = '-';
		if (embedded_find(path) == NULL)
			fail_msg("no page '%s'", path);
		assert_true(strlen(commands[i]->summary) <= 60);
		assert_false(str_ends(commands[i]->summary, "."));
	}
	assert_non_null(embedded_find("docs/man/dws-csm.md"));
}

/* Whether "--name" stands in the text, and is no part of a longer word. */
static const struct opt *option_at(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz-");

	for (size_t i = 0; i < settings_table.nr; i++) {
		const char *name = settings_table.opt[i].name;

		if (strlen(name) == len && strncmp(name, text, len) == 0)
			return &settings_table.opt[i];
	}
	return NULL;
}

/* **--option** in a page is one that exists. */
static void pages_name_only_options_that_exist(void **state)
{
	const struct embedded_file *file = NULL;

	(void)state;
	while ((file = embedded_next("docs/man/", file))) {
		const char *at = (const char *)file->data;

		while ((at = strstr(at, "**--"))) {
			at += 4;
			if (option_at(at) == NULL)
				fail_msg("%s names an unknown option: --%.20s",
					 file->path, at);
		}
	}
}

/* No command takes two options of one name or one letter. */
static void options_have_a_line_of_help_and_one_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < settings_table.nr; i++) {
		const struct opt *opt = &settings_table.opt[i];

		assert_false(str_ends(opt->help, "."));
		for (size_t k = 0; k < i; k++) {
			const struct opt *other = &settings_table.opt[k];
			bool same = str_eq(opt->name, other->name);

			assert_true(same || !opt->letter ||
				    opt->letter != other->letter);
			for (size_t c = 0; same && commands[c]; c++)
				assert_false(
					commands[c]->groups & opt->groups &&
					commands[c]->groups & other->groups);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_usage_names_command_and_arguments),
		cmocka_unit_test(help_unknown_suggests),
		cmocka_unit_test(every_command_has_a_page_and_a_summary),
		cmocka_unit_test(pages_name_only_options_that_exist),
		cmocka_unit_test(options_have_a_line_of_help_and_one_name),
	};

	return cmocka_run_group_tests_name("help", tests, NULL, NULL);
}
