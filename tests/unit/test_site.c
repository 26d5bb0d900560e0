#include "unit.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "slurm/site.h"

static char *dir;

static int set_up(void **state)
{
	(void)state;
	dir = mem_strdup("/tmp/test_site.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "slurm.conf", "a.conf", "b.conf" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		autofree char *path = mem_printf("%s/%s", dir, names[i]);

		unlink(path);
	}
	rmdir(dir);
	free(dir);
	return 0;
}

static void given(const char *name, const char *text, size_t len)
{
	autofree char *path = mem_printf("%s/%s", dir, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
}

static int read_it(struct site *site, struct err *err)
{
	autofree char *path = mem_printf("%s/slurm.conf", dir);

	return site_read(site, path, err);
}

#define GIVEN(name, text) given(name, text, sizeof(text) - 1)

static void site_reads_what_is_included(void **state)
{
	auto_site struct site site = { .path = NULL };
	autofree char *beside = NULL;
	struct err err = ERR_INIT;

	(void)state;
	GIVEN("slurm.conf", "ClusterName=A\nslurmuser=x\nInclude %c.conf\n"
			    "Include absent*.conf\nPluginDir=/p\n");
	GIVEN("a.conf", "SlurmUser=slurm\ninclude b.conf\n");
	GIVEN("b.conf", "\nBurstBufferType=burst_buffer/lua\n");
	assert_done(read_it(&site, &err) == 0, &err);
	assert_string_equal(site.user, "slurm");
	assert_string_equal(site.plugin_dir, "/p");
	assert_int_equal(site.nr_types, 1);
	assert_int_equal(site.type[0].number, 2);
	assert_true(site.type[0].included);
	assert_non_null(strstr(site.type[0].file, "/b.conf"));
	assert_int_equal(site_type(&site), TYPE_LUA);
	beside = site_file(&site, "a.conf");
	assert_non_null(strstr(beside, dir));
}

static void site_takes_root_for_no_user(void **state)
{
	auto_site struct site site = { .path = NULL };
	struct err err = ERR_INIT;

	(void)state;
	GIVEN("slurm.conf", "ClusterName=A\n");
	assert_done(read_it(&site, &err) == 0, &err);
	assert_string_equal(site.user, "root");
	assert_int_equal(site_type(&site), TYPE_NONE);
}

static void site_names_file_and_line_of_a_bad_include(void **state)
{
	struct site site;
	struct err err = ERR_INIT;

	(void)state;
	GIVEN("slurm.conf", "\nInclude a.conf\n");
	GIVEN("a.conf", "Include gone.conf\n");
	assert_int_equal(read_it(&site, &err), -1);
	assert_error(&err, ERR_INVALID, "slurm.conf' line 2: Include");
	assert_error(&err, ERR_INVALID, "a.conf' line 1: Include");
	assert_error(&err, ERR_INVALID, "gone.conf");
	GIVEN("a.conf", "Include slurm.conf\n");
	assert_int_equal(read_it(&site, &err), -1);
	assert_error(&err, ERR_INVALID, "include each other");
	GIVEN("slurm.conf", "Include %c.conf\n");
	assert_int_equal(read_it(&site, &err), -1);
	assert_error(&err, ERR_INVALID, "needs a ClusterName");
}

static void site_refuses_what_is_no_text(void **state)
{
	struct site site;
	struct err err = ERR_INIT;

	(void)state;
	GIVEN("slurm.conf", "A=1\0B=2\n");
	assert_int_equal(read_it(&site, &err), -1);
	assert_error(&err, ERR_INVALID, "NUL");
	assert_int_equal(site_read(&site, "/nowhere/slurm.conf", &err), -1);
	assert_error(&err, ERR_BLOCKED, "--slurm-conf");
}

static void site_knows_what_a_type_means(void **state)
{
	(void)state;
	assert_int_equal(type_meaning(NULL), TYPE_NONE);
	assert_int_equal(type_meaning(""), TYPE_NONE);
	assert_int_equal(type_meaning("burst_buffer/none"), TYPE_NONE);
	assert_int_equal(type_meaning("None"), TYPE_NONE);
	assert_int_equal(type_meaning("lua"), TYPE_LUA);
	assert_int_equal(type_meaning("burst_buffer/lua"), TYPE_LUA);
	assert_int_equal(type_meaning("datawarp"), TYPE_OTHER);
	assert_int_equal(type_meaning("lua,datawarp"), TYPE_OTHER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(site_reads_what_is_included),
		TEST(site_takes_root_for_no_user),
		TEST(site_names_file_and_line_of_a_bad_include),
		TEST(site_refuses_what_is_no_text),
		TEST(site_knows_what_a_type_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
