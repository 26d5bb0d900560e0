#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "slurm/host.h"
#include "slurm/load.h"

static char *dir;

static int set_up(void **state)
{
	(void)state;
	dir = mem_strdup("/tmp/test_load.XXXXXX");
	return mkdtemp(dir) && chmod(dir, 0755) == 0 ? 0 : -1;
}

static char *script_path(void)
{
	return mem_printf("%s/burst_buffer.lua", dir);
}

static int tear_down(void **state)
{
	autofree char *path = script_path();

	(void)state;
	unlink(path);
	rmdir(dir);
	free(dir);
	return 0;
}

#define HOOKS                             \
	"function slurm_bb_setup() end\n" \
	"function slurm_bb_get_status() return slurm.SUCCESS end\n"

static void load(struct load_answer *answer, const char *text, const char *lua)
{
	autofree char *path = script_path();
	auto_strs struct strs hooks = STRS_INIT;
	struct load_request request = { .script = path,
					.hooks = &hooks,
					.lua = lua };
	struct err err = ERR_INIT;
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	strs_add(&hooks, "slurm_bb_setup");
	strs_add(&hooks, "slurm_bb_get_status");
	assert_done(load_try(answer, &request, &err) == 0, &err);
}

static void load_says_who_loaded_it(void **state)
{
	auto_load_answer struct load_answer own = { .by = NULL };
	auto_load_answer struct load_answer strange = { .by = NULL };

	(void)state;
	load(&own, HOOKS, NULL);
	assert_string_equal(own.by, "Lua 5.4");
	assert_null(own.error);
	assert_null(own.settings);
	assert_int_equal(own.missing.nr, 0);
	load(&strange, HOOKS, "5.9");
	assert_string_equal(strange.by, "Lua 5.4");
	assert_true(strange.other);
}

static void load_tells_what_is_missing(void **state)
{
	auto_load_answer struct load_answer answer = { .by = NULL };

	(void)state;
	load(&answer, "slurm_bb_setup = 5\n", NULL);
	assert_int_equal(answer.missing.nr, 2);
	assert_string_equal(answer.missing.item[0], "slurm_bb_setup");
}

static void load_tells_why_it_cannot_be(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
		{ "x = = 1\n", "unexpected symbol" },
		{ "error('of its own')\n", "of its own" },
		{ "os.execute('touch /tmp/x')\n", "only looked at" },
		{ "io.popen('id')\n", "only looked at" },
		{ "os.exit(0)\n", "only looked at" },
		{ "io.open('/tmp/x', 'w')\n", "only looked at" },
		{ "print('done')\n", "only looked at" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_load_answer struct load_answer answer = { .by = NULL };

		load(&answer, cases[i].text, NULL);
		assert_non_null(answer.error);
		assert_non_null(strstr(answer.error, cases[i].why));
	}
}

static void load_does_not_give_a_script_all_memory(void **state)
{
	auto_load_answer struct load_answer own = { .by = NULL };

	(void)state;
	load(&own, "x = string.rep('x', 1100000000)\n", NULL);
	assert_string_equal(own.error, "not enough memory");
}

static void load_tells_what_is_wrong_with_the_settings(void **state)
{
	auto_load_answer struct load_answer answer = { .by = NULL };

	(void)state;
	load(&answer,
	     "function slurm_bb_setup() end\n"
	     "function slurm_bb_get_status()\n"
	     "	return slurm.ERROR, 'line 3:\\nwrong'\n"
	     "end\n",
	     NULL);
	assert_null(answer.error);
	assert_string_equal(answer.settings, "line 3: wrong");
}

static void host_reads_versions(void **state)
{
	static const struct {
		const char *text;
		unsigned int release;
		const char *version;
	} cases[] = {
		{ "slurm-wlm 22.05.8\n", 2205, "22.05.8" },
		{ "slurm 24.11.0-rc1\n", 2411, "24.11.0-rc1" },
		{ "slurm 100.200\n", 0, NULL },
		{ "", 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *version = NULL;

		assert_int_equal(host_release_of(cases[i].text, &version),
				 cases[i].release);
		if (cases[i].version)
			assert_string_equal(version, cases[i].version);
	}
}

static void host_knows_libraries_of_lua(void **state)
{
	static const struct {
		const char *library;
		const char *lua;
	} cases[] = {
		{ "liblua5.1.so.0", "5.1" },
		{ "liblua.so.5.4", "5.4" },
		{ "liblua-5.3.so", "5.3" },
		{ "liblua5.3.so.5", "5.3" },
		{ "libluajit-5.1.so.2", "luajit" },
		{ "libc.so.6", NULL },
		{ "liblua.so", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *lua = host_lua_of(cases[i].library);

		if (cases[i].lua)
			assert_string_equal(lua, cases[i].lua);
		else
			assert_null(lua);
	}
}

static void host_wants_more_hooks_of_later_releases(void **state)
{
	auto_strs struct strs old = STRS_INIT, now = STRS_INIT;

	(void)state;
	host_hooks(&old, 2311);
	host_hooks(&now, 2405);
	assert_int_equal(old.nr, 11);
	assert_int_equal(now.nr, 13);
	assert_true(strs_has(&now, "slurm_bb_test_data_out"));
}

static void user_is_found_by_name_and_number(void **state)
{
	static const char passwd[] = "root:x:0:0::/:\nbad:x:a:1\n"
				     "slurm:x:64030:64031::/:\n";
	struct user user;
	struct err err = ERR_INIT;

	(void)state;
	assert_true(user_of_passwd(&user, passwd, "slurm"));
	assert_int_equal(user.uid, 64030);
	assert_int_equal(user.gid, 64031);
	assert_true(user_of_passwd(&user, passwd, "64030"));
	assert_false(user_of_passwd(&user, passwd, "bad"));
	assert_false(user_of_passwd(&user, passwd, "slur"));
	assert_int_equal(user_find(&user, "no-such-user", &err), -1);
	assert_error(&err, ERR_NOT_FOUND, "no-such-user");
}

static void user_is_in_the_groups_that_name_it(void **state)
{
	static const char groups[] = "root:x:0:\nslurm:x:64031:\n"
				     "disk:x:6:x,slurm\nno:x:7:slurmx,xslurm\n"
				     "bad:x:y:slurm\nlast:x:8:slurm,x\n"
				     "again:x:6:slurm\nown:x:64031:slurm";
	struct user user = { .uid = 64030, .gid = 64031 };

	(void)state;
	user_groups_of(&user, groups, "slurm");
	assert_int_equal(user.nr_groups, 2);
	assert_int_equal(user.group[0], 6);
	assert_int_equal(user.group[1], 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void user_can_read_goes_by_mode_and_folders(void **state)
{
	char folder[] = "/tmp/test_user.XXXXXX";
	const struct user nobody = { .uid = 65534, .gid = 65534 };
	const struct user member = { .uid = 65534,
				     .gid = 65534,
				     .group = { 7, 54321 },
				     .nr_groups = 2 };
	const struct user root = { .uid = 0, .gid = 0 };
	autofree char *path = NULL;
	bool tried = geteuid() == 0;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	path = mem_printf("%s/file", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(user_can_read(&nobody, path), !tried);
	assert_true(user_can_read(&root, path));
	assert_int_equal(chmod(folder, 0755), 0);
	assert_true(user_can_read(&nobody, path));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(user_can_read(&nobody, path), !tried);
	assert_int_equal(chown(path, (uid_t)-1, tried ? 54321 : (gid_t)-1), 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(user_can_read(&nobody, path), !tried);
	assert_true(user_can_read(&member, path));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(load_says_who_loaded_it),
		TEST(load_tells_what_is_missing),
		TEST(load_tells_why_it_cannot_be),
		TEST(load_does_not_give_a_script_all_memory),
		TEST(load_tells_what_is_wrong_with_the_settings),
		cmocka_unit_test(host_reads_versions),
		cmocka_unit_test(host_knows_libraries_of_lua),
		cmocka_unit_test(host_wants_more_hooks_of_later_releases),
		cmocka_unit_test(user_is_found_by_name_and_number),
		cmocka_unit_test(user_is_in_the_groups_that_name_it),
		cmocka_unit_test(user_can_read_goes_by_mode_and_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
