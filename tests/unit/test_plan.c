#include "unit.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/version.h"
#include "txn/plan.h"

static void plan_without_steps_is_empty_but_whole(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;
	autojval struct jval *value = plan_value(&plan);
	autofree char *text = jval_text(value, true);

	(void)state;
	assert_string_equal(text, "{\"back\":null,\"notes\":[],"
				  "\"problems\":[],\"steps\":[]}");
}

static void plan_keeps_steps_in_order_with_what_is_known_of_them(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;
	autojval struct jval *value = NULL;
	autofree char *text = NULL;

	(void)state;
	plan_add(&plan, "push", "lacking", "image %s", "a");
	plan_set_number(&plan, "bytes", 12);
	plan_add(&plan, "change", NULL, "service/%s", "b");
	plan_set_diff(&plan, "-x\n+y\n");
	strs_add(&plan.notes, "n");
	plan.back = mem_strdup("b");
	value = plan_value(&plan);
	text = jval_text(value, true);
	assert_string_equal(text,
			    "{\"back\":\"b\",\"notes\":[\"n\"],\"problems\":[],"
			    "\"steps\":[{\"action\":\"push\",\"bytes\":12,"
			    "\"thing\":\"image a\",\"why\":\"lacking\"},"
			    "{\"action\":\"change\",\"diff\":\"-x\\n+y\\n\","
			    "\"thing\":\"service/b\"}]}");
}

static void plan_has_the_steps_of_another_behind_its_own(void **state)
{
	auto_plan struct plan plan = PLAN_INIT, more = PLAN_INIT;

	(void)state;
	plan_append(&plan, &more);
	assert_int_equal(jval_len(plan.steps), 0);
	plan_add(&plan, "push", NULL, "a");
	plan_add(&more, "make", NULL, "b");
	plan_append(&plan, &more);
	assert_int_equal(jval_len(plan.steps), 2);
	assert_string_equal(jval_str(jval_at(plan.steps, 1), "thing"), "b");
	assert_int_equal(jval_len(more.steps), 1);
}

static void plan_with_problems_is_refused(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(plan_refuse(&plan, &err), 0);
	strs_add(&plan.problems, "first");
	assert_int_equal(plan_refuse(&plan, &err), -1);
	assert_error(&err, ERR_BLOCKED, "first");
	assert_null(strstr(err.msg, "more"));
	strs_add(&plan.problems, "second");
	assert_int_equal(plan_refuse(&plan, &err), -1);
	assert_error(&err, ERR_BLOCKED, "first; and 1 more problem");
}

static void plan_notes_as_a_problem_only_what_refuses(void **state)
{
	auto_plan struct plan plan = PLAN_INIT;
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_API, "away");
	assert_int_equal(plan_note_problem(&plan, &err), -1);
	assert_error(&err, ERR_API, "away");
	err_set(&err, ERR_BLOCKED, "a Workflow");
	assert_int_equal(plan_note_problem(&plan, &err), 0);
	assert_int_equal(err.kind, ERR_NONE);
	assert_int_equal(plan.problems.nr, 1);
	assert_string_equal(plan.problems.item[0], "a Workflow");
}

static void plan_digest_is_of_the_steps_alone(void **state)
{
	auto_plan struct plan a = PLAN_INIT, b = PLAN_INIT;
	autofree char *first = NULL, *second = NULL, *third = NULL;

	(void)state;
	plan_add(&a, "push", "w", "x");
	plan_set_number(&a, "count", 1);
	plan_add(&b, "push", "w", "x");
	plan_set_number(&b, "count", 1);
	strs_add(&b.notes, "a note");
	first = plan_digest(&a);
	second = plan_digest(&b);
	assert_string_equal(first, second);
	plan_set_number(&b, "count", 2);
	third = plan_digest(&b);
	assert_string_not_equal(first, third);
}

/* --- files ------------------------------------------------------------------ */

struct scene {
	char dir[32];
	struct plan plan;
	struct jval *meta;
};

static int set_up(void **state)
{
	struct scene *scene = mem_alloc(sizeof(*scene));

	strcpy(scene->dir, "/tmp/plan.XXXXXX");
	assert_non_null(mkdtemp(scene->dir));
	plan_add(&scene->plan, "create", NULL, "service/a");
	plan_add(&scene->plan, "change", NULL, "service/b");
	plan_set_diff(&scene->plan, "-x\n+y\n");
	scene->meta = jval_pack("{s:s, s:[], s:{s:s}}", "operation", "upgrade",
				"arguments", "options", "version", "0.1.17");
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	autofree char *command = mem_printf("rm -r %s", scene->dir);

	plan_release(&scene->plan);
	jval_free(scene->meta);
	free(scene);
	return system(command);
}

static void plan_file_is_read_as_it_was_written(void **state)
{
	static const char *const names[] = { "p.json", "p.yaml", "p" };
	struct scene *scene = *state;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		autofree char *path = mem_printf("%s/%s", scene->dir, names[i]);
		autojval struct jval *saved = NULL;

		assert_done(plan_save(&scene->plan, scene->meta, path, &err) ==
				    0,
			    &err);
		saved = plan_load(path, &err);
		assert_done(saved != NULL, &err);
		assert_string_equal(jval_str(saved, "operation"), "upgrade");
		assert_string_equal(jval_str(saved, "options.version"),
				    "0.1.17");
		assert_string_equal(jval_str(saved, "dws-csm"),
				    version_string());
		assert_done(plan_check_same(&scene->plan, saved, &err) == 0,
			    &err);
	}
}

/* The file with `from` in place of which is `to`. */
static void load_edited(struct scene *scene, const char *from, const char *to,
			struct err *err)
{
	autofree char *path = mem_printf("%s/p.json", scene->dir);
	autofree char *text = NULL;
	auto_buf struct buf edited = BUF_INIT(BUF_TEXT_MAX);
	char *at;

	assert_done(plan_save(&scene->plan, scene->meta, path, err) == 0, err);
	assert_done(file_read(AT_FDCWD, path, BUF_TEXT_MAX, &text, NULL, err) ==
			    0,
		    err);
	at = strstr(text, from);
	assert_non_null(at);
	buf_add(&edited, text, (size_t)(at - text));
	buf_addstr(&edited, to);
	buf_addstr(&edited, at + strlen(from));
	assert_done(file_replace(AT_FDCWD, path, 0644, edited.data, edited.len,
				 err) == 0,
		    err);
	assert_null(plan_load(path, err));
	assert_non_null(strstr(err->msg, path));
}

static void plan_file_that_is_not_as_we_wrote_it_is_refused(void **state)
{
	static const struct {
		const char *from, *to;
		enum err_kind kind;
		const char *text;
	} cases[] = {
		{ "service/a", "service/c", ERR_INVALID, "edited" },
		{ "\"operation\"", "\"x\"", ERR_INVALID, "no plan" },
		{ "\"steps\": [", "\"steps\": [,", ERR_INVALID, "line" },
		{ "\"dws-csm\": \"", "\"dws-csm\": \"9", ERR_BLOCKED,
		  "made by dws-csm 9" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		load_edited(*state, cases[i].from, cases[i].to, &err);
		assert_error(&err, cases[i].kind, cases[i].text);
	}
}

static void plan_file_that_is_not_there_is_named(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_null(plan_load("/nowhere/p.json", &err));
	assert_error(&err, ERR_NOT_FOUND, "/nowhere/p.json");
}

static void plan_that_no_longer_holds_tells_what_moved(void **state)
{
	struct scene *scene = *state;
	autofree char *path = mem_printf("%s/p.json", scene->dir);
	auto_plan struct plan now = PLAN_INIT;
	autojval struct jval *saved = NULL;
	struct err err = ERR_INIT;

	assert_done(plan_save(&scene->plan, scene->meta, path, &err) == 0,
		    &err);
	saved = plan_load(path, &err);
	plan_add(&now, "create", NULL, "service/a");
	plan_add(&now, "keep", NULL, "service/b");
	assert_int_equal(plan_check_same(&now, saved, &err), -1);
	assert_error(&err, ERR_BLOCKED,
		     "[keep service/b] in place of [change service/b]");
	for (int i = 0; i < 5; i++)
		plan_add(&now, "delete", NULL, "x/%d", i);
	assert_int_equal(plan_check_same(&now, saved, &err), -1);
	assert_error(&err, ERR_BLOCKED, "delete x/1 and 3 more]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_without_steps_is_empty_but_whole),
		cmocka_unit_test(
			plan_keeps_steps_in_order_with_what_is_known_of_them),
		cmocka_unit_test(plan_has_the_steps_of_another_behind_its_own),
		cmocka_unit_test(plan_with_problems_is_refused),
		cmocka_unit_test(plan_notes_as_a_problem_only_what_refuses),
		cmocka_unit_test(plan_digest_is_of_the_steps_alone),
		cmocka_unit_test_setup_teardown(
			plan_file_is_read_as_it_was_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			plan_file_that_is_not_as_we_wrote_it_is_refused, set_up,
			tear_down),
		cmocka_unit_test(plan_file_that_is_not_there_is_named),
		cmocka_unit_test_setup_teardown(
			plan_that_no_longer_holds_tells_what_moved, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
