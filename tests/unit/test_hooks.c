#include "unit.h"

#include <signal.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "txn/hooks.h"

/* Two directories of hooks, and what they write. */
struct fixture {
	char root[64];
	char *site, *own;
	struct hooks hooks;
	struct strs said;
	struct err err;
};

static void hear(const char *line, void *ctx)
{
	strs_add(ctx, line);
}

static int setup(void **state)
{
	struct fixture *self = mem_alloc(sizeof(*self));

	umask(022);
	snprintf(self->root, sizeof(self->root), "/tmp/test_hooks.XXXXXX");
	assert_non_null(mkdtemp(self->root));
	self->site = mem_printf("%s/site", self->root);
	self->own = mem_printf("%s/own", self->root);
	mkdir(self->site, 0755);
	mkdir(self->own, 0755);
	self->hooks.site_dir = self->site;
	self->hooks.dir = self->own;
	log_set_sink(hear, &self->said);
	*state = self;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *self = *state;
	autofree char *command = mem_printf("rm -rf '%s'", self->root);

	log_set_sink(NULL, NULL);
	assert_int_equal(system(command), 0);
	strs_release(&self->said);
	free(self->site);
	free(self->own);
	free(self);
	return 0;
}

/* A file `name` ("pre-upgrade/10-a") with a script below `dir`. */
static char *file_make(const char *dir, const char *name, mode_t mode,
		       const char *script)
{
	char *path = mem_printf("%s/%s", dir, name);
	char *slash = strrchr(path, '/');
	FILE *file;

	*slash = '\0';
	mkdir(path, 0755);
	*slash = '/';
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(script, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static void hook(const char *dir, const char *name, const char *script)
{
	autofree char *text = mem_printf("#!/bin/sh\n%s\n", script);

	free(file_make(dir, name, 0755, text));
}

static const struct hooks_event pre = {
	.when = "pre",
	.operation = "upgrade",
	.from_version = "0.0.20",
	.version = "0.1.17",
	.revision = 4,
	.transaction = "t-1",
};

static const struct hooks_event post = {
	.when = "post",
	.operation = "upgrade",
	.outcome = "deployed",
};

static char *listed(struct fixture *self, const struct hooks_event *event)
{
	auto_strs struct strs paths = STRS_INIT;
	auto_strs struct strs names = STRS_INIT;

	assert_done(hooks_list(&self->hooks, event, &paths, &self->err) == 0,
		    &self->err);
	for (size_t i = 0; i < paths.nr; i++)
		strs_add(&names, paths.item[i] + strlen(self->root) + 1);
	return strs_join(&names, " ");
}

static bool was_said(const struct fixture *self, const char *text)
{
	for (size_t i = 0; i < self->said.nr; i++)
		if (strstr(self->said.item[i], text))
			return true;
	return false;
}

static void hooks_list_orders_both_directories_by_name(void **state)
{
	struct fixture *self = *state;
	autofree char *list = NULL;

	hook(self->site, "pre-upgrade/20-b", "");
	hook(self->site, "pre-upgrade/10-a", "");
	hook(self->site, "post-upgrade/10-z", "");
	hook(self->site, "pre-install/10-y", "");
	hook(self->own, "pre-upgrade/15-c", "");
	hook(self->own, "pre-upgrade/20-b", "");
	list = listed(self, &pre);
	assert_string_equal(list, "site/pre-upgrade/10-a own/pre-upgrade/15-c "
				  "site/pre-upgrade/20-b own/pre-upgrade/20-b");
}

static void hooks_list_passes_over_what_is_none(void **state)
{
	static const char *const others[] = { ".hidden", "10-a~",
					      "10-a.rpmsave", "10-a.rpmnew",
					      "10-a.bak" };
	struct fixture *self = *state;
	autofree char *list = NULL;
	autofree char *folder = NULL;

	hook(self->site, "pre-upgrade/10-a", "");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		autofree char *name = mem_printf("pre-upgrade/%s", others[i]);

		hook(self->site, name, "");
	}
	free(file_make(self->site, "pre-upgrade/README", 0644, ""));
	folder = mem_printf("%s/pre-upgrade/folder", self->site);
	mkdir(folder, 0755);
	list = listed(self, &pre);
	assert_string_equal(list, "site/pre-upgrade/10-a");
}

static void hooks_list_wants_only_the_named_directory_to_be_there(void **state)
{
	struct fixture *self = *state;
	autofree char *none = mem_printf("%s/none", self->root);
	autofree char *list = NULL;
	auto_strs struct strs paths = STRS_INIT;

	self->hooks.site_dir = none;
	list = listed(self, &pre);
	assert_string_equal(list, "");
	self->hooks.dir = none;
	assert_int_equal(hooks_list(&self->hooks, &pre, &paths, &self->err),
			 -1);
	assert_error(&self->err, ERR_USAGE, none);
}

static void hooks_list_refuses_what_others_may_write(void **state)
{
	static const struct {
		const char *what;
		mode_t mode;
	} cases[] = {
		{ "site/pre-upgrade/10-a", 0775 },
		{ "site/pre-upgrade/10-a", 0757 },
		{ "site/pre-upgrade", 0777 },
		{ "site", 01777 },
	};
	struct fixture *self = *state;

	hook(self->site, "pre-upgrade/10-a", "");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *path =
			mem_printf("%s/%s", self->root, cases[i].what);
		struct err err = ERR_INIT;

		chmod(path, cases[i].mode);
		assert_int_equal(hooks_run(&self->hooks, &pre, &err), -1);
		assert_error(&err, ERR_BLOCKED, path);
		assert_error(&err, ERR_BLOCKED, "chmod go-w");
		chmod(path, 0755);
	}
}

static void hooks_list_refuses_what_belongs_to_others(void **state)
{
	struct fixture *self = *state;
	autofree char *path = mem_printf("%s/pre-upgrade/10-a", self->site);

	/* Only root can give a file away. */
	if (geteuid() != 0)
		return;
	hook(self->site, "pre-upgrade/10-a", "");
	assert_int_equal(chown(path, 4711, 0), 0);
	assert_int_equal(hooks_run(&self->hooks, &pre, &self->err), -1);
	assert_error(&self->err, ERR_BLOCKED, "uid 4711");
}

static void hooks_list_looks_where_a_link_leads(void **state)
{
	struct fixture *self = *state;
	autofree char *shared = mem_printf("%s/shared", self->root);
	autofree char *target = mem_printf("%s/x", shared);
	autofree char *folder = mem_printf("%s/pre-upgrade", self->site);
	autofree char *link = mem_printf("%s/10-x", folder);
	autofree char *list = NULL;

	mkdir(shared, 0755);
	mkdir(folder, 0755);
	free(file_make(shared, "x", 0755, "#!/bin/sh\n"));
	assert_int_equal(symlink(target, link), 0);
	list = listed(self, &pre);
	assert_string_equal(list, "site/pre-upgrade/10-x");
	chmod(shared, 0777);
	assert_int_equal(hooks_run(&self->hooks, &pre, &self->err), -1);
	assert_error(&self->err, ERR_BLOCKED, shared);
	unlink(target);
	assert_int_equal(hooks_run(&self->hooks, &pre, &self->err), -1);
	assert_error(&self->err, ERR_BLOCKED, link);
}

static void hooks_run_gives_environment_and_nothing_to_read(void **state)
{
	static const char *const expected[] = {
		"10-a: pre-upgrade upgrade 0.0.20 0.1.17 4 [] t-1",
		"10-a: [/k/config] [x] args 0 stdin []",
	};
	struct fixture *self = *state;

	setenv("DWS_CSM_OUTCOME", "from outside", 1);
	self->hooks.kubeconfig = "/k/config";
	self->hooks.context = "x";
	hook(self->site, "pre-upgrade/10-a",
	     "echo $DWS_CSM_HOOK $DWS_CSM_OPERATION $DWS_CSM_FROM_VERSION "
	     "$DWS_CSM_VERSION $DWS_CSM_REVISION [$DWS_CSM_OUTCOME] "
	     "$DWS_CSM_TRANSACTION\n"
	     "echo [$KUBECONFIG] [$DWS_CSM_CONTEXT] args $# stdin [$(cat)]");
	assert_done(hooks_run(&self->hooks, &pre, &self->err) == 0, &self->err);
	assert_int_equal(self->said.nr, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_string_equal(self->said.item[i], expected[i]);
	unsetenv("DWS_CSM_OUTCOME");
}

static void hooks_run_makes_a_relative_kubeconfig_absolute(void **state)
{
	struct fixture *self = *state;
	autofree char *cwd = getcwd(NULL, 0);
	autofree char *wanted = mem_printf("10-a: %s/k/config", cwd);

	self->hooks.kubeconfig = "k/config";
	hook(self->site, "pre-upgrade/10-a", "cd /; echo $KUBECONFIG");
	assert_done(hooks_run(&self->hooks, &pre, &self->err) == 0, &self->err);
	assert_string_equal(self->said.item[0], wanted);
}

static void hooks_run_sets_what_is_not_known_to_nothing(void **state)
{
	struct fixture *self = *state;

	hook(self->site, "post-upgrade/10-a",
	     "set -u; echo [$DWS_CSM_FROM_VERSION$DWS_CSM_VERSION"
	     "$DWS_CSM_REVISION$DWS_CSM_TRANSACTION] $DWS_CSM_OUTCOME");
	assert_done(hooks_run(&self->hooks, &post, &self->err) == 0,
		    &self->err);
	assert_string_equal(self->said.item[0], "10-a: [] deployed");
}

static void hooks_run_stops_at_a_pre_hook_that_fails(void **state)
{
	struct fixture *self = *state;

	hook(self->site, "pre-upgrade/10-a", "echo first");
	hook(self->site, "pre-upgrade/20-b",
	     "echo jobs are running >&2; exit 9");
	hook(self->own, "pre-upgrade/30-c", "echo third");
	assert_int_equal(hooks_run(&self->hooks, &pre, &self->err), -1);
	assert_error(&self->err, ERR_BLOCKED,
		     "/20-b' failed with exit status "
		     "9, saying 'jobs are running'");
	assert_error(&self->err, ERR_BLOCKED, "nothing was changed");
	assert_true(was_said(self, "10-a: first"));
	assert_false(was_said(self, "third"));
}

static void hooks_run_warns_of_a_post_hook_that_fails(void **state)
{
	struct fixture *self = *state;

	hook(self->site, "post-upgrade/10-a", "exit 1");
	hook(self->site, "post-upgrade/20-b", "echo second");
	assert_done(hooks_run(&self->hooks, &post, &self->err) == 0,
		    &self->err);
	assert_true(was_said(self, "warning: hook '"));
	assert_true(was_said(self, "/10-a' failed with exit status 1"));
	assert_true(was_said(self, "20-b: second"));
}

static void hooks_run_warns_where_post_hooks_are_refused(void **state)
{
	struct fixture *self = *state;

	hook(self->site, "post-upgrade/10-a", "echo ran");
	chmod(self->site, 0777);
	assert_done(hooks_run(&self->hooks, &post, &self->err) == 0,
		    &self->err);
	assert_true(was_said(self, "warning: the site's hooks are not run"));
	assert_false(was_said(self, "ran"));
}

static void hooks_run_refuses_post_hooks_before_any_pre_hook(void **state)
{
	struct fixture *self = *state;
	autofree char *folder = mem_printf("%s/post-upgrade", self->site);

	hook(self->site, "pre-upgrade/10-a", "echo ran");
	hook(self->site, "post-upgrade/10-a", "");
	chmod(folder, 0777);
	assert_int_equal(hooks_run(&self->hooks, &pre, &self->err), -1);
	assert_error(&self->err, ERR_BLOCKED, folder);
	assert_int_equal(self->said.nr, 0);
}

static void hooks_run_ends_what_takes_too_long(void **state)
{
	struct fixture *self = *state;
	int64_t begun = clock_now_ms();

	self->hooks.timeout_ms = 300;
	hook(self->site, "pre-upgrade/10-a",
	     "trap 'echo undone; exit' TERM; while :; do sleep 0.1; done");
	assert_int_equal(hooks_run(&self->hooks, &pre, &self->err), -1);
	assert_error(&self->err, ERR_BLOCKED, "/10-a' has not ended within");
	assert_error(&self->err, ERR_BLOCKED, "--hooks-timeout");
	assert_true(was_said(self, "10-a: undone"));
	assert_true(clock_now_ms() - begun < 5000);
}

static void hooks_run_says_why_a_hook_cannot_be_run(void **state)
{
	static const char *const scripts[] = { "echo no interpreter\n",
					       "#!/no/such/shell\n" };
	struct fixture *self = *state;

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		struct err err = ERR_INIT;

		free(file_make(self->site, "pre-upgrade/10-a", 0755,
			       scripts[i]));
		assert_int_equal(hooks_run(&self->hooks, &pre, &err), -1);
		assert_error(&err, ERR_BLOCKED, "/10-a'");
		assert_error(&err, ERR_BLOCKED, "interpreter");
	}
}

static void hooks_run_does_not_show_output_without_end(void **state)
{
	struct fixture *self = *state;

	hook(self->site, "pre-upgrade/10-a", "seq 30000; exit 1");
	assert_int_equal(hooks_run(&self->hooks, &pre, &self->err), -1);
	assert_error(&self->err, ERR_BLOCKED, "saying '30000'");
	assert_int_equal(self->said.nr, 10000);
	assert_non_null(strstr(self->said.item[9999], "more than 10000 lines"));
}

/* A signal to this process, as Ctrl-C, that the hook itself sends; it asks the
 * hook to end, and is remembered for good: this test is the last. */
static void hooks_run_is_ended_by_a_signal(void **state)
{
	struct fixture *self = *state;
	struct err err = ERR_INIT;

	interrupt_install();
	hook(self->site, "pre-upgrade/10-a",
	     "trap 'echo undone; exit' TERM; kill -INT $PPID; "
	     "while :; do sleep 0.1; done");
	hook(self->site, "pre-upgrade/20-b", "echo second");
	assert_int_equal(hooks_run(&self->hooks, &pre, &self->err), -1);
	assert_error(&self->err, ERR_INTERRUPTED, "/10-a' was ended");
	assert_error(&self->err, ERR_INTERRUPTED, "nothing was changed");
	assert_true(was_said(self, "10-a: undone"));
	assert_false(was_said(self, "second"));

	/* What follows is told of it all the same. */
	hook(self->site, "post-upgrade/10-a", "echo told");
	assert_done(hooks_run(&self->hooks, &post, &err) == 0, &err);
	assert_true(was_said(self, "10-a: told"));
	assert_true(clock_interrupted());
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(hooks_list_orders_both_directories_by_name),
		TEST(hooks_list_passes_over_what_is_none),
		TEST(hooks_list_wants_only_the_named_directory_to_be_there),
		TEST(hooks_list_refuses_what_others_may_write),
		TEST(hooks_list_refuses_what_belongs_to_others),
		TEST(hooks_list_looks_where_a_link_leads),
		TEST(hooks_run_gives_environment_and_nothing_to_read),
		TEST(hooks_run_makes_a_relative_kubeconfig_absolute),
		TEST(hooks_run_sets_what_is_not_known_to_nothing),
		TEST(hooks_run_stops_at_a_pre_hook_that_fails),
		TEST(hooks_run_warns_of_a_post_hook_that_fails),
		TEST(hooks_run_warns_where_post_hooks_are_refused),
		TEST(hooks_run_refuses_post_hooks_before_any_pre_hook),
		TEST(hooks_run_ends_what_takes_too_long),
		TEST(hooks_run_says_why_a_hook_cannot_be_run),
		TEST(hooks_run_does_not_show_output_without_end),
		TEST(hooks_run_is_ended_by_a_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
