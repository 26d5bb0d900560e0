#include "unit.h"

#include "base/clock.h"
#include "fake_server.h"
#include "registry/blob.h"
#include "registry/manifest.h"
#include "registry/request.h"

#define HEX "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define DIGEST "sha256:" HEX /* of "hello" */

#define EMPTY "Content-Length: 0\r\n\r\n"
#define WANTS_BASIC                                       \
	"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: " \
	"Basic realm=\"r\"\r\n" EMPTY
/* The body ends with the connection. */
#define BODY(status, body) \
	"HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body
#define TOKEN(name) BODY("200 OK", "{\"token\":\"" name "\"}")
#define ACCEPTED "HTTP/1.1 202 Accepted\r\nLocation: up/1?_state=x\r\n" EMPTY
#define CREATED "HTTP/1.1 201 Created\r\n" EMPTY

struct fixture {
	struct fake_server server;
	struct registry *registry;
	struct registry_session *session;
	struct err err;
	char host[32];
};

static void begin(struct fixture *self, const char *const *answers, size_t nr,
		  const char *username)
{
	struct registry_options options = {
		.host = self->host,
		.username = username,
		.password = "secret",
		.plain_http = true,
		.retries = 2,
		.retry_max_ms = 10,
	};

	memset(self, 0, sizeof(*self));
	self->server.answers = answers;
	self->server.nr = nr;
	fake_server_start(&self->server);
	snprintf(self->host, sizeof(self->host), "127.0.0.1:%d",
		 self->server.port);
	self->registry = registry_new(&options, &self->err);
	assert_done(self->registry, &self->err);
	self->session = registry_connect(self->registry);
}

/* From here on one may look at what the server was asked. */
static void stop(struct fixture *self)
{
	registry_disconnect(self->session);
	registry_free(self->registry);
	fake_server_stop(&self->server);
}

static void assert_asked(const struct fixture *self, const char *const *lines,
			 size_t nr)
{
	for (size_t i = 0; i < nr && i < self->server.asked.nr; i++)
		assert_string_equal(self->server.asked.item[i], lines[i]);
	assert_int_equal(self->server.asked.nr, nr);
}

/* Whether request number `i` had this line in its head. */
static bool head_has(const struct fixture *self, size_t i, const char *line)
{
	return strcasestr(self->server.heads.item[i], line) != NULL;
}

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
	assert_error(&self.err, ERR_REGISTRY, "(user 'admin')");
	assert_error(&self.err, ERR_REGISTRY, "nexus/nexus-admin-credential");
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

/* realm: "%d" is the server's port. */
static char *wants_bearer(const char *realm, const char *scope)
{
	return mem_printf("HTTP/1.1 401 Unauthorized\r\n"
			  "WWW-Authenticate: Bearer realm=\"%s\","
			  "service=\"s\"%s%s%s\r\n" EMPTY,
			  realm, scope ? ",scope=\"" : "", scope ? scope : "",
			  scope ? "\"" : "");
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
		     "refused the user name or password (user 'admin', token "
		     "server '127.0.0.1");
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

static const struct descriptor hello = {
	.media_type = (char *)"t",
	.digest = (char *)DIGEST,
	.size = 5,
};

static int open_hello(void *ctx, struct source **source, struct err *err)
{
	struct source_mem *mem = ctx;

	(void)err;
	source_mem_init(mem, "hello", 5);
	*source = &mem->source;
	return 0;
}

static int upload(struct fixture *self, const char *from)
{
	struct source_mem mem;
	const struct blob_upload blob = {
		.repository = "a",
		.from = from,
		.descriptor = &hello,
		.open = open_hello,
		.ctx = &mem,
	};

	return blob_upload(self->session, &blob, &self->err);
}

static void registry_sends_a_blob_where_it_is_told(void **state)
{
	static const char *const answers[] = { ACCEPTED, CREATED };
	static const char *const asked[] = {
		"POST /v2/a/blobs/uploads/ 0",
		"PUT /v2/a/blobs/uploads/up/1?_state=x&digest=sha256%3A" HEX
		" 5",
	};
	struct fixture self;

	(void)state;
	begin(&self, answers, 2, NULL);
	assert_int_equal(upload(&self, NULL), 0);
	stop(&self);
	assert_asked(&self, asked, 2);
	fake_server_release(&self.server);
}

static void registry_begins_an_upload_anew_after_a_fault(void **state)
{
	static const char *const answers[] = {
		ACCEPTED, "",	   ACCEPTED, "HTTP/1.1 502 Bad\r\n" EMPTY,
		ACCEPTED, CREATED,
	};
	struct fixture self;

	(void)state;
	begin(&self, answers, 6, NULL);
	assert_done(upload(&self, NULL) == 0, &self.err);
	stop(&self);
	assert_int_equal(self.server.asked.nr, 6);
	assert_true(str_ends(self.server.asked.item[5], " 5"));
	fake_server_release(&self.server);
}

static void registry_sends_a_body_again_when_its_token_ran_out(void **state)
{
	autofree char *bearer = wants_bearer("/token", NULL);
	const char *const answers[] = {
		bearer, TOKEN("t1"), ACCEPTED, bearer, TOKEN("t2"), CREATED,
	};
	struct fixture self;

	(void)state;
	begin(&self, answers, 6, "admin");
	assert_done(upload(&self, NULL) == 0, &self.err);
	stop(&self);
	assert_int_equal(self.server.asked.nr, 6);
	assert_true(str_ends(self.server.asked.item[3], " 5"));
	assert_true(str_ends(self.server.asked.item[5], " 5"));
	assert_true(head_has(&self, 5, "Bearer t2"));
	fake_server_release(&self.server);
}

static void registry_mounts_or_else_sends(void **state)
{
	static const char *const answers[] = {
		CREATED,		     /* mounted */
		"HTTP/1.1 405 No\r\n" EMPTY, /* not allowed */
		ACCEPTED,
		CREATED, /* so it is sent */
		ACCEPTED,
		CREATED, /* mount ignored */
	};
	static const char *const asked[] = {
		"POST /v2/a/blobs/uploads/?mount=sha256%3A" HEX "&from=b 0",
		"POST /v2/a/blobs/uploads/?mount=sha256%3A" HEX "&from=b 0",
		"POST /v2/a/blobs/uploads/ 0",
		"PUT /v2/a/blobs/uploads/up/1?_state=x&digest=sha256%3A" HEX
		" 5",
		"POST /v2/a/blobs/uploads/?mount=sha256%3A" HEX "&from=b 0",
		"PUT /v2/a/blobs/uploads/up/1?_state=x&digest=sha256%3A" HEX
		" 5",
	};
	struct fixture self;

	(void)state;
	begin(&self, answers, 6, NULL);
	assert_int_equal(upload(&self, "b"), 1);
	assert_int_equal(upload(&self, "b"), 0);
	assert_int_equal(upload(&self, "b"), 0);
	stop(&self);
	assert_asked(&self, asked, 6);
	fake_server_release(&self.server);
}

static void registry_tells_what_the_server_said(void **state)
{
	static const struct {
		const char *answer, *texts[3];
	} cases[] = {
		{ BODY("400 Bad",
		       "{\"errors\":[{\"code\":\"BLOB_UPLOAD_INVALID\","
		       "\"detail\":\"Repository is read only: x\"   }]}     "),
		  { "400 BLOB_UPLOAD_INVALID (Repository is read only: x)",
		    "read-only", "repository 'a'" } },
		{ BODY("500 Oh",
		       "{\"errors\":[{\"detail\":\"Repository is read only"
		       "\",\"code\":\"X\"  }]}"),
		  { "500 X", "read-only", "127.0.0.1" } },
		{ BODY("413 No",
		       "<html><title>413 Too\x1b[31m Large</title></html>"),
		  { "413: 413 Too [31m Large", "limits the size", "413" } },
		{ "HTTP/1.1 404 No\r\n" EMPTY,
		  { "404", "proxy repository", "'a'" } },
		{ BODY("403 No", "nope"), { "403: nope", "right", DIGEST } },
		{ "HTTP/1.1 405 No\r\n" EMPTY, { "405", "read-only", "'a'" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *const answers[] = { cases[i].answer };
		struct fixture self;

		begin(&self, answers, 1, "admin");
		assert_int_equal(upload(&self, NULL), -1);
		for (size_t k = 0; k < 3; k++)
			assert_error(&self.err, ERR_REGISTRY,
				     cases[i].texts[k]);
		assert_null(strchr(self.err.msg, '\x1b'));
		stop(&self);
		assert_int_equal(self.server.asked.nr, 1);
		fake_server_release(&self.server);
	}
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

static void registry_knows_a_manifest_whose_blob_is_missing(void **state)
{
	static const char *const answers[] = {
		BODY("400 Bad",
		     "{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\"}]}  "),
	};
	bool blob_unknown = false;
	struct fixture self;

	(void)state;
	begin(&self, answers, 1, NULL);
	assert_int_equal(manifest_put(self.session, "a", "1", &hello, "hello",
				      &blob_unknown, &self.err),
			 -1);
	assert_true(blob_unknown);
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
		{ "http://cdn.test/x", "http://cdn.test/x" },
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
		cmocka_unit_test(registry_mends_a_null_realm),
		cmocka_unit_test(registry_gives_up_where_tokens_are_refused),
		cmocka_unit_test(
			registry_tells_a_password_the_token_server_refuses),
		cmocka_unit_test(registry_tries_again_what_may_pass),
		cmocka_unit_test(registry_sends_a_blob_where_it_is_told),
		cmocka_unit_test(registry_begins_an_upload_anew_after_a_fault),
		cmocka_unit_test(
			registry_sends_a_body_again_when_its_token_ran_out),
		cmocka_unit_test(registry_mounts_or_else_sends),
		cmocka_unit_test(registry_tells_what_the_server_said),
		cmocka_unit_test(registry_finds_other_bytes_than_asked_for),
		cmocka_unit_test(
			registry_knows_a_manifest_whose_blob_is_missing),
		cmocka_unit_test(registry_asks_no_other_address_in_the_clear),
		cmocka_unit_test(registry_refuses_bad_addresses_and_names),
	};

	http_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
