#include "unit.h"

#include "base/mem.h"
#include "base/strs.h"
#include "format/ref.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define DIGEST "sha256:" HEX

static void ref_reads_names_as_podman_does(void **state)
{
	static const struct {
		const char *text, *host, *repository, *tag, *digest;
	} cases[] = {
		{ "registry.local/dws:0.0.20", "registry.local", "dws",
		  "0.0.20", NULL },
		{ "registry.local/a/b/c", "registry.local", "a/b/c", NULL,
		  NULL },
		{ "127.0.0.1:5000/x@" DIGEST, "127.0.0.1:5000", "x", NULL,
		  DIGEST },
		{ "h.io/x:t@" DIGEST, "h.io", "x", "t", DIGEST },
		{ "localhost/x", "localhost", "x", NULL, NULL },
		{ "localhost:5000/x:1", "localhost:5000", "x", "1", NULL },
		{ "[::1]:5000/x:1", "[::1]:5000", "x", "1", NULL },
		{ "[fe80::1]/x", "[fe80::1]", "x", NULL, NULL },
		{ "Nexus/x", "Nexus", "x", NULL, NULL },
		{ "busybox", "docker.io", "library/busybox", NULL, NULL },
		{ "busybox:1.36", "docker.io", "library/busybox", "1.36",
		  NULL },
		{ "brancz/x:1", "docker.io", "brancz/x", "1", NULL },
		{ "docker.io/busybox", "docker.io", "library/busybox", NULL,
		  NULL },
		{ "index.docker.io/a/b", "docker.io", "a/b", NULL, NULL },
		{ "h.io/a_b/c__d/e-f/g---h/i.j:A_.-9", "h.io",
		  "a_b/c__d/e-f/g---h/i.j", "A_.-9", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoref struct ref ref = { .host = NULL };
		struct err err = ERR_INIT;

		assert_done(ref_parse(&ref, cases[i].text, &err) == 0, &err);
		assert_string_equal(ref.host, cases[i].host);
		assert_string_equal(ref.repository, cases[i].repository);
		assert_true(str_eq(ref.tag, cases[i].tag));
		assert_true(str_eq(ref.digest, cases[i].digest));
	}
}

static void ref_refuses_with_text_and_fault(void **state)
{
	static const char *const cases[][2] = {
		{ "", "repository" },
		{ "/x", "repository" },
		{ "registry.local/", "repository" },
		{ "registry.local/Dws", "repository" },
		{ "registry.local/a//b", "repository" },
		{ "registry.local/a/", "repository" },
		{ "registry.local/a..b", "repository" },
		{ "registry.local/a___b", "repository" },
		{ "registry.local/-a", "repository" },
		{ "registry.local/a-", "repository" },
		{ "registry.local/a._b", "repository" },
		{ "registry.local/../x", "repository" },
		{ "registry.local/x y", "repository" },
		{ "registry.local/x?y", "repository" },
		{ "registry.local/x:", "tag" },
		{ "registry.local/x:.a", "tag" },
		{ "registry.local/x:a/b", "repository" },
		{ "registry.local/x:a:b", "tag" },
		{ "registry.local/x:\xc3\xb6", "tag" },
		{ "registry.local/x@", "digest" },
		{ "registry.local/x@sha256:abc", "digest" },
		{ "registry.local/x@sha512:" HEX HEX, "digest" },
		{ "registry.local:/x", "host" },
		{ "registry.local:port/x", "host" },
		{ "registry.local:123456/x", "host" },
		{ "-a.b/x", "host" },
		{ "a..b/x", "host" },
		{ "user:word@h.io/x", "digest" },
		{ "[::1/x", "host" },
		{ "[]/x", "host" },
		{ "https://registry.local/x", "host" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ref ref = { .host = NULL };
		autofree char *quoted = mem_printf("'%s' is not", cases[i][0]);
		struct err err = ERR_INIT;

		assert_int_equal(ref_parse(&ref, cases[i][0], &err), -1);
		assert_error(&err, ERR_INVALID, quoted);
		assert_error(&err, ERR_INVALID, cases[i][1]);
		assert_null(ref.host);
	}
}

static void ref_knows_how_long_names_may_be(void **state)
{
	char tag[129] = "", name[256] = "";

	(void)state;
	memset(tag, 't', 128);
	memset(name, 'n', 255);
	for (int more = 0; more < 3; more++) {
		autofree char *text = mem_printf("h.io/%s%s:%s%s", name,
						 more == 1 ? "n" : "", tag,
						 more == 2 ? "t" : "");
		autoref struct ref ref = { .host = NULL };
		struct err err = ERR_INIT;

		assert_int_equal(ref_parse(&ref, text, &err), more ? -1 : 0);
		if (more)
			assert_error(&err, ERR_INVALID,
				     more == 1 ? "255" : "128");
	}
}

static void ref_writes_what_it_read(void **state)
{
	static const char *const cases[][4] = {
		{ "registry.local/dws:0.0.20", "registry.local/dws:0.0.20",
		  "dws:0.0.20", "0.0.20" },
		{ "busybox", "docker.io/library/busybox",
		  "library/busybox:latest", "latest" },
		{ "h.io/x:t@" DIGEST, "h.io/x:t@" DIGEST, "x@" DIGEST, DIGEST },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoref struct ref ref = { .host = NULL };
		autofree char *text = NULL;
		autofree char *brief = NULL;
		struct err err = ERR_INIT;

		assert_done(ref_parse(&ref, cases[i][0], &err) == 0, &err);
		text = ref_text(&ref);
		brief = ref_short(&ref);
		assert_string_equal(text, cases[i][1]);
		assert_string_equal(brief, cases[i][2]);
		assert_string_equal(ref_reference(&ref), cases[i][3]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ref_reads_names_as_podman_does),
		cmocka_unit_test(ref_refuses_with_text_and_fault),
		cmocka_unit_test(ref_knows_how_long_names_may_be),
		cmocka_unit_test(ref_writes_what_it_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
