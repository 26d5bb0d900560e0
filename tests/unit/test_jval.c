#include "unit.h"

#include "base/mem.h"
#include "base/strs.h"
#include "format/jval.h"

/* A value from text that is right. */
static struct jval *parsed(const char *text)
{
	struct err err = ERR_INIT;
	struct jval *value = jval_parse(text, strlen(text), &err);

	assert_done(value != NULL, &err);
	return value;
}

static void assert_text(const struct jval *value, const char *expected)
{
	autofree char *text = jval_text(value, false);

	assert_string_equal(text, expected);
}

static void jval_writes_what_it_read(void **state)
{
	static const char *const cases[] = {
		"{\"b\":1,\"a\":[true,false,null],\"c\":{}}",
		"9223372036854775807",
		"-9223372036854775808",
		"1.5",
		"\"\xc3\xb6 \\\" \\\\ \\n\"",
		"null",
		"[]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autojval struct jval *value = parsed(cases[i]);

		assert_text(value, cases[i]);
	}
}

static void jval_sorts_members_where_asked(void **state)
{
	autojval struct jval *value = parsed("{\"b\":{\"d\":1,\"c\":2},"
					     "\"a\":0}");
	autofree char *text = jval_text(value, true);
	autofree char *pretty = jval_pretty(value);

	(void)state;
	assert_string_equal(text, "{\"a\":0,\"b\":{\"c\":2,\"d\":1}}");
	assert_string_equal(pretty, "{\n  \"b\": {\n    \"d\": 1,\n"
				    "    \"c\": 2\n  },\n  \"a\": 0\n}\n");
}

static void jval_refuses_bad_text_with_its_place(void **state)
{
	static const char *const cases[][2] = {
		{ "", "line 1, column" },
		{ "{\"a\": secret}", "line 1, column 12: invalid token" },
		{ "{\n\"a\": 1,\n\"a\": 2}", "line 3, column 3: duplicate" },
		{ "1 2", "end of file expected" },
		{ "[1,]", "line 1" },
		{ "\"\xff\"", "line 1" },
		{ "\"\\u0000\"", "NUL" },
		{ "9223372036854775808", "too big" },
		{ "{\"a\": \"secret", "line 1" },
		{ "1e999", "line 1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		assert_null(jval_parse(cases[i][0], strlen(cases[i][0]), &err));
		assert_error(&err, ERR_INVALID, cases[i][1]);
		assert_null(strstr(err.msg, "secret"));
	}
}

static void jval_keeps_to_its_depth(void **state)
{
	char text[2 * JVAL_MAX_DEPTH + 3] = "";
	struct err err = ERR_INIT;
	struct jval *value;

	(void)state;
	memset(text, '[', JVAL_MAX_DEPTH);
	memset(text + JVAL_MAX_DEPTH, ']', JVAL_MAX_DEPTH);
	value = jval_parse(text, strlen(text), &err);
	assert_done(value != NULL, &err);
	jval_free(value);
	memset(text, '[', JVAL_MAX_DEPTH + 1);
	memset(text + JVAL_MAX_DEPTH + 1, ']', JVAL_MAX_DEPTH + 1);
	assert_null(jval_parse(text, strlen(text), &err));
	assert_error(&err, ERR_INVALID, "line 1, column 513: nested");
}

static void jval_counts_no_brackets_inside_strings(void **state)
{
	char text[2048] = "";
	autojval struct jval *value = NULL;

	(void)state;
	memset(text, '[', 2000);
	memcpy(text, "[\"\\\"", 4);
	memcpy(text + 2000, "\"]", 2);
	value = parsed(text);
	assert_int_equal(jval_len(value), 1);
}

static void jval_makes_each_kind(void **state)
{
	struct {
		struct jval *value;
		const char *type;
		const char *text;
	} cases[] = {
		{ jval_new_object(), "object", "{}" },
		{ jval_new_array(), "array", "[]" },
		{ jval_new_str("x"), "string", "\"x\"" },
		{ jval_new_str(NULL), "null", "null" },
		{ jval_new_strn("xyz", 2), "string", "\"xy\"" },
		{ jval_new_int(INT64_MIN), "integer", "-9223372036854775808" },
		{ jval_new_real(0.5), "number", "0.5" },
		{ jval_new_bool(true), "boolean", "true" },
		{ jval_new_null(), "null", "null" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_string_equal(jval_type_name(cases[i].value),
				    cases[i].type);
		assert_text(cases[i].value, cases[i].text);
		jval_free(cases[i].value);
	}
	assert_string_equal(jval_type_name(NULL), "nothing");
}

static void jval_repairs_text_that_is_no_utf8(void **state)
{
	autojval struct jval *value = jval_new_object();

	(void)state;
	jval_set(value, "k\xff", jval_new_strn("a\0b\xff", 4));
	assert_text(value, "{\"k\xef\xbf\xbd\":\"a\xef\xbf\xbd"
			   "b\xef\xbf\xbd\"}");
}

static void jval_pack_builds_objects(void **state)
{
	autojval struct jval *shared = jval_new_str("s");
	autojval struct jval *value = jval_pack(
		"{s:s, s:I, s:b, s:s?, s:[o, O]}", "a", "x", "b", INT64_MAX,
		"c", 1, "d", NULL, "e", jval_new_int(1), shared);

	(void)state;
	assert_text(value, "{\"a\":\"x\",\"b\":9223372036854775807,"
			   "\"c\":true,\"d\":null,\"e\":[1,\"s\"]}");
}

static void jval_paths_lead_somewhere_or_to_the_default(void **state)
{
	autojval struct jval *value =
		parsed("{\"a\":{\"b\":{\"s\":\"x\",\"i\":7,\"t\":true}},"
		       "\"n\":null,\"l\":[1]}");

	(void)state;
	assert_string_equal(jval_str(value, "a.b.s"), "x");
	assert_int_equal(jval_int(value, "a.b.i", 0), 7);
	assert_true(jval_bool(value, "a.b.t", false));
	assert_null(jval_str(value, "a.b.i"));
	assert_null(jval_str(value, "a.b"));
	assert_null(jval_str(value, "n.x"));
	assert_null(jval_str(value, "l.0"));
	assert_null(jval_path(value, "a..b"));
	assert_null(jval_path(value, ""));
	assert_null(jval_path(NULL, "a"));
	assert_int_equal(jval_int(value, "a.b.s", -1), -1);
	assert_int_equal(jval_int(value, "zz.i", -1), -1);
	assert_true(jval_bool(value, "n", true));
	assert_true(jval_is_null(jval_path(value, "n")));
}

static void jval_questions_about_nothing_are_harmless(void **state)
{
	(void)state;
	assert_false(jval_is_object(NULL));
	assert_false(jval_is_null(NULL));
	assert_null(jval_get(NULL, "a"));
	assert_null(jval_string(NULL));
	assert_int_equal(jval_integer(NULL), 0);
	assert_int_equal(jval_len(NULL), 0);
	assert_null(jval_at(NULL, 0));
	assert_null(jval_first(NULL));
	assert_null(jval_copy(NULL));
	assert_null(jval_ref(NULL));
	jval_free(NULL);
	jval_del(NULL, "a");
	jval_remove_at(NULL, 0);
}

static void jval_set_makes_the_objects_on_the_way(void **state)
{
	autojval struct jval *value = parsed("{\"n\":null,\"s\":\"x\"}");

	(void)state;
	jval_set_str(value, "a.b.c", "1");
	jval_set_path(value, "a.b.d", jval_new_int(2));
	jval_set_path(value, "n.x", jval_new_int(3));
	jval_set_str(value, "s.x", NULL);
	jval_set(value, "a.b", jval_new_bool(true));
	assert_text(value, "{\"n\":{\"x\":3},\"s\":{\"x\":null},"
			   "\"a\":{\"b\":{\"c\":\"1\",\"d\":2}},"
			   "\"a.b\":true}");
}

static void jval_del_removes_what_is_there(void **state)
{
	autojval struct jval *value = parsed("{\"a\":{\"b\":1,\"c\":2},"
					     "\"a.b\":3,\"s\":\"x\"}");

	(void)state;
	jval_del_path(value, "a.b");
	jval_del_path(value, "a.zz");
	jval_del_path(value, "s.b");
	jval_del_path(value, "zz.zz");
	assert_text(value, "{\"a\":{\"c\":2},\"a.b\":3,\"s\":\"x\"}");
	jval_del(value, "a.b");
	jval_del_path(value, "s");
	assert_text(value, "{\"a\":{\"c\":2}}");
}

static void jval_arrays_change_at_any_place(void **state)
{
	autojval struct jval *value = jval_new_array();

	(void)state;
	jval_append(value, jval_new_int(1));
	jval_insert_at(value, 0, jval_new_int(0));
	jval_insert_at(value, 2, jval_new_int(2));
	jval_set_at(value, 1, jval_new_str("x"));
	assert_text(value, "[0,\"x\",2]");
	jval_remove_at(value, 0);
	jval_remove_at(value, 9);
	assert_text(value, "[\"x\",2]");
	assert_null(jval_at(value, 2));
}

static void jval_copies_share_nothing(void **state)
{
	autojval struct jval *value = parsed("{\"a\":{\"b\":[1]}}");
	autojval struct jval *copy = jval_copy(value);

	(void)state;
	assert_true(jval_equal(value, copy));
	jval_set_str(copy, "a.b", "other");
	assert_text(value, "{\"a\":{\"b\":[1]}}");
	assert_false(jval_equal(value, copy));
}

static void jval_is_equal_where_it_says_the_same(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{ "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true },
		{ "{\"a\":1}", "{\"a\":1,\"b\":2}", false },
		{ "{\"a\":1}", "{\"b\":1}", false },
		{ "{\"a\":null}", "{}", false },
		{ "[1,2]", "[2,1]", false },
		{ "[1,2]", "[1]", false },
		{ "[{\"a\":[1.0]}]", "[{\"a\":[1]}]", true },
		{ "1", "1.5", false },
		{ "9007199254740993", "9007199254740992", false },
		{ "\"1\"", "1", false },
		{ "true", "false", false },
		{ "null", "null", true },
		{ "[]", "{}", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autojval struct jval *a = parsed(cases[i].a);
		autojval struct jval *b = parsed(cases[i].b);

		assert_int_equal(jval_equal(a, b), cases[i].equal);
		assert_int_equal(jval_equal(b, a), cases[i].equal);
		assert_true(jval_equal(a, a));
		assert_false(jval_equal(a, NULL));
	}
	assert_true(jval_equal(NULL, NULL));
}

static void jval_within_weighs_depth_and_size(void **state)
{
	autojval struct jval *value = parsed("{\"key\":[\"text\",1]}");
	size_t weight = 1000, most;

	(void)state;
	assert_true(jval_within(value, 2, &weight));
	most = 1000 - weight;
	assert_true(most > 7 && most < 100);
	weight = 1000;
	assert_false(jval_within(value, 1, &weight));
	weight = most;
	assert_true(jval_within(value, 2, &weight));
	assert_int_equal(weight, 0);
	weight = most - 1;
	assert_false(jval_within(value, 2, &weight));
}

static void jval_members_come_in_order(void **state)
{
	autojval struct jval *value = parsed("{\"z\":1,\"a\":2,\"m\":3}");
	auto_strs struct strs names = STRS_INIT;
	autofree char *joined = NULL;
	int64_t sum = 0;

	(void)state;
	for (void *it = jval_first(value); it; it = jval_next(value, it)) {
		strs_add(&names, jval_member_name(it));
		sum = sum * 10 + jval_integer(jval_member_value(it));
	}
	joined = strs_join(&names, "");
	assert_string_equal(joined, "zam");
	assert_int_equal(sum, 123);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jval_writes_what_it_read),
		cmocka_unit_test(jval_sorts_members_where_asked),
		cmocka_unit_test(jval_refuses_bad_text_with_its_place),
		cmocka_unit_test(jval_keeps_to_its_depth),
		cmocka_unit_test(jval_counts_no_brackets_inside_strings),
		cmocka_unit_test(jval_makes_each_kind),
		cmocka_unit_test(jval_repairs_text_that_is_no_utf8),
		cmocka_unit_test(jval_pack_builds_objects),
		cmocka_unit_test(jval_paths_lead_somewhere_or_to_the_default),
		cmocka_unit_test(jval_questions_about_nothing_are_harmless),
		cmocka_unit_test(jval_set_makes_the_objects_on_the_way),
		cmocka_unit_test(jval_del_removes_what_is_there),
		cmocka_unit_test(jval_arrays_change_at_any_place),
		cmocka_unit_test(jval_copies_share_nothing),
		cmocka_unit_test(jval_is_equal_where_it_says_the_same),
		cmocka_unit_test(jval_within_weighs_depth_and_size),
		cmocka_unit_test(jval_members_come_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
