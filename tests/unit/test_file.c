#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"

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
		"f", "d/f", "d/e/f", "d/e", "d",
	};
	int result;

	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		if (unlinkat(AT_FDCWD, left[i], 0) < 0)
			unlinkat(AT_FDCWD, left[i], AT_REMOVEDIR);
	result = chdir("/") < 0 ? -1 : rmdir(*state);
	free(*state);
	return result;
}

static void file_reads_a_secret_up_to_its_limit(void **state)
{
	struct err err = ERR_INIT;
	char *text = NULL;

	(void)state;
	assert_int_equal(file_read_secret("f", 10, &text, &err), -1);
	assert_error(&err, ERR_NOT_FOUND, "'f'");
	err_clear(&err);
	assert_done(file_replace(AT_FDCWD, "f", 0600, "0123456789", 10, &err) ==
			    0,
		    &err);
	assert_int_equal(file_read_secret("f", 9, &text, &err), -1);
	assert_error(&err, ERR_INVALID, "longer than 9 bytes");
	err_clear(&err);
	assert_done(file_read_secret("f", 10, &text, &err) == 0, &err);
	assert_string_equal(text, "0123456789");
	mem_free_secret(text);
}

static void file_does_not_wait_for_a_pipe_in_place_of_a_file(void **state)
{
	struct err err = ERR_INIT;
	autofree char *text = NULL;
	autofree char *whole = NULL;
	struct stat st;
	size_t len;
	int fd;

	(void)state;
	assert_int_equal(file_read_regular("f", 10, &text, NULL, &err), -1);
	assert_error(&err, ERR_NOT_FOUND, "cannot open 'f'");
	err_clear(&err);
	assert_int_equal(mkfifo("f", 0600), 0);
	assert_int_equal(symlink("f", "d"), 0);
	assert_int_equal(file_read_regular("d", 10, &text, NULL, &err), -1);
	assert_error(&err, ERR_INVALID, "'d' is not a regular file");
	err_clear(&err);
	assert_int_equal(file_read_regular("/dev/zero", 10, &text, NULL, &err),
			 -1);
	assert_error(&err, ERR_INVALID, "'/dev/zero' is not a regular file");
	err_clear(&err);
	assert_int_equal(file_read_regular(".", 10, &text, NULL, &err), -1);
	assert_error(&err, ERR_INVALID, "'.' is not a regular file");
	err_clear(&err);

	assert_int_equal(unlink("f"), 0);
	assert_done(file_replace(AT_FDCWD, "f", 0640, "abc", 3, &err) == 0,
		    &err);
	assert_done(file_read_regular("d", 3, &whole, &len, &err) == 0, &err);
	assert_string_equal(whole, "abc");
	assert_int_equal(len, 3);
	fd = file_open_regular(AT_FDCWD, "d", &st, &err);
	assert_done(fd >= 0, &err);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(close(fd), 0);
}

/* As shells hand it over: --kubeconfig <(...). */
static void file_reads_a_pipe_that_is_named_on_purpose(void **state)
{
	struct err err = ERR_INIT;
	autofree char *text = NULL;
	autofree char *path = NULL;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "abc", 3), 3);
	assert_int_equal(close(ends[1]), 0);
	path = mem_printf("/dev/fd/%d", ends[0]);
	assert_done(file_read(AT_FDCWD, path, 3, &text, NULL, &err) == 0, &err);
	assert_string_equal(text, "abc");
	assert_int_equal(close(ends[0]), 0);
}

static void file_replaces_and_reads_back(void **state)
{
	struct err err = ERR_INIT;
	autofree char *text = NULL;
	struct stat st;
	size_t len;

	(void)state;
	assert_done(file_replace(AT_FDCWD, "f", 0600, "old", 3, &err) == 0,
		    &err);
	assert_done(file_replace(AT_FDCWD, "f", 0640, "n\0w", 3, &err) == 0,
		    &err);
	assert_done(file_read(AT_FDCWD, "f", 100, &text, &len, &err) == 0,
		    &err);
	assert_int_equal(len, 3);
	assert_memory_equal(text, "n\0w", 4);
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	/* tear_down shows that no temporary file has been left. */
}

static void file_reads_relative_to_a_directory(void **state)
{
	struct err err = ERR_INIT;
	autofree char *text = NULL;
	autoclose int dir = -1;

	(void)state;
	assert_done(file_make_dirs("d", 0700, &err) == 0, &err);
	dir = file_open(AT_FDCWD, "d", O_RDONLY | O_DIRECTORY, 0, &err);
	assert_done(dir >= 0, &err);
	assert_true(fcntl(dir, F_GETFD) & FD_CLOEXEC);
	assert_done(file_replace(dir, "f", 0600, "x", 1, &err) == 0, &err);
	assert_done(file_read(AT_FDCWD, "d/f", 1, &text, NULL, &err) == 0,
		    &err);
	assert_string_equal(text, "x");
}

static void file_tells_what_is_not_there(void **state)
{
	struct err err = ERR_INIT;
	char *text;

	(void)state;
	assert_int_equal(file_read(AT_FDCWD, "no", 9, &text, NULL, &err), -1);
	assert_error(&err, ERR_NOT_FOUND, "'no'");
	assert_int_equal(err.sys, ENOENT);
}

static void file_refuses_more_than_asked_for(void **state)
{
	struct err err = ERR_INIT;
	char *text;

	(void)state;
	assert_done(file_replace(AT_FDCWD, "f", 0600, "1234", 4, &err) == 0,
		    &err);
	assert_int_equal(file_read(AT_FDCWD, "f", 3, &text, NULL, &err), -1);
	assert_error(&err, ERR_INVALID, "read 'f'");
}

static void file_replace_fails_without_its_directory(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(file_replace(AT_FDCWD, "no/f", 0600, "x", 1, &err),
			 -1);
	assert_error(&err, ERR_NOT_FOUND, "'no/f");
}

static void file_replace_leaves_nothing_where_it_fails(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_done(file_make_dirs("d/e", 0700, &err) == 0, &err);
	assert_int_equal(file_replace(AT_FDCWD, "d", 0600, "x", 1, &err), -1);
	assert_error(&err, ERR_FAILED, "cannot rename");
}

static void file_makes_directories_that_are_missing(void **state)
{
	struct err err = ERR_INIT;
	struct stat st;

	(void)state;
	assert_done(file_make_dirs("d/e/", 0750, &err) == 0, &err);
	assert_done(file_make_dirs("d/e", 0750, &err) == 0, &err);
	assert_done(file_make_dirs("/", 0750, &err) == 0, &err);
	assert_int_equal(stat("d/e", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
}

static void file_makes_no_directory_where_a_file_stands(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_done(file_replace(AT_FDCWD, "f", 0600, "x", 1, &err) == 0, &err);
	assert_int_equal(file_make_dirs("f", 0700, &err), -1);
	assert_error(&err, ERR_FAILED, "'f': Not a directory");
	assert_int_equal(file_make_dirs("f/d", 0700, &err), -1);
	assert_error(&err, ERR_FAILED, "'f/d'");
	assert_int_equal(file_make_dirs("", 0700, &err), -1);
	assert_error(&err, ERR_NOT_FOUND, "''");
}

static void file_close_tells_of_a_bad_descriptor(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(file_close(-1, "name", &err), -1);
	assert_error(&err, ERR_FAILED, "'name'");
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(file_does_not_wait_for_a_pipe_in_place_of_a_file),
		FILE_TEST(file_reads_a_pipe_that_is_named_on_purpose),
		FILE_TEST(file_replaces_and_reads_back),
		FILE_TEST(file_reads_a_secret_up_to_its_limit),
		FILE_TEST(file_reads_relative_to_a_directory),
		FILE_TEST(file_tells_what_is_not_there),
		FILE_TEST(file_refuses_more_than_asked_for),
		FILE_TEST(file_replace_fails_without_its_directory),
		FILE_TEST(file_replace_leaves_nothing_where_it_fails),
		FILE_TEST(file_makes_directories_that_are_missing),
		FILE_TEST(file_makes_no_directory_where_a_file_stands),
		FILE_TEST(file_close_tells_of_a_bad_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
