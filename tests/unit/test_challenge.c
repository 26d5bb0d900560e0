#include "unit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/strs.h"
#include "net/challenge.h"

/* All challenges as "scheme name=value name=value; scheme ...". */
static char *flat(const struct challenges *list)
{
	auto_strs struct strs all = STRS_INIT;

	for (size_t i = 0; i < list->nr; i++) {
		const struct challenge *item = &list->item[i];
		auto_strs struct strs words = STRS_INIT;

		strs_add(&words, item->scheme);
		for (size_t k = 0; k < item->names.nr; k++)
			strs_addf(&words, "%s=%s", item->names.item[k],
				  item->values.item[k]);
		strs_take(&all, strs_join(&words, " "));
	}
	return strs_join(&all, "; ");
}

static void challenge_reads_every_form(void **state)
{
	static const char *const cases[][2] = {
		{ "Basic realm=\"a\"", "basic realm=a" },
		{ "BASIC REALM=\"a b\"", "basic realm=a b" },
		{ "Bearer realm=\"https://x/t\",service=\"s\",scope=\"r:a:p,q\"",
		  "bearer realm=https://x/t service=s scope=r:a:p,q" },
		{ "Bearer realm=https://x/t,service=s",
		  "bearer realm=https://x/t service=s" },
		{ "Basic realm=\"a\", Bearer realm=\"b\"",
		  "basic realm=a; bearer realm=b" },
		{ "Bearer realm = \"b\" , Basic realm= a",
		  "bearer realm=b; basic realm=a" },
		{ "Negotiate, Basic realm=\"a\"", "negotiate; basic realm=a" },
		{ "Negotiate YWJj==, Basic realm=\"a\"",
		  "negotiate; basic realm=a" },
		{ "NTLM TlRMTVNT", "ntlm" },
		{ "Basic realm=\"say \\\"x\\\"\"", "basic realm=say \"x\"" },
		{ " ,, Basic realm=\"\" ,", "basic realm=" },
		{ "Basic", "basic" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_challenges struct challenges list = CHALLENGES_INIT;
		autofree char *text = NULL;

		assert_true(challenges_add(&list, cases[i][0]));
		text = flat(&list);
		assert_string_equal(text, cases[i][1]);
	}
}

static void challenge_keeps_what_stood_before_nonsense(void **state)
{
	static const char *const cases[][2] = {
		{ "Basic realm=\"a\", Bearer realm=\"b",
		  "basic realm=a; bearer" },
		{ "Basic realm=\"a\", \"", "basic realm=a" },
		{ "=x", "" },
		{ "realm=\"a\"", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_challenges struct challenges list = CHALLENGES_INIT;
		autofree char *text = NULL;

		assert_false(challenges_add(&list, cases[i][0]));
		text = flat(&list);
		assert_string_equal(text, cases[i][1]);
	}
}

static void challenge_is_found_over_several_headers(void **state)
{
	auto_challenges struct challenges list = CHALLENGES_INIT;
	const struct challenge *found;

	(void)state;
	assert_true(challenges_add(&list, "Basic realm=\"a\""));
	assert_true(challenges_add(&list, "BEARER realm=\"b\", realm=\"c\""));
	found = challenges_find(&list, "bearer");
	assert_non_null(found);
	assert_string_equal(challenge_param(found, "realm"), "b");
	assert_null(challenge_param(found, "service"));
	assert_null(challenges_find(&list, "digest"));
}

static void challenge_has_limits(void **state)
{
	auto_challenges struct challenges list = CHALLENGES_INIT;
	auto_buf struct buf many = BUF_INIT(1 << 20);

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_addf(&many, "s%d a=b, ", i);
	assert_false(challenges_add(&list, buf_str(&many)));
	assert_true(list.nr <= 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenge_reads_every_form),
		cmocka_unit_test(challenge_keeps_what_stood_before_nonsense),
		cmocka_unit_test(challenge_is_found_over_several_headers),
		cmocka_unit_test(challenge_has_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
