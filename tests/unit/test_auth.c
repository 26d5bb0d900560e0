#include "unit.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "base/strs.h"
#include "registry/auth.h"

static char path[] = "/tmp/dws-csm-auth-XXXXXX";

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* "user:password" that is found, or NULL. */
static char *look(const char *host, const char *repository, struct err *err)
{
	char *username = NULL, *password = NULL, *both = NULL;
	int found = auth_file_lookup(path, host, repository, &username,
				     &password, err);

	if (found > 0)
		both = mem_printf("%s:%s", username, password);
	mem_free_secret(username);
	mem_free_secret(password);
	return both;
}

static void auth_takes_the_most_specific_key(void **state)
{
	static const struct {
		const char *host, *repository, *found;
	} cases[] = {
		{ "registry.local", NULL, "admin:pass:word" },
		{ "registry.local", "dws", "admin:pass:word" },
		{ "registry.local", "team/dws", "team:t" },
		{ "registry.local", "team/dws/x", "dws:d" },
		{ "registry.local", "teamwork", "admin:pass:word" },
		{ "quay.io", "a/b", "quay:q" },
		{ "docker.io", "library/x", "hub:h" },
		{ "other.test", NULL, NULL },
		{ "plain.test", NULL, "p:q" },
	};

	(void)state;
	write_file("{\"auths\":{"
		   "\"registry.local\":{\"auth\":\"YWRtaW46cGFzczp3b3Jk\"},"
		   "\"registry.local/team\":{\"auth\":\"dGVhbTp0\"},"
		   "\"registry.local/team/dws/x\":{\"auth\":\"ZHdzOmQ=\"},"
		   "\"https://quay.io/v2/\":{\"auth\":\"cXVheTpx\"},"
		   "\"https://index.docker.io/v1/\":{\"auth\":\"aHViOmg=\"},"
		   "\"plain.test\":{\"username\":\"p\",\"password\":\"q\"}}}");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		autofree char *found =
			look(cases[i].host, cases[i].repository, &err);

		assert_int_equal(err.kind, ERR_NONE);
		assert_true(str_eq(found, cases[i].found));
	}
}

static void auth_tells_what_it_cannot_use(void **state)
{
	static const struct {
		const char *text, *reason;
		enum err_kind kind;
	} cases[] = {
		{ "{\"auths\":{\"h\":{}},\"credHelpers\":{\"h\":\"pass\"}}",
		  "credential helper 'pass'", ERR_REGISTRY },
		{ "{\"credHelpers\":{\"h\":\"ecr-login\"}}",
		  "credential helper 'ecr-login'", ERR_REGISTRY },
		{ "{\"auths\":{\"h\":{}},\"credsStore\":\"desktop\"}",
		  "credential helper 'desktop'", ERR_REGISTRY },
		{ "{\"auths\":{\"h\":{\"identitytoken\":\"secret\"}}}",
		  "identity token", ERR_REGISTRY },
		{ "{\"auths\":{\"h\":{\"auth\":\"dTo=\",\"identitytoken\":"
		  "\"secret\"}}}",
		  "identity token", ERR_REGISTRY },
		{ "{\"auths\":{\"h\":{\"auth\":\"c2VjcmV0\"}}}", "no ':'",
		  ERR_INVALID },
		{ "{\"auths\":{\"h\":{\"auth\":\"!!!\"}}}", path, ERR_INVALID },
		{ "{\"auths\":", path, ERR_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		write_file(cases[i].text);
		assert_null(look("h", NULL, &err));
		assert_error(&err, cases[i].kind, cases[i].reason);
		assert_null(strstr(err.msg, "secret"));
	}
}

static void auth_wants_the_file_that_was_named(void **state)
{
	char *username = NULL, *password = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(auth_file_lookup("/nowhere/auth.json", "h", NULL,
					  &username, &password, &err),
			 -1);
	assert_error(&err, ERR_NOT_FOUND, "/nowhere/auth.json");
	err_clear(&err);
	setenv("REGISTRY_AUTH_FILE", "/nowhere/other.json", 1);
	assert_int_equal(auth_file_lookup(NULL, "h", NULL, &username, &password,
					  &err),
			 -1);
	assert_error(&err, ERR_NOT_FOUND, "/nowhere/other.json");
	unsetenv("REGISTRY_AUTH_FILE");
}

static void auth_looks_in_the_usual_places(void **state)
{
	char home[] = "/tmp/dws-csm-home-XXXXXX";
	char *username = NULL, *password = NULL;
	autofree char *docker = NULL;
	autofree char *config = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(mkdtemp(home));
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", home, 1);
	assert_int_equal(auth_file_lookup(NULL, "h", NULL, &username, &password,
					  &err),
			 0);
	docker = mem_printf("%s/.docker", home);
	config = mem_printf("%s/config.json", docker);
	assert_int_equal(mkdir(docker, 0700), 0);
	write_file("{\"auths\":{\"h\":{\"auth\":\"dTpw\"}}}");
	assert_int_equal(link(path, config), 0);
	assert_int_equal(auth_file_lookup(NULL, "h", NULL, &username, &password,
					  &err),
			 1);
	assert_string_equal(username, "u");
	assert_string_equal(password, "p");
	mem_free_secret(username);
	mem_free_secret(password);
	unlink(config);
	rmdir(docker);
	rmdir(home);
}

static int make_path(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int drop_path(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(auth_takes_the_most_specific_key),
		cmocka_unit_test(auth_tells_what_it_cannot_use),
		cmocka_unit_test(auth_wants_the_file_that_was_named),
		cmocka_unit_test(auth_looks_in_the_usual_places),
	};

	return cmocka_run_group_tests(tests, make_path, drop_path);
}
