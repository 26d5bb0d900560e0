#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "slurm/conf_file.h"

static char *dir;

static char *path_of(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static int set_up(void **state)
{
	autofree char *real = NULL;
	autofree char *link = NULL;
	FILE *file;

	(void)state;
	dir = mem_strdup("/tmp/test_conf_file.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	real = path_of("real.conf");
	link = path_of("slurm.conf");
	file = fopen(real, "w");
	fputs("A=1\n", file);
	fclose(file);
	return chmod(real, 0640) || symlink("real.conf", link);
}

static int tear_down(void **state)
{
	autofree char *real = path_of("real.conf");
	autofree char *link = path_of("slurm.conf");

	(void)state;
	unlink(real);
	unlink(link);
	assert_int_equal(rmdir(dir), 0);
	free(dir);
	return 0;
}

static void assert_text(const char *path, const char *text)
{
	autofree char *seen = NULL;
	struct err err = ERR_INIT;

	assert_done(file_read(AT_FDCWD, path, 4096, &seen, NULL, &err) == 0,
		    &err);
	assert_string_equal(seen, text);
}

static void conf_file_keeps_mode_link_and_a_copy(void **state)
{
	autofree char *path = path_of("slurm.conf");
	autofree char *backup = NULL;
	autofree char *second = NULL;
	auto_site struct site site = { .path = NULL };
	struct err err = ERR_INIT;
	struct stat st;

	(void)state;
	assert_done(site_read(&site, path, &err) == 0, &err);
	assert_done(conf_file_replace(&site, "B=2\n", 4, &backup, &err) == 0,
		    &err);
	assert_text(path, "B=2\n");
	assert_text(backup, "A=1\n");
	assert_non_null(strstr(backup, "/real.conf.dws-csm-2"));
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(stat(backup, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);

	/* What was read is not what is there. */
	assert_int_equal(conf_file_replace(&site, "C=3\n", 4, &second, &err),
			 -1);
	assert_error(&err, ERR_LOCKED, "run this again");
	assert_text(path, "B=2\n");

	err_clear(&err);
	assert_int_equal(conf_file_restore(&site, backup, "D=4\n", 4, &err),
			 -1);
	assert_error(&err, ERR_LOCKED, "somebody changed");
	assert_text(path, "B=2\n");
	assert_text(backup, "A=1\n");

	err_clear(&err);
	assert_done(conf_file_restore(&site, backup, "B=2\n", 4, &err) == 0,
		    &err);
	assert_text(path, "A=1\n");
	assert_int_equal(access(backup, F_OK), -1);
}

static void conf_file_makes_two_copies_in_one_second(void **state)
{
	autofree char *path = path_of("slurm.conf");
	struct err err = ERR_INIT;
	char *backup[2] = { NULL, NULL };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		auto_site struct site site = { .path = NULL };

		assert_done(site_read(&site, path, &err) == 0, &err);
		assert_done(conf_file_replace(&site, "B=2\n", 4, &backup[i],
					      &err) == 0,
			    &err);
	}
	assert_string_not_equal(backup[0], backup[1]);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(unlink(backup[i]), 0);
		free(backup[i]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(conf_file_keeps_mode_link_and_a_copy),
		TEST(conf_file_makes_two_copies_in_one_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
