#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "fake_server.h"
#include "txn/audit.h"

struct fixture {
	char root[64];
	struct state state;
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

	snprintf(self->root, sizeof(self->root), "/tmp/test_audit.XXXXXX");
	assert_non_null(mkdtemp(self->root));
	self->state = (struct state)STATE_INIT;
	assert_done(state_open(&self->state, self->root, &self->err) == 0,
		    &self->err);
	log_set_sink(hear, &self->said);
	*state = self;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *self = *state;
	autofree char *command = mem_printf("rm -rf '%s'", self->root);

	log_set_sink(NULL, NULL);
	state_release(&self->state);
	assert_int_equal(system(command), 0);
	strs_release(&self->said);
	free(self);
	return 0;
}

/* The lines of log/`name`, parsed. */
static struct jval *lines_of(struct fixture *self, const char *name)
{
	autofree char *path = mem_printf("log/%s", name);
	autofree char *text = NULL;
	auto_strs struct strs lines = STRS_INIT;
	struct jval *all = jval_new_array();

	assert_done(file_read(self->state.dirfd, path, 1 << 20, &text, NULL,
			      &self->err) == 0,
		    &self->err);
	assert_true(str_ends(text, "\n"));
	strs_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.nr; i++) {
		struct jval *line = jval_parse(
			lines.item[i], strlen(lines.item[i]), &self->err);

		assert_done(line != NULL, &self->err);
		jval_append(all, line);
	}
	return all;
}

static void assert_text(const struct jval *line, const char *name,
			const char *expected)
{
	if (expected)
		assert_string_equal(jval_str(line, name), expected);
	else
		assert_null(jval_get(line, name));
}

static void audit_line_writes_json_lines(void **state)
{
	struct fixture *self = *state;
	struct audit *audit = audit_new(NULL, &self->state, "t-1", "upgrade");
	autojval struct jval *lines = NULL;
	struct stat st;

	audit_line(audit, "begin", NULL, "of DWS %s", "0.1.17");
	audit_line(audit, "step", "remove", "a \"quote\", \xff and\nmore");
	audit_line(audit, "change", NULL, "b");
	audit_free(audit);
	lines = lines_of(self, "t-1-upgrade.jsonl");
	assert_int_equal(jval_len(lines), 4);
	for (size_t i = 0; i < 4; i++) {
		const struct jval *line = jval_at(lines, i);

		assert_text(line, "transaction", "t-1");
		assert_text(line, "operation", "upgrade");
		assert_int_equal(strlen(jval_str(line, "time")),
				 strlen("2026-11-23T04:12:09.482Z"));
	}
	assert_text(jval_at(lines, 0), "event", "open");
	assert_int_equal(jval_int(jval_at(lines, 0), "pid", 0), getpid());
	assert_non_null(jval_str(jval_at(lines, 0), "user"));
	assert_text(jval_at(lines, 1), "event", "begin");
	assert_text(jval_at(lines, 1), "message", "of DWS 0.1.17");
	assert_text(jval_at(lines, 1), "step", NULL);
	assert_text(jval_at(lines, 2), "step", "remove");
	assert_text(jval_at(lines, 2), "message",
		    "a \"quote\", \xef\xbf\xbd and\nmore");
	assert_text(jval_at(lines, 3), "step", "remove");
	assert_int_equal(
		fstatat(self->state.dirfd, "log/t-1-upgrade.jsonl", &st, 0), 0);
	assert_int_equal(st.st_mode & 0137, 0);
}

static void audit_line_adds_to_what_a_killed_one_wrote(void **state)
{
	struct fixture *self = *state;
	autojval struct jval *lines = NULL;

	for (int i = 0; i < 2; i++) {
		struct audit *audit =
			audit_new(NULL, &self->state, "t-1", "upgrade");

		audit_line(audit, "step", "deploy", "%d", i);
		audit_free(audit);
	}
	lines = lines_of(self, "t-1-upgrade.jsonl");
	assert_int_equal(jval_len(lines), 4);
	assert_text(jval_at(lines, 1), "message", "0");
	assert_text(jval_at(lines, 3), "message", "1");
}

static void audit_hears_the_log(void **state)
{
	struct fixture *self = *state;
	struct audit *audit = audit_new(NULL, &self->state, "t", "install");
	autojval struct jval *lines = NULL;

	log_set_level(LOG_QUIET);
	audit_hear_log(audit);
	log_warn("w");
	audit_line(audit, "step", "wait", "s");
	log_verbose("v");
	log_debug("d");
	audit_free(audit);
	log_warn("later");
	log_set_level(LOG_INFO);
	lines = lines_of(self, "t-install.jsonl");
	assert_int_equal(jval_len(lines), 4);
	assert_text(jval_at(lines, 1), "event", "log");
	assert_text(jval_at(lines, 1), "level", "warning");
	assert_text(jval_at(lines, 1), "message", "w");
	assert_text(jval_at(lines, 3), "level", "verbose");
	assert_text(jval_at(lines, 3), "message", "v");
	assert_text(jval_at(lines, 3), "step", "wait");
}

static void audit_makes_no_path_of_an_id(void **state)
{
	struct fixture *self = *state;
	struct audit *audit =
		audit_new(NULL, &self->state, "../../x", "install");
	autojval struct jval *lines = NULL;

	audit_line(audit, "begin", NULL, "b");
	audit_free(audit);
	lines = lines_of(self, "_._.._x-install.jsonl");
	assert_int_equal(jval_len(lines), 2);
}

static size_t count_files(const struct fixture *self, bool *first, bool *other)
{
	autofree char *path = state_path(&self->state, "log");
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t nr = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		nr += str_ends(entry->d_name, ".jsonl");
		*first |= str_eq(entry->d_name, "000.jsonl");
		*other |= str_eq(entry->d_name, "notes.txt");
	}
	closedir(dir);
	return nr;
}

static void audit_keeps_the_newest_50_files(void **state)
{
	struct fixture *self = *state;
	struct audit *audit = audit_new(NULL, &self->state, "t", "install");
	bool first = false, other = false;

	for (int i = 0; i < 60; i++) {
		autofree char *name = mem_printf("log/%03d.jsonl", i);
		struct timespec times[2] = { { .tv_sec = 1000 + i },
					     { .tv_sec = 1000 + i } };
		int fd = openat(self->state.dirfd, name, O_CREAT | O_WRONLY,
				0600);

		/* The first by name is the newest but for ours. */
		if (i == 0)
			times[1].tv_sec = 5000;
		assert_int_equal(futimens(fd, times), 0);
		close(fd);
	}
	close(openat(self->state.dirfd, "log/notes.txt", O_CREAT | O_WRONLY,
		     0600));
	audit_line(audit, "begin", NULL, "b");
	audit_free(audit);
	assert_int_equal(count_files(self, &first, &other), 50);
	assert_true(first);
	assert_true(other);
}

static void audit_warns_once_when_it_cannot_write(void **state)
{
	struct fixture *self = *state;
	struct audit *audit = audit_new(NULL, &self->state, "t", "install");

	/* Where root may write all, only what is missing stops him. */
	assert_int_equal(unlinkat(self->state.dirfd, "log", AT_REMOVEDIR), 0);
	audit_hear_log(audit);
	log_info("i");
	audit_line(audit, "begin", NULL, "b");
	audit_line(audit, "end", NULL, "e");
	audit_free(audit);
	assert_int_equal(self->said.nr, 2);
	assert_non_null(strstr(self->said.item[1],
			       "warning: what is done is not logged: "));
	assert_non_null(strstr(self->said.item[1], "'log'"));
}

static void audit_does_nothing_without_one(void **state)
{
	struct fixture *self = *state;
	struct audit *audit = audit_new(NULL, NULL, NULL, "install");

	audit_line(audit, "begin", NULL, "b");
	audit_event(audit, "Normal", "Begun", "b");
	audit_free(audit);
	audit_line(NULL, "begin", NULL, "b");
	audit_event(NULL, "Normal", "Begun", "b");
	audit_hear_log(NULL);
	audit_free(NULL);
	assert_int_equal(self->said.nr, 0);
}

/* --- Events ---------------------------------------------------------------- */

static struct kube_config *config_for(int port, struct err *err)
{
	char path[] = "/tmp/test_audit.XXXXXX";
	struct kube_config_options options = { .kubeconfig = path };
	struct kube_config *config;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	dprintf(fd,
		"current-context: x\n"
		"contexts: [{name: x, context: {cluster: x}}]\n"
		"clusters: [{name: x, cluster: {server: 'http://127.0.0.1:%d'}}]\n",
		port);
	close(fd);
	config = kube_config_load(&options, err);
	unlink(path);
	assert_done(config != NULL, err);
	return config;
}

#define ANSWER(status)                                     \
	"HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" \
	"{\"kind\":\"Status\",\"message\":\"no: being terminated\"}"

/* `nr` Events against a server that answers so. */
static void events(struct fixture *self, const char *answer, size_t nr)
{
	const char *answers[] = { answer, answer, answer };
	struct fake_server server = { .answers = answers, .nr = 3 };
	struct kube_config *config;
	struct audit *audit;
	struct kube *kube;

	fake_server_start(&server);
	config = config_for(server.port, &self->err);
	kube = kube_new(config);
	audit = audit_new(kube, NULL, "t", "upgrade");
	for (size_t i = 0; i < nr; i++)
		audit_event(audit, "Warning", "Failed", "%s", "b");
	audit_free(audit);
	kube_free(kube);
	kube_config_free(config);
	fake_server_stop(&server);
	assert_int_equal(server.asked.nr, nr);
	assert_true(str_starts(server.asked.item[0],
			       "POST /api/v1/namespaces/dws-system/events "));
	fake_server_release(&server);
}

static void audit_event_warns_once_when_it_is_refused(void **state)
{
	struct fixture *self = *state;

	events(self, ANSWER("422 Unprocessable Entity"), 3);
	assert_int_equal(self->said.nr, 1);
	assert_non_null(strstr(self->said.item[0],
			       "warning: Events are not written: "));
}

static void audit_event_is_silent_where_there_is_no_place(void **state)
{
	struct fixture *self = *state;

	events(self, ANSWER("404 Not Found"), 2);
	events(self, ANSWER("403 Forbidden"), 2);
	assert_int_equal(self->said.nr, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(audit_line_writes_json_lines),
		TEST(audit_line_adds_to_what_a_killed_one_wrote),
		TEST(audit_hears_the_log),
		TEST(audit_makes_no_path_of_an_id),
		TEST(audit_keeps_the_newest_50_files),
		TEST(audit_warns_once_when_it_cannot_write),
		TEST(audit_does_nothing_without_one),
		TEST(audit_event_warns_once_when_it_is_refused),
		TEST(audit_event_is_silent_where_there_is_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
