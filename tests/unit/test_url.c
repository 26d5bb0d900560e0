#include "unit.h"

#include "base/mem.h"
#include "base/strs.h"
#include "net/url.h"

static void url_reads_parts_and_writes_them_again(void **state)
{
	static const struct {
		const char *text, *scheme, *host, *port, *path, *query;
	} cases[] = {
		{ "https://registry.local", "https", "registry.local", NULL, "",
		  NULL },
		{ "HTTP://Host:80/a/b?c=d&e", "http", "host", "80", "/a/b",
		  "c=d&e" },
		{ "https://[::1]:5000/", "https", "[::1]", "5000", "/", NULL },
		{ "https://h?q", "https", "h", NULL, "", "q" },
		{ "https://h/p?#f", "https", "h", NULL, "/p", "" },
		{ "https://h:/p", "https", "h", NULL, "/p", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_url struct url url = { 0 }, again = { 0 };
		autofree char *text = NULL;
		struct err err = ERR_INIT;

		assert_done(url_parse(&url, cases[i].text, &err) == 0, &err);
		assert_string_equal(url.scheme, cases[i].scheme);
		assert_string_equal(url.host, cases[i].host);
		assert_true(str_eq(url.port, cases[i].port));
		assert_string_equal(url.path, cases[i].path);
		assert_true(str_eq(url.query, cases[i].query));
		text = url_text(&url);
		assert_done(url_parse(&again, text, &err) == 0, &err);
		assert_string_equal(again.path, url.path);
	}
}

static void url_refuses_what_it_must_not_ask(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "ftp://h/", "neither http nor https" },
		{ "registry.local/v2", "no scheme" },
		{ "https://", "no host" },
		{ "https:///x", "no host" },
		{ "https://h:x/", "not a port" },
		{ "https://h:123456/", "not a port" },
		{ "https://[::1/", "closing" },
		{ "https://[::1]x/", "not a host" },
		{ "https://h/a b", "blank" },
		{ "https://h/a\r\nX: y", "control character" },
		{ "https://user:secret@h/", "user name or password" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct url url;
		struct err err = ERR_INIT;

		assert_int_equal(url_parse(&url, cases[i].text, &err), -1);
		assert_error(&err, ERR_INVALID, cases[i].reason);
		assert_null(strstr(err.msg, "secret"));
	}
}

/* Most are the examples of RFC 3986 5.4. */
static void url_resolves_references_as_the_rfc_says(void **state)
{
	static const char base[] = "http://a/b/c/d;p?q";
	static const char *const cases[][2] = {
		{ "g", "http://a/b/c/g" },
		{ "./g", "http://a/b/c/g" },
		{ "g/", "http://a/b/c/g/" },
		{ "/g", "http://a/g" },
		{ "//g", "http://g" },
		{ "?y", "http://a/b/c/d;p?y" },
		{ "g?y", "http://a/b/c/g?y" },
		{ "", "http://a/b/c/d;p?q" },
		{ ".", "http://a/b/c/" },
		{ "..", "http://a/b/" },
		{ "../g", "http://a/b/g" },
		{ "../../../g", "http://a/g" },
		{ "/./g", "http://a/g" },
		{ "/../g", "http://a/g" },
		{ "./../g", "http://a/b/g" },
		{ "g/./h", "http://a/b/c/g/h" },
		{ "g/../h", "http://a/b/c/h" },
		{ "g;x=1/../y", "http://a/b/c/y" },
		{ "https://b:8/x?y", "https://b:8/x?y" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		autofree char *url = url_resolve(base, cases[i][0], &err);

		assert_done(url, &err);
		assert_string_equal(url, cases[i][1]);
	}
}

static void url_refuses_a_location_to_elsewhere(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_null(url_resolve("https://h/", "file:///etc/passwd", &err));
	assert_error(&err, ERR_INVALID, "neither http nor https");
	assert_null(url_resolve("https://h/", "/a b", &err));
	assert_error(&err, ERR_INVALID, "blank");
	assert_null(url_resolve("h", "/a", &err));
	assert_error(&err, ERR_INVALID, "no scheme");
}

static void url_adds_to_a_query(void **state)
{
	static const char *const cases[][2] = {
		{ "https://h/u", "https://h/u?digest=sha256%3Aab" },
		{ "https://h/u?", "https://h/u?digest=sha256%3Aab" },
		{ "https://h/u?_state=x",
		  "https://h/u?_state=x&digest=sha256%3Aab" },
		{ "https://h/u?a&", "https://h/u?a&digest=sha256%3Aab" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *url =
			url_add_query(cases[i][0], "digest", "sha256:ab");

		assert_string_equal(url, cases[i][1]);
	}
}

static void url_knows_where_credentials_may_go(void **state)
{
	(void)state;
	assert_true(url_same_origin("https://h/a", "https://H:443/b?c"));
	assert_false(url_same_origin("https://h/", "http://h/"));
	assert_false(url_same_origin("https://h/", "https://h:8443/"));
	assert_false(url_same_origin("https://h/", "https://h.evil/"));
	assert_false(url_same_origin("https://h/", "nonsense"));
}

static void url_tells_origin_and_hides_queries(void **state)
{
	autofree char *origin = url_origin("https://h/x");
	autofree char *plain = url_origin("http://h/x");
	autofree char *none = url_origin("nonsense");
	autofree char *shown = url_without_query("https://h/u?_state=secret");

	(void)state;
	assert_string_equal(origin, "h:443");
	assert_string_equal(plain, "h:80");
	assert_string_equal(none, "nonsense");
	assert_string_equal(shown, "https://h/u");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(url_reads_parts_and_writes_them_again),
		cmocka_unit_test(url_refuses_what_it_must_not_ask),
		cmocka_unit_test(url_resolves_references_as_the_rfc_says),
		cmocka_unit_test(url_refuses_a_location_to_elsewhere),
		cmocka_unit_test(url_adds_to_a_query),
		cmocka_unit_test(url_knows_where_credentials_may_go),
		cmocka_unit_test(url_tells_origin_and_hides_queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
