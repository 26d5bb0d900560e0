#include "unit.h"

#include "base/x509.h"
#include "http_fixture.h"

static void http_follows_redirects_without_the_password(void **state)
{
	static const char *const there[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthere",
	};
	struct fake_server other = { .answers = there, .nr = 1 };
	const char *answers[1];
	struct fixture self;
	struct http_request request = { .method = "GET",
					.authorization = "Basic c2VjcmV0",
					.follow = true };
	autofree char *redirect = NULL;

	(void)state;
	fake_server_start(&other);
	redirect = mem_printf("HTTP/1.1 307 There\r\nContent-Length: 0\r\n"
			      "Location: http://127.0.0.1:%d/y\r\n\r\n",
			      other.port);
	answers[0] = redirect;
	begin(&self, answers, 1);
	request.url = self.url;
	assert_done(ask(&self, &request) == 0, &self.err);
	assert_int_equal(self.response.status, 200);
	assert_string_equal(buf_str(&self.response.body), "there");
	assert_true(str_ends(self.response.url, "/y"));
	end(&self);
	fake_server_stop(&other);
	assert_string_equal(other.asked.item[0], "GET /y 0");
	assert_null(strcasestr(other.heads.item[0], "authorization"));
	fake_server_release(&other);
}

static void http_gives_a_redirect_to_who_does_not_follow(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 302 There\r\nContent-Length: 0\r\n"
		"Location: /y\r\n\r\n",
	};
	struct fixture self;
	struct http_request request = { .method = "GET" };

	(void)state;
	begin(&self, answers, 1);
	request.url = self.url;
	assert_done(ask(&self, &request) == 0, &self.err);
	assert_int_equal(self.response.status, 302);
	assert_string_equal(http_header(&self.response, "location"), "/y");
	end(&self);
}

static void http_tells_what_it_cannot_reach(void **state)
{
	struct fixture self;
	struct http_request request = { .method = "GET" };

	(void)state;
	begin(&self, NULL, 0);
	request.url = "http://127.0.0.1:1/";
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_NET,
		     "cannot connect to '127.0.0.1:1': Connection refused");
	assert_true(self.err.transient);
	/* And again, with the same client. */
	request.url = "http://nowhere.invalid/";
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(&self, &request), -1);
		assert_error(&self.err, ERR_NET, "nowhere.invalid:80");
		assert_true(self.err.transient);
	}
	err_clear(&self.err);
	request.url = "gopher://x/";
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_INVALID, "neither http nor https");
	request.url = self.url;
	assert_int_equal(ask(&self, &request), -1);
	end(&self);
}

static void http_tells_a_server_without_tls(void **state)
{
	static const char *const answers[] = { OK_EMPTY };
	struct fixture self;
	struct http_request request = { .method = "GET" };
	char url[64];

	(void)state;
	begin(&self, answers, 1);
	self.config.ca_pem = "";
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", self.server.port);
	request.url = url;
	/* It waits for a head that never comes: shut it down first. */
	request.timeout_ms = 300;
	assert_int_equal(ask(&self, &request), -1);
	assert_int_equal(self.err.kind, ERR_TIMEOUT);
	end(&self);
}

static void http_asks_no_proxy_for_the_loopback(void **state)
{
	static const char *const answers[] = { OK_EMPTY };
	struct fixture self;
	struct http_request request = { .method = "GET" };

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	begin(&self, answers, 1);
	request.url = self.url;
	assert_done(ask(&self, &request) == 0, &self.err);
	end(&self);
	unsetenv("http_proxy");
}

static void http_asks_through_a_proxy(void **state)
{
	static const char *const answers[] = { OK_EMPTY, OK_EMPTY };
	struct fixture self;
	struct http_request request = { .method = "GET",
					.url = "http://example.test/z" };
	char proxy[64];

	(void)state;
	begin(&self, answers, 2);
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", self.server.port);
	self.config.proxy = proxy;
	assert_done(ask(&self, &request) == 0, &self.err);
	/* In capitals, as others read it. */
	self.config.proxy = NULL;
	setenv("HTTP_PROXY", proxy, 1);
	assert_done(ask(&self, &request) == 0, &self.err);
	unsetenv("HTTP_PROXY");
	stop(&self);
	assert_string_equal(self.server.asked.item[0],
			    "GET http://example.test/z 0");
	assert_string_equal(self.server.asked.item[1],
			    "GET http://example.test/z 0");
	end(&self);
}

static void http_tells_a_proxy_without_its_password(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
	};
	struct fixture self;
	struct http_request request = { .method = "GET",
					.url = "https://example.test/z" };
	autofree char *proxy = NULL;

	(void)state;
	begin(&self, answers, 1);
	self.config.ca_pem = "";
	setenv("https_proxy", "http://user:secret@127.0.0.1:1/", 1);
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_NET,
		     "cannot connect to the proxy '127.0.0.1:1' for "
		     "'example.test:443': Connection refused; check "
		     "HTTPS_PROXY");
	assert_true(self.err.transient);
	assert_null(strstr(self.err.msg, "secret"));
	proxy = mem_printf("user:secret@127.0.0.1:%d", self.server.port);
	setenv("https_proxy", proxy, 1);
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_NET, "the proxy '127.0.0.1:");
	assert_error(&self.err, ERR_NET,
		     "refuses to connect to 'example.test:443': status 403");
	assert_false(self.err.transient);
	assert_null(strstr(self.err.msg, "secret"));
	setenv("https_proxy", "http://nowhere.invalid:3128", 1);
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_NET,
		     "the proxy for 'example.test:443': "
		     "Could not resolve proxy: "
		     "nowhere.invalid");
	/* One that is not asked is not to blame. */
	setenv("no_proxy", "127.0.0.2", 1);
	request.url = "https://127.0.0.2:1/";
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_NET,
		     "cannot connect to '127.0.0.2:1': Connection refused");
	unsetenv("no_proxy");
	unsetenv("https_proxy");
	end(&self);
}

static void http_tells_keys_and_certificates_it_cannot_use(void **state)
{
	struct x509_pair one = { 0 }, other = { 0 };
	struct fixture self;
	struct http_request request = { .method = "GET" };
	char url[64];

	(void)state;
	begin(&self, NULL, 0);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", self.server.port);
	request.url = url;
	request.timeout_ms = 3000;
	assert_done(x509_make_ca(&one, "one", 1, &self.err) == 0, &self.err);
	assert_done(x509_make_ca(&other, "other", 1, &self.err) == 0,
		    &self.err);
	self.config.ca_pem = one.cert_pem;
	self.config.client_cert_pem = one.cert_pem;
	self.config.client_key_pem = other.key_pem;
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_INVALID,
		     "the client key is not a private key that fits");
	self.config.client_key_pem = "nonsense";
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_INVALID,
		     "the client key is not a private key that fits");
	self.config.client_cert_pem = "nonsense";
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_INVALID,
		     "the client certificate cannot be read");
	self.config.client_cert_pem = NULL;
	self.config.ca_pem = "nonsense";
	self.config.ca_name = "'ca.crt'";
	assert_int_equal(ask(&self, &request), -1);
	assert_error(&self.err, ERR_INVALID, "('ca.crt') cannot be read");
	assert_false(self.err.transient);
	x509_pair_release(&one);
	x509_pair_release(&other);
	end(&self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_follows_redirects_without_the_password),
		cmocka_unit_test(http_gives_a_redirect_to_who_does_not_follow),
		cmocka_unit_test(http_tells_what_it_cannot_reach),
		cmocka_unit_test(http_tells_a_server_without_tls),
		cmocka_unit_test(http_asks_no_proxy_for_the_loopback),
		cmocka_unit_test(http_asks_through_a_proxy),
		cmocka_unit_test(http_tells_a_proxy_without_its_password),
		cmocka_unit_test(
			http_tells_keys_and_certificates_it_cannot_use),
	};

	http_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
