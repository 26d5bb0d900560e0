#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "txn/state.h"

/* Each test stands in a new directory that is removed afterwards. */
static int set_up(void **state)
{
	char *dir = mem_strdup("/tmp/dws-csm-test-XXXXXX");

	if (mkdtemp(dir) == NULL || chdir(dir) < 0)
		return -1;
	*state = dir;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const left[] = {
		"f",	      "d/journal.json", "d/backup", "d/log", "d",
		"x/d/backup", "x/d/log",	"x/d",	    "x",
	};
	int result;

	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		if (unlinkat(AT_FDCWD, left[i], 0) < 0)
			unlinkat(AT_FDCWD, left[i], AT_REMOVEDIR);
	result = chdir("/") < 0 ? -1 : rmdir(*state);
	free(*state);
	return result;
}

static void state_makes_its_directory_for_us_alone(void **state)
{
	struct err err = ERR_INIT;
	struct state auto_state dir = STATE_INIT;
	autofree char *path = NULL;
	autofree char *wanted = mem_printf("%s/x/d/f", (char *)*state);
	struct stat st;

	assert_done(state_open(&dir, "x/d", &err) == 0, &err);
	assert_int_equal(stat("x/d", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat("x/d/backup", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat("x/d/log", &st), 0);
	path = state_path(&dir, "f");
	assert_string_equal(path, wanted);
	/* tear_down shows that no probe has been left. */
}

static void state_is_opened_again_with_what_is_in_it(void **state)
{
	struct err err = ERR_INIT;
	struct state auto_state dir = STATE_INIT;
	autofree char *text = NULL;

	(void)state;
	assert_done(state_open(&dir, "d", &err) == 0, &err);
	assert_done(file_replace(dir.dirfd, "journal.json", 0600, "{}", 2,
				 &err) == 0,
		    &err);
	state_release(&dir);
	assert_int_equal(dir.dirfd, -1);
	assert_null(dir.path);
	assert_done(state_open(&dir, "d", &err) == 0, &err);
	assert_done(file_read(dir.dirfd, "journal.json", 9, &text, NULL,
			      &err) == 0,
		    &err);
	assert_string_equal(text, "{}");
}

static void state_refuses_what_is_no_directory(void **state)
{
	struct err err = ERR_INIT;
	struct state auto_state dir = STATE_INIT;

	(void)state;
	assert_done(file_replace(AT_FDCWD, "f", 0600, "x", 1, &err) == 0, &err);
	assert_int_equal(state_open(&dir, "f", &err), -1);
	assert_error(&err, ERR_FAILED, "cannot keep undo data in 'f'");
	assert_non_null(strstr(err.msg, "--state-dir"));
	assert_int_equal(dir.dirfd, -1);
}

static void state_refuses_what_others_may_write(void **state)
{
	struct err err = ERR_INIT;
	struct state auto_state dir = STATE_INIT;

	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(chmod("d", 0777), 0);
	assert_int_equal(state_open(&dir, "d", &err), -1);
	assert_error(&err, ERR_FAILED, "others may write to");
}

static void state_refuses_what_cannot_be_written(void **state)
{
	struct err err = ERR_INIT;
	struct state auto_state dir = STATE_INIT;

	(void)state;
	/* Not for root, either. */
	assert_int_equal(state_open(&dir, "/proc/1", &err), -1);
	assert_error(&err, ERR_FAILED, "'/proc/1'");
	assert_int_equal(state_open(&dir, "/proc/no/such", &err), -1);
	assert_error(&err, ERR_FAILED, "--state-dir");
}

#define NOBODY 65534

/* Root's is /var/lib/dws-csm, which is no place for a test. */
static void become_nobody(const char *dir)
{
	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(seteuid(65534), 0);
}

static void state_of_a_user_is_below_his_home(void **state)
{
	struct err err = ERR_INIT;
	struct state auto_state dir = STATE_INIT;
	autofree char *home = mem_printf("%s/x", (char *)*state);
	autofree char *wanted = mem_printf("%s/x/dws-csm", (char *)*state);

	become_nobody(*state);
	setenv("XDG_STATE_HOME", home, 1);
	assert_done(state_open(&dir, NULL, &err) == 0, &err);
	assert_string_equal(dir.path, wanted);
	unlinkat(dir.dirfd, "backup", AT_REMOVEDIR);
	unlinkat(dir.dirfd, "log", AT_REMOVEDIR);
	rmdir(wanted);
	state_release(&dir);
	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	assert_int_equal(state_open(&dir, NULL, &err), -1);
	assert_error(&err, ERR_USAGE, "--state-dir");
	assert_int_equal(seteuid(getuid()), 0);
}

#define STATE_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STATE_TEST(state_makes_its_directory_for_us_alone),
		STATE_TEST(state_is_opened_again_with_what_is_in_it),
		STATE_TEST(state_refuses_what_is_no_directory),
		STATE_TEST(state_refuses_what_others_may_write),
		STATE_TEST(state_refuses_what_cannot_be_written),
		STATE_TEST(state_of_a_user_is_below_his_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
