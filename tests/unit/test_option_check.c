#include "unit.h"

#include "base/mem.h"
#include "cmd/option_check.h"

static void registries_with_port_and_prefix_are_taken(void **state)
{
	static const char *const good[] = {
		"registry.local",     "nexus.example.com:5000/hpe/dws",
		"127.0.0.1:5000",     "[::1]:5000/dws",
		"localhost",	      "localhost:65535",
		"docker.io/somebody",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct err err = ERR_INIT;

		assert_done(check_registry("--registry", good[i], &err) == 0,
			    &err);
	}
}

static void other_registries_are_refused_with_the_reason(void **state)
{
	static const struct {
		const char *value, *text;
	} bad[] = {
		{ "https://r.local", "without 'https://', not 'https://r" },
		{ "r.local:0", "a port from 1 to 65535, not '0'" },
		{ "r.local:65536/x", "a port from 1 to 65535, not '65536'" },
		{ "r.local:http", "a port from 1 to 65535, not 'http'" },
		{ "nexus", "'nexus' alone is a user of Docker Hub" },
		{ "nexus/dws", "'nexus' alone is a user of Docker Hub" },
		{ "", "must begin with the name or the address of a host" },
		{ "-r.local", "must begin with the name or the address" },
		{ "r.local/Upper", "lower-case names with '/' between, not "
				   "'Upper'" },
		{ "r.local/", "must have a prefix" },
		{ "r.local/a:tag", "must have a prefix" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(
			check_registry("--registry", bad[i].value, &err), -1);
		assert_error(&err, ERR_USAGE, "'--registry' must ");
		assert_error(&err, ERR_USAGE, bad[i].text);
	}
}

static void a_password_in_the_registry_is_not_repeated(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(check_registry("--registry",
					"https://admin:s3cret@r.local", &err),
			 -1);
	assert_error(&err, ERR_USAGE, "must hold no user and no password");
	assert_null(strstr(err.msg, "s3cret"));
}

static void platforms_have_two_or_three_parts(void **state)
{
	static const char *const good[] = { "linux/amd64", "linux/arm/v7" };
	static const char *const bad[] = { "",	     "foo",	   "linux/",
					   "/amd64", "a/b/c/d",	   "linux/a b",
					   "a//b",   "Linux/AMD64" };
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_done(check_platform("--platform", good[i], &err) == 0,
			    &err);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err_clear(&err);
		assert_int_equal(check_platform("--platform", bad[i], &err),
				 -1);
		assert_error(&err, ERR_USAGE,
			     "'--platform' must be OS/ARCH or");
	}
}

static void files_are_there(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_done(check_file("--registry-ca", "/proc/self/exe", &err) == 0,
		    &err);
	assert_int_equal(check_file("--registry-ca", "/nowhere/ca", &err), -1);
	assert_error(&err, ERR_USAGE,
		     "'--registry-ca': cannot read "
		     "'/nowhere/ca': No such file");
	err_clear(&err);
	assert_int_equal(check_file("--registry-ca", "/", &err), -1);
	assert_error(&err, ERR_USAGE, "Is a directory");
	err_clear(&err);
	assert_int_equal(check_file("--registry-ca", "", &err), -1);
	assert_error(&err, ERR_USAGE, "must not be empty");
}

static void an_authfile_is_a_json_object(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ "{\"auths\": {}}", true },
		{ "{}", true },
		{ "admin:s3cret", false },
		{ "[]", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = unit_file(cases[i].text, strlen(cases[i].text));
		autofree char *path = mem_printf("/proc/self/fd/%d", fd);
		struct err err = ERR_INIT;
		int result = check_authfile("--authfile", path, &err);

		close(fd);
		assert_int_equal(result, cases[i].good ? 0 : -1);
		if (cases[i].good)
			continue;
		assert_error(&err, ERR_USAGE, "is not JSON as 'podman login");
		assert_null(strstr(err.msg, "s3cret"));
	}
}

static void an_authfile_from_a_pipe_is_left_alone(void **state)
{
	struct err err = ERR_INIT;
	autofree char *path = NULL;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	path = mem_printf("/proc/self/fd/%d", ends[0]);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_done(check_authfile("--authfile", path, &err) == 0, &err);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registries_with_port_and_prefix_are_taken),
		cmocka_unit_test(other_registries_are_refused_with_the_reason),
		cmocka_unit_test(a_password_in_the_registry_is_not_repeated),
		cmocka_unit_test(platforms_have_two_or_three_parts),
		cmocka_unit_test(files_are_there),
		cmocka_unit_test(an_authfile_is_a_json_object),
		cmocka_unit_test(an_authfile_from_a_pipe_is_left_alone),
	};

	return cmocka_run_group_tests_name("option_check", tests, NULL, NULL);
}
