#include "unit.h"

#include "base/clock.h"
#include "registry/blob.h"
#include "registry/manifest.h"
#include "registry_fixture.h"

static void registry_answers_a_basic_challenge(void **state)
{
	static const char *const answers[] = { WANTS_BASIC, OK_EMPTY };
	static const char *const asked[] = { "GET /v2/ 0", "GET /v2/ 0" };
	struct fixture self;

	(void)state;
	begin(&self, answers, 2, "admin");
	assert_done(registry_check(self.session, &self.err) == 0, &self.err);
	stop(&self);
	assert_asked(&self, asked, 2);
	assert_false(head_has(&self, 0, "Authorization"));
	assert_true(head_has(&self, 1,
			     "\r\nAuthorization: Basic YWRtaW46c2VjcmV0\r\n"));
	fake_server_release(&self.server);
}

static void registry_sends_the_password_unasked_too(void **state)
{
	static const char *const answers[] = { OK_EMPTY, OK_EMPTY };
	struct fixture self;

	(void)state;
	begin(&self, answers, 2, "admin");
	assert_done(registry_check(self.session, &self.err) == 0, &self.err);
	stop(&self);
	assert_int_equal(self.server.asked.nr, 2);
	assert_true(head_has(&self, 1, "\r\nAuthorization: Basic "));
	fake_server_release(&self.server);
}

static void registry_tells_a_wrong_password_and_a_missing_one(void **state)
{
	static const char *const answers[] = { WANTS_BASIC, WANTS_BASIC };
	struct fixture self;

	(void)state;
	begin(&self, answers, 2, "admin");
	assert_int_equal(registry_check(self.session, &self.err), -1);
	assert_error(&self.err, ERR_REGISTRY,
		     "(user 'admin', password from 'auth.json'); check them");
	assert_int_equal(self.err.http, 401);
	assert_null(strstr(self.err.msg, "secret'"));
	stop(&self);
	fake_server_release(&self.server);

	begin(&self, answers, 1, NULL);
	assert_int_equal(registry_check(self.session, &self.err), -1);
	assert_error(&self.err, ERR_REGISTRY, "--registry-password-stdin");
	stop(&self);
	assert_int_equal(self.server.asked.nr, 1);
	fake_server_release(&self.server);
}

static void registry_fetches_a_token_and_renews_it(void **state)
{
	autofree char *bearer = wants_bearer("/token?x=1", "repository:a:pull");
	const char *const answers[] = {
		bearer,
		TOKEN("t1"),
		"HTTP/1.1 200 OK\r\nDocker-Content-Digest: " DIGEST
		"\r\nContent-Length: 3\r\n\r\n",
		bearer,
		TOKEN("t2"),
		"HTTP/1.1 404 No\r\n" EMPTY,
	};
	static const char *const asked[] = {
		"HEAD /v2/a/manifests/1 0",
		"GET /token?x=1&service=s&scope=repository%3Aa%3Apull 0",
		"HEAD /v2/a/manifests/1 0",
		"HEAD /v2/a/manifests/1 0",
		"GET /token?x=1&service=s&scope=repository%3Aa%3Apull 0",
		"HEAD /v2/a/manifests/1 0",
	};
	auto_descriptor struct descriptor found = { 0 };
	struct fixture self;

	(void)state;
	begin(&self, answers, 6, "admin");
	assert_int_equal(
		manifest_head(self.session, "a", "1", &found, &self.err), 1);
	assert_string_equal(found.digest, DIGEST);
	assert_int_equal(
		manifest_head(self.session, "a", "1", &found, &self.err), 0);
	stop(&self);
	assert_asked(&self, asked, 6);
	assert_true(head_has(&self, 1, "\r\nAuthorization: Basic "));
	assert_true(head_has(&self, 2, "\r\nAuthorization: Bearer t1\r\n"));
	assert_true(head_has(&self, 3, "\r\nAuthorization: Bearer t1\r\n"));
	assert_true(head_has(&self, 5, "\r\nAuthorization: Bearer t2\r\n"));
	fake_server_release(&self.server);
}

static void registry_fetches_no_token_for_another_repository(void **state)
{
	autofree char *bearer = wants_bearer("/token", "repository:a:pull");
	const char *const answers[] = {
		bearer,
		TOKEN("t1"),
		"HTTP/1.1 404 No\r\n" EMPTY,
		TOKEN("t2"),
		"HTTP/1.1 404 No\r\n" EMPTY,
	};
	static const char *const asked[] = {
		"HEAD /v2/a/manifests/1 0",
		"GET /token?service=s&scope=repository%3Aa%3Apull 0",
		"HEAD /v2/a/manifests/1 0",
		"GET /token?service=s&scope=repository%3Ab%3Apull 0",
		"HEAD /v2/b/manifests/1 0",
	};
	auto_descriptor struct descriptor found = { 0 };
	struct fixture self;

	(void)state;
	begin(&self, answers, 5, "admin");
	assert_int_equal(
		manifest_head(self.session, "a", "1", &found, &self.err), 0);
	assert_int_equal(
		manifest_head(self.session, "b", "1", &found, &self.err), 0);
	stop(&self);
	assert_asked(&self, asked, 5);
	assert_true(head_has(&self, 4, "\r\nAuthorization: Bearer t2\r\n"));
	fake_server_release(&self.server);
}

static void registry_mends_a_null_realm(void **state)
{
	autofree char *bearer = NULL;
	autofree char *realm = NULL;
	const char *answers[3] = { NULL, TOKEN("t1"), OK_EMPTY };
	struct fixture self;

	(void)state;
	begin(&self, answers, 3, "admin");
	realm = mem_printf("null://%s/token", self.host);
	bearer = wants_bearer(realm, NULL);
	answers[0] = bearer;
	assert_done(registry_check(self.session, &self.err) == 0, &self.err);
	stop(&self);
	assert_string_equal(self.server.asked.item[1],
			    "GET /token?service=s 0");
	fake_server_release(&self.server);
}

static void registry_gives_up_where_tokens_are_refused(void **state)
{
	autofree char *bearer = wants_bearer("/token", NULL);
	const char *const answers[] = {
		bearer, TOKEN("t1"), bearer, TOKEN("t2"),
		bearer, TOKEN("t3"), bearer,
	};
	struct fixture self;

	(void)state;
	begin(&self, answers, 7, "admin");
	assert_int_equal(registry_check(self.session, &self.err), -1);
	assert_error(&self.err, ERR_REGISTRY, "refused its own token");
	stop(&self);
	assert_true(self.server.asked.nr <= 7);
	fake_server_release(&self.server);
}

static void registry_tells_a_password_the_token_server_refuses(void **state)
{
	autofree char *bearer = wants_bearer("/token", NULL);
	const char *const answers[] = {
		bearer,
		"HTTP/1.1 401 Unauthorized\r\n" EMPTY,
	};
	struct fixture self;

	(void)state;
	begin(&self, answers, 2, "admin");
	assert_int_equal(registry_check(self.session, &self.err), -1);
	assert_error(&self.err, ERR_REGISTRY,
		     "refused the user name or password (user 'admin', "
		     "password from 'auth.json', token server '127.0.0.1");
	stop(&self);
	fake_server_release(&self.server);
}

static void registry_tries_again_what_may_pass(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\n" EMPTY,
		"",
		"HTTP/1.1 404 No\r\n" EMPTY,
		"HTTP/1.1 503 Oh\r\n" EMPTY,
		"HTTP/1.1 503 Oh\r\n" EMPTY,
		"HTTP/1.1 503 Oh\r\nContent-Length: 0\r\n\r\n",
	};
	int64_t start = clock_now_ms();
	struct fixture self;

	(void)state;
	begin(&self, answers, 6, NULL);
	assert_int_equal(blob_exists(self.session, "a", DIGEST, &self.err), 0);
	assert_true(clock_now_ms() - start >= 1000);
	assert_int_equal(blob_exists(self.session, "a", DIGEST, &self.err), -1);
	assert_error(&self.err, ERR_REGISTRY, "503");
	assert_error(&self.err, ERR_REGISTRY, DIGEST);
	assert_true(self.err.transient);
	stop(&self);
	assert_int_equal(self.server.asked.nr, 6);
	fake_server_release(&self.server);
}

static void registry_finds_other_bytes_than_asked_for(void **state)
{
	static const char *const answers[] = {
		BODY("200 OK", "{\"layers\":[]}"),
	};
	auto_descriptor struct descriptor descriptor = { 0 };
	autofree char *bytes = NULL;
	struct fixture self;

	(void)state;
	begin(&self, answers, 1, NULL);
	assert_int_equal(manifest_get(self.session, "a", DIGEST, &descriptor,
				      &bytes, &self.err),
			 -1);
	assert_error(&self.err, ERR_VERIFY, DIGEST);
	assert_error(&self.err, ERR_VERIFY, "repository 'a'");
	stop(&self);
	fake_server_release(&self.server);
}

static const struct descriptor hello = {
	.media_type = (char *)"t",
	.digest = (char *)DIGEST,
	.size = 5,
};

static void registry_knows_a_manifest_whose_blob_is_missing(void **state)
{
	static const char *const answers[] = {
		BODY("400 Bad",
		     "{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\"}]}  "),
	};
	struct manifest_answer answer = { .blob_unknown = false };
	struct fixture self;

	(void)state;
	begin(&self, answers, 1, NULL);
	assert_int_equal(manifest_put(self.session, "a", "1", &hello, "hello",
				      &answer, &self.err),
			 -1);
	assert_true(answer.blob_unknown);
	assert_error(&self.err, ERR_REGISTRY, "manifest '1'");
	stop(&self);
	fake_server_release(&self.server);
}

static void registry_asks_no_other_address_in_the_clear(void **state)
{
	static const struct registry_options options = {
		.host = "registry.local:8443",
	};
	static const char *const cases[][2] = {
		{ "http://registry.local/v2/x?y", "https://registry.local:8443"
						  "/v2/x?y" },
		{ "/v2/x", "https://registry.local:8443/v2/x" },
		{ "https://cdn.test/x", "https://cdn.test/x" },
	};
	struct http_response response = {
		.url = (char *)"https://registry.local:8443/v2/",
	};
	struct err err = ERR_INIT;
	struct registry *registry = registry_new(&options, &err);

	(void)state;
	assert_done(registry, &err);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *url = registry_resolve(registry, &response,
						      cases[i][0], &err);

		assert_done(url, &err);
		assert_string_equal(url, cases[i][1]);
	}
	assert_null(registry_resolve(registry, &response, "http://cdn.test/x",
				     &err));
	assert_error(&err, ERR_REGISTRY, "'cdn.test' without TLS");
	registry_free(registry);
}

static void registry_refuses_bad_addresses_and_names(void **state)
{
	static const struct {
		struct registry_options options;
		const char *reason;
	} cases[] = {
		{ { .host = "a b" }, "'a b' is not the name of a registry" },
		{ { .host = "h/x" }, "HOST:PORT" },
		{ { .host = "h", .plain_http = true }, "https" },
		{ { .host = "h", .username = "a:b" }, "':'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		assert_null(registry_new(&cases[i].options, &err));
		assert_error(&err, ERR_USAGE, cases[i].reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registry_answers_a_basic_challenge),
		cmocka_unit_test(registry_sends_the_password_unasked_too),
		cmocka_unit_test(
			registry_tells_a_wrong_password_and_a_missing_one),
		cmocka_unit_test(registry_fetches_a_token_and_renews_it),
		cmocka_unit_test(
			registry_fetches_no_token_for_another_repository),
		cmocka_unit_test(registry_mends_a_null_realm),
		cmocka_unit_test(registry_gives_up_where_tokens_are_refused),
		cmocka_unit_test(
			registry_tells_a_password_the_token_server_refuses),
		cmocka_unit_test(registry_tries_again_what_may_pass),
		cmocka_unit_test(registry_finds_other_bytes_than_asked_for),
		cmocka_unit_test(
			registry_knows_a_manifest_whose_blob_is_missing),
		cmocka_unit_test(registry_asks_no_other_address_in_the_clear),
		cmocka_unit_test(registry_refuses_bad_addresses_and_names),
	};

	http_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
