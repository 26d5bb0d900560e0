#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/config.h"

struct place {
	char dir[64];
};

static int set_up(void **state)
{
	struct place *place = mem_alloc(sizeof(*place));

	snprintf(place->dir, sizeof(place->dir), "/tmp/test_config.XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	assert_int_equal(chdir(place->dir), 0);
	setenv("HOME", place->dir, 1);
	unsetenv("KUBECONFIG");
	unsetenv("KUBERNETES_SERVICE_HOST");
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;
	char command[100];

	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", place->dir);
	free(place);
	return system(command);
}

static void put(const char *name, const char *text, mode_t mode)
{
	struct err err = ERR_INIT;

	assert_done(file_replace(AT_FDCWD, name, mode, text, strlen(text),
				 &err) == 0,
		    &err);
}

/* A kubeconfig with one of each, all called `name`. */
static void put_config(const char *file, const char *name, const char *cluster,
		       const char *user)
{
	autofree char *text = mem_printf(
		"apiVersion: v1\nkind: Config\n"
		"clusters: [{name: %s, cluster: {%s}}]\n"
		"users: [{name: %s, user: {%s}}]\n"
		"contexts: [{name: %s, context: {cluster: %s, user: %s}}]\n"
		"current-context: %s\n",
		name, cluster, name, user, name, name, name, name);

	put(file, text, 0600);
}

static struct kube_config *load(const char *file, const char *context)
{
	struct kube_config_options options = {
		.kubeconfig = file,
		.context = context,
	};
	struct err err = ERR_INIT;
	struct kube_config *config = kube_config_load(&options, &err);

	assert_done(config != NULL, &err);
	return config;
}

static void load_fails(const char *file, const char *context,
		       enum err_kind kind, const char *text)
{
	struct kube_config_options options = {
		.kubeconfig = file,
		.context = context,
	};
	struct err err = ERR_INIT;

	assert_null(kube_config_load(&options, &err));
	assert_error(&err, kind, text);
}

static void config_first_file_of_a_list_wins(void **state)
{
	autokube_config struct kube_config *config = NULL;
	autokube_config struct kube_config *second = NULL;

	(void)state;
	put_config("a", "red", "server: 'https://a:1/'", "token: ta");
	put("b",
	    "clusters: [{name: red, cluster: {server: 'https://b:1', tls-server-name: nope}}, {name: blue, cluster: {server: 'https://b:2'}}]\n"
	    "contexts: [{name: blue, context: {cluster: blue, user: red, namespace: n}}]\n"
	    "current-context: blue\n",
	    0600);
	setenv("KUBECONFIG", "absent:a::b", 1);
	config = load(NULL, NULL);
	assert_string_equal(kube_config_context(config), "red");
	assert_string_equal(kube_config_server(config), "https://a:1");
	assert_string_equal(kube_config_origin(config), "'a', 'b'");
	assert_null(kube_config_namespace(config));
	second = load(NULL, "blue");
	assert_string_equal(kube_config_server(second), "https://b:2");
	assert_string_equal(kube_config_user(second), "red");
	assert_string_equal(kube_config_namespace(second), "n");
}

static void config_named_file_wins_over_the_environment(void **state)
{
	autokube_config struct kube_config *config = NULL;

	(void)state;
	put_config("a", "red", "server: 'https://a:1'", "token: t");
	put_config("b", "blue", "server: 'b:1'", "token: t");
	setenv("KUBECONFIG", "a", 1);
	config = load("b", NULL);
	assert_string_equal(kube_config_context(config), "blue");
	/* As kubectl: nothing speaks of TLS. */
	assert_string_equal(kube_config_server(config), "http://b:1");
}

static void config_is_found_in_the_home_directory(void **state)
{
	autokube_config struct kube_config *config = NULL;

	(void)state;
	assert_int_equal(mkdir(".kube", 0700), 0);
	put_config(".kube/config", "home", "server: 'https://h'", "token: t");
	config = load(NULL, NULL);
	assert_string_equal(kube_config_context(config), "home");
}

static void config_errors_name_file_and_what_there_is(void **state)
{
	(void)state;
	put_config("a", "red", "server: 'https://a'", "token: t");
	load_fails("a", "green", ERR_INVALID,
		   "context 'green' is not in 'a' (it has: red)");
	load_fails("absent", NULL, ERR_NOT_FOUND, "'absent'");
	setenv("KUBECONFIG", "x:y", 1);
	load_fails(NULL, NULL, ERR_NOT_FOUND, "no file of KUBECONFIG 'x:y'");
	put("b", "contexts: [{name: c, context: {cluster: d, user: u}}]\n",
	    0600);
	load_fails("b", NULL, ERR_INVALID,
		   "'b' has no current-context; give --context (it has: c)");
	load_fails("b", "c", ERR_INVALID,
		   "context 'c': cluster 'd' is not in 'b' (it has: none)");
	put("e", "clusters: {}\n", 0600);
	load_fails("e", NULL, ERR_INVALID, "read kubeconfig 'e'");
	put("f", "[1]\n", 0600);
	load_fails("f", NULL, ERR_INVALID, "not a kubeconfig");
	put_config("g", "red", "a: b", "token: t");
	load_fails("g", NULL, ERR_INVALID,
		   "cluster 'red' in 'g' has no server");
}

static void config_reads_data_before_files_and_files_beside_it(void **state)
{
	autokube_config struct kube_config *config = NULL;
	struct kube_access auto_access access = { .http = NULL };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	put("d/ca.pem", "CA", 0600);
	put("d/cert.pem", "CERT", 0600);
	put_config(
		"d/conf", "red",
		"server: 'a:1', certificate-authority: ca.pem, tls-server-name: tsn, proxy-url: 'http://p:3'",
		"client-certificate: cert.pem, client-key-data: S0VZ, client-key: absent");
	config = load("d/conf", NULL);
	assert_string_equal(kube_config_server(config), "https://a:1");
	assert_done(kube_config_access(config, &access, &err) == 0, &err);
	assert_string_equal(access.http->ca_pem, "CA");
	assert_string_equal(access.http->ca_name, "'d/ca.pem'");
	assert_string_equal(access.http->client_cert_pem, "CERT");
	assert_string_equal(access.http->client_key_pem, "KEY");
	assert_string_equal(access.http->tls_server_name, "tsn");
	assert_string_equal(access.http->proxy, "http://p:3");
	assert_null(access.authorization);
}

static void config_says_what_is_wrong_with_a_credential(void **state)
{
	static const struct {
		const char *user;
		const char *text;
	} cases[] = {
		{ "auth-provider: {name: oidc}", "auth-provider 'oidc'" },
		{ "username: u, password: hidden", "user name and password" },
		{ "client-certificate-data: QQ==",
		  "client certificate without its key" },
		{ "client-key-data: '*'", "client-key-data of 'red' in 'a'" },
		{ "client-certificate: gone.pem", "client-certificate of" },
		{ "token: 'a b'", "blanks or control characters" },
		{ "exec: {apiVersion: other/v1, command: x}",
		  "apiVersion 'other/v1'" },
		{ "exec: {apiVersion: client.authentication.k8s.io/v1}",
		  "names no command" },
		{ "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Maybe}",
		  "interactiveMode 'Maybe'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube_config_options options = { .kubeconfig = "a" };
		struct err err = ERR_INIT;

		put_config("a", "red", "server: 'https://a'", cases[i].user);
		assert_null(kube_config_load(&options, &err));
		assert_non_null(strstr(err.msg, cases[i].text));
		assert_null(strstr(err.msg, "hidden"));
	}
}

static void access_is(struct kube_config *config, const char *authorization)
{
	struct kube_access auto_access access = { .http = NULL };
	struct err err = ERR_INIT;

	assert_done(kube_config_access(config, &access, &err) == 0, &err);
	assert_string_equal(access.authorization, authorization);
}

static void config_reads_a_token_file_again_when_refused(void **state)
{
	autokube_config struct kube_config *config = NULL;
	struct kube_access auto_access access = { .http = NULL };
	struct err err = ERR_INIT;

	(void)state;
	put("token", " one\n", 0600);
	put_config("a", "red", "server: 'https://a'", "tokenFile: token");
	config = load("a", NULL);
	access_is(config, "Bearer one");
	put("token", "two\n", 0600);
	access_is(config, "Bearer one");
	assert_done(kube_config_access(config, &access, &err) == 0, &err);
	assert_true(kube_config_refused(config, access.serial));
	access_is(config, "Bearer two");
	assert_int_equal(unlink("token"), 0);
	assert_true(kube_config_refused(config, access.serial + 1));
	access_is(config, "Bearer two");
}

static void config_cannot_renew_a_token_that_stands_there(void **state)
{
	autokube_config struct kube_config *config = NULL;
	struct kube_access auto_access access = { .http = NULL };
	struct err err = ERR_INIT;

	(void)state;
	put_config("a", "red", "server: 'https://a'", "token: t");
	config = load("a", NULL);
	assert_done(kube_config_access(config, &access, &err) == 0, &err);
	assert_string_equal(access.authorization, "Bearer t");
	assert_false(kube_config_refused(config, access.serial));
}

#define EXEC_USER                                                               \
	"exec: {apiVersion: client.authentication.k8s.io/v1, "                  \
	"command: ./plugin, args: [arg], env: [{name: PLUGIN_ENV, value: e}], " \
	"provideClusterInfo: true, interactiveMode: Never}"
#define EXEC_ANSWER                                            \
	"{\"apiVersion\":\"client.authentication.k8s.io/v1\"," \
	"\"kind\":\"ExecCredential\",\"status\":{%s}}"

static void put_plugin(const char *answer)
{
	autofree char *text = mem_printf(
		"#!/bin/sh\n"
		"echo x >>runs\n"
		"echo \"$1 $PLUGIN_ENV $KUBERNETES_EXEC_INFO\" >told\n"
		"cat <<'END'\n%s\nEND\n",
		answer);

	unlink("runs");
	put("plugin", text, 0700);
}

static size_t runs(void)
{
	struct err err = ERR_INIT;
	autofree char *text = NULL;
	size_t len = 0;

	assert_done(file_read(AT_FDCWD, "runs", 1000, &text, &len, &err) == 0,
		    &err);
	return len / 2;
}

static void config_asks_an_exec_plugin_once(void **state)
{
	autokube_config struct kube_config *config = NULL;
	autofree char *answer =
		mem_printf(EXEC_ANSWER,
			   "\"token\":\"t1\","
			   "\"expirationTimestamp\":\"2999-01-01T00:00:00Z\"");
	autofree char *told = NULL;
	struct err err = ERR_INIT;

	(void)state;
	put_plugin(answer);
	put_config("a", "red",
		   "server: 'https://s', certificate-authority-data: Q0E=",
		   EXEC_USER);
	config = load("a", NULL);
	access_is(config, "Bearer t1");
	access_is(config, "Bearer t1");
	assert_int_equal(runs(), 1);
	assert_done(file_read(AT_FDCWD, "told", 10000, &told, NULL, &err) == 0,
		    &err);
	assert_string_equal(
		told,
		"arg e {\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":{\"interactive\":false,\"cluster\":{\"server\":\"https://s\",\"certificate-authority-data\":\"Q0E=\"}}}\n");
}

static void config_asks_an_exec_plugin_again_when_it_expires(void **state)
{
	autokube_config struct kube_config *config = NULL;
	autofree char *answer =
		mem_printf(EXEC_ANSWER,
			   "\"token\":\"t1\","
			   "\"expirationTimestamp\":\"2000-01-01T00:00:00Z\"");

	(void)state;
	put_plugin(answer);
	put_config("a", "red", "server: 'https://s'", EXEC_USER);
	config = load("a", NULL);
	access_is(config, "Bearer t1");
	access_is(config, "Bearer t1");
	assert_int_equal(runs(), 2);
}

static void config_keeps_old_certificates_of_a_plugin_alive(void **state)
{
	autokube_config struct kube_config *config = NULL;
	struct kube_access auto_access first = { .http = NULL };
	struct kube_access auto_access again = { .http = NULL };
	struct kube_access auto_access second = { .http = NULL };
	autofree char *one = mem_printf(EXEC_ANSWER,
					"\"clientCertificateData\":\"C1\","
					"\"clientKeyData\":\"K1\"");
	autofree char *two = mem_printf(EXEC_ANSWER,
					"\"clientCertificateData\":\"C2\","
					"\"clientKeyData\":\"K2\"");
	struct err err = ERR_INIT;

	(void)state;
	put_plugin(one);
	put_config("a", "red", "server: 'https://s'", EXEC_USER);
	config = load("a", NULL);
	assert_done(kube_config_access(config, &first, &err) == 0, &err);
	assert_done(kube_config_access(config, &again, &err) == 0, &err);
	assert_ptr_equal(first.http, again.http);
	put_plugin(two);
	assert_true(kube_config_refused(config, first.serial));
	assert_done(kube_config_access(config, &second, &err) == 0, &err);
	assert_ptr_not_equal(first.http, second.http);
	assert_string_equal(first.http->client_cert_pem, "C1");
	assert_string_equal(second.http->client_cert_pem, "C2");
	assert_string_equal(second.http->client_key_pem, "K2");
}

static void config_tells_how_an_exec_plugin_failed(void **state)
{
	static const struct {
		const char *plugin;
		const char *text;
	} cases[] = {
		{ "#!/bin/sh\nexit 4\n", "ended with status 4" },
		{ "#!/bin/sh\necho secret\n", "not an ExecCredential" },
		{ "#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\"}'\n",
		  "not an ExecCredential of" },
		{ "#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{}}'\n",
		  "neither a token nor a certificate" },
	};

	(void)state;
	put_config("a", "red", "server: 'https://s'", EXEC_USER);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autokube_config struct kube_config *config = load("a", NULL);
		struct kube_access auto_access access = { .http = NULL };
		struct err err = ERR_INIT;

		put("plugin", cases[i].plugin, 0700);
		assert_int_equal(kube_config_access(config, &access, &err), -1);
		assert_error(&err, ERR_API, cases[i].text);
		assert_non_null(strstr(err.msg, "of user 'red'"));
		assert_null(strstr(err.msg, "secret"));
	}
}

static void config_hints_how_to_install_a_missing_plugin(void **state)
{
	autokube_config struct kube_config *config = NULL;
	struct kube_access auto_access access = { .http = NULL };
	struct err err = ERR_INIT;

	(void)state;
	put_config(
		"a", "red", "server: 'https://s'",
		"exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: no-such-plugin, installHint: ask your vendor}");
	config = load("a", NULL);
	assert_int_equal(kube_config_access(config, &access, &err), -1);
	assert_error(&err, ERR_API, "; ask your vendor");
}

static void config_impersonates(void **state)
{
	autokube_config struct kube_config *config = NULL;
	autofree char *text = NULL;

	(void)state;
	put_config(
		"a", "red", "server: 'https://s'",
		"token: t, as: u, as-groups: [g, h], as-user-extra: {k: [v]}");
	config = load("a", NULL);
	text = strs_join(kube_config_headers(config), "|");
	assert_string_equal(
		text,
		"Impersonate-User: u|Impersonate-Group: g|Impersonate-Group: h|Impersonate-Extra-k: v");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(config_first_file_of_a_list_wins),
		TEST(config_named_file_wins_over_the_environment),
		TEST(config_is_found_in_the_home_directory),
		TEST(config_errors_name_file_and_what_there_is),
		TEST(config_reads_data_before_files_and_files_beside_it),
		TEST(config_says_what_is_wrong_with_a_credential),
		TEST(config_reads_a_token_file_again_when_refused),
		TEST(config_cannot_renew_a_token_that_stands_there),
		TEST(config_asks_an_exec_plugin_once),
		TEST(config_asks_an_exec_plugin_again_when_it_expires),
		TEST(config_keeps_old_certificates_of_a_plugin_alive),
		TEST(config_tells_how_an_exec_plugin_failed),
		TEST(config_hints_how_to_install_a_missing_plugin),
		TEST(config_impersonates),
	};

	log_set_level(LOG_QUIET);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
