#include "unit.h"

#include "base/mem.h"
#include "format/patch.h"

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

/* The examples of RFC 7386, appendix A. */
static void patch_merge_gives_the_examples_of_the_rfc(void **state)
{
	static const char *const cases[][3] = {
		{ "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"b\":\"c\"}",
		  "{\"a\":\"b\",\"b\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
		{ "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}",
		  "{\"b\":\"c\"}" },
		{ "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
		{ "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
		  "{\"a\":{\"b\":\"d\"}}" },
		{ "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
		{ "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
		{ "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
		{ "{\"a\":\"foo\"}", "null", "null" },
		{ "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
		{ "{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}" },
		{ "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
		{ "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}",
		  "{\"a\":{\"bb\":{}}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autojval struct jval *target = parsed(cases[i][0]);
		autojval struct jval *patch = parsed(cases[i][1]);

		assert_int_equal(patch_merge(&target, patch), 0);
		assert_text(target, cases[i][2]);
		assert_text(patch, cases[i][1]);
	}
}

static void patch_merge_begins_with_nothing_and_shares_nothing(void **state)
{
	autojval struct jval *patch = parsed("{\"a\":{\"b\":[1]}}");
	autojval struct jval *target = NULL;

	(void)state;
	patch_merge(&target, patch);
	jval_set_str(target, "a.b", "x");
	assert_text(patch, "{\"a\":{\"b\":[1]}}");
}

/* Mostly the examples of RFC 6902, appendix A. */
static void patch_apply_does_each_operation(void **state)
{
	static const char *const cases[][3] = {
		{ "{\"foo\":\"bar\"}",
		  "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
		  "{\"foo\":\"bar\",\"baz\":\"qux\"}" },
		{ "{\"foo\":[\"bar\",\"baz\"]}",
		  "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"q\"}]",
		  "{\"foo\":[\"bar\",\"q\",\"baz\"]}" },
		{ "{\"baz\":\"qux\",\"foo\":\"bar\"}",
		  "[{\"op\":\"remove\",\"path\":\"/baz\"}]",
		  "{\"foo\":\"bar\"}" },
		{ "[1,2,3]", "[{\"op\":\"remove\",\"path\":\"/1\"}]", "[1,3]" },
		{ "{\"b\":1,\"f\":2}",
		  "[{\"op\":\"replace\",\"path\":\"/b\",\"value\":3}]",
		  "{\"b\":3,\"f\":2}" },
		{ "[1,2,3]",
		  "[{\"op\":\"replace\",\"path\":\"/1\",\"value\":9}]",
		  "[1,9,3]" },
		{ "{\"f\":{\"b\":1,\"w\":2},\"q\":{\"c\":3}}",
		  "[{\"op\":\"move\",\"from\":\"/f/w\",\"path\":\"/q/t\"}]",
		  "{\"f\":{\"b\":1},\"q\":{\"c\":3,\"t\":2}}" },
		{ "[\"a\",\"g\",\"c\",\"e\"]",
		  "[{\"op\":\"move\",\"from\":\"/1\",\"path\":\"/3\"}]",
		  "[\"a\",\"c\",\"e\",\"g\"]" },
		{ "{\"a\":{\"b\":1}}",
		  "[{\"op\":\"move\",\"from\":\"/a/b\",\"path\":\"\"}]", "1" },
		{ "{\"a\":1}",
		  "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]",
		  "{\"a\":1}" },
		{ "{\"a\":[1]}",
		  "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"},"
		  "{\"op\":\"add\",\"path\":\"/b/-\",\"value\":2}]",
		  "{\"a\":[1],\"b\":[1,2]}" },
		{ "{\"a\":[1,{\"b\":2.0}]}",
		  "[{\"op\":\"test\",\"path\":\"/a\","
		  "\"value\":[1,{\"b\":2}]}]",
		  "{\"a\":[1,{\"b\":2.0}]}" },
		{ "{\"/\":9,\"~1\":10,\"\":11}",
		  "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10},"
		  "{\"op\":\"remove\",\"path\":\"/~1\"},"
		  "{\"op\":\"replace\",\"path\":\"/\",\"value\":1}]",
		  "{\"~1\":10,\"\":1}" },
		{ "{\"a\":1}",
		  "[{\"op\":\"replace\",\"path\":\"\",\"value\":[]}]", "[]" },
		{ "{\"a\":null}",
		  "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null},"
		  "{\"op\":\"add\",\"path\":\"/a\",\"value\":{}},"
		  "{\"op\":\"add\",\"path\":\"/a/b\",\"value\":true}]",
		  "{\"a\":{\"b\":true}}" },
		{ "{\"a\":1}", "[]", "{\"a\":1}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autojval struct jval *doc = parsed(cases[i][0]);
		autojval struct jval *ops = parsed(cases[i][1]);
		struct err err = ERR_INIT;

		assert_done(patch_apply(&doc, ops, &err) == 0, &err);
		assert_text(doc, cases[i][2]);
		assert_text(ops, cases[i][1]);
	}
}

#define DOC "{\"a\":{\"b\":1},\"l\":[1,2]}"

static void patch_apply_does_nothing_where_one_operation_fails(void **state)
{
	static const char *const cases[][2] = {
		{ "{}", "not an array but 'object'" },
		{ "[1]", "operation 1 of JSON patch: 'op' is not" },
		{ "[{\"op\":\"del\",\"path\":\"\"}]", "'op' is not" },
		{ "[{\"op\":\"remove\"}]", "'path' is missing" },
		{ "[{\"op\":\"add\",\"path\":\"/x\"}]", "'value' is missing" },
		{ "[{\"op\":\"copy\",\"path\":\"/x\"}]", "'from' is missing" },
		{ "[{\"op\":\"remove\",\"path\":\"/a/b\"},"
		  "{\"op\":\"remove\",\"path\":\"/a/b\"}]",
		  "operation 2 of JSON patch: remove '/a/b': there is no "
		  "'/a/b'" },
		{ "[{\"op\":\"remove\",\"path\":\"a\"}]",
		  "'a' is not a JSON pointer" },
		{ "[{\"op\":\"remove\",\"path\":\"/a~2\"}]",
		  "is not a JSON pointer" },
		{ "[{\"op\":\"remove\",\"path\":\"/a~\"}]",
		  "is not a JSON pointer" },
		{ "[{\"op\":\"remove\",\"path\":\"\"}]", "whole document" },
		{ "[{\"op\":\"replace\",\"path\":\"/x\",\"value\":1}]",
		  "there is no '/x'" },
		{ "[{\"op\":\"add\",\"path\":\"/x/y\",\"value\":1}]",
		  "no object or array" },
		{ "[{\"op\":\"add\",\"path\":\"/a/b/c\",\"value\":1}]",
		  "no object or array" },
		{ "[{\"op\":\"add\",\"path\":\"/l/3\",\"value\":1}]",
		  "'3' is not an index of an array of 2" },
		{ "[{\"op\":\"add\",\"path\":\"/l/01\",\"value\":1}]",
		  "'01' is not an index" },
		{ "[{\"op\":\"add\",\"path\":\"/l/x\",\"value\":1}]",
		  "'x' is not an index" },
		{ "[{\"op\":\"remove\",\"path\":\"/l/-\"}]",
		  "there is no '/l/-'" },
		{ "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/x\"}]",
		  "into itself" },
		{ "[{\"op\":\"move\",\"from\":\"/x\",\"path\":\"/y\"}]",
		  "there is no '/x'" },
		{ "[{\"op\":\"move\",\"from\":\"/l/0\",\"path\":\"/l/2\"}]",
		  "'2' is not an index of an array of 1" },
		{ "[{\"op\":\"test\",\"path\":\"/a/b\",\"value\":\"1\"}]",
		  "the value is another one" },
		{ "[{\"op\":\"test\",\"path\":\"/x\",\"value\":null}]",
		  "there is no '/x'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autojval struct jval *doc = parsed(DOC);
		autojval struct jval *ops = parsed(cases[i][0]);
		struct err err = ERR_INIT;

		assert_int_equal(patch_apply(&doc, ops, &err), -1);
		assert_error(&err, ERR_INVALID, cases[i][1]);
		assert_text(doc, DOC);
	}
}

static void patch_apply_does_not_multiply_without_end(void **state)
{
	autojval struct jval *doc = parsed("{\"a\":\"0123456789\"}");
	autojval struct jval *ops = jval_new_array();
	struct err err = ERR_INIT;

	(void)state;
	for (int i = 0; i < 100; i++)
		jval_append(ops, jval_pack("{s:s, s:s, s:o}", "op", "copy",
					   "from", "", "path",
					   jval_new_str(i % 2 ? "/a" : "/b")));
	assert_int_equal(patch_apply(&doc, ops, &err), -1);
	assert_error(&err, ERR_INVALID, "copies make too much of it");
}

static void patch_apply_does_not_nest_without_end(void **state)
{
	autojval struct jval *doc = jval_new_object();
	autojval struct jval *ops = jval_new_array();
	struct err err = ERR_INIT;

	(void)state;
	for (int i = 0; i < 600; i++) {
		autofree char *name = mem_printf("n%d", i);
		autofree char *from = mem_printf("/n%d", i);
		autofree char *path = mem_printf("/n%d/x", i + 1);

		jval_set(doc, name, jval_new_object());
		jval_append(ops, jval_pack("{s:s, s:s, s:s}", "op", "move",
					   "from", from, "path", path));
	}
	jval_set(doc, "n600", jval_new_object());
	assert_int_equal(patch_apply(&doc, ops, &err), -1);
	assert_error(&err, ERR_INVALID, "too deep");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patch_merge_gives_the_examples_of_the_rfc),
		cmocka_unit_test(
			patch_merge_begins_with_nothing_and_shares_nothing),
		cmocka_unit_test(patch_apply_does_each_operation),
		cmocka_unit_test(
			patch_apply_does_nothing_where_one_operation_fails),
		cmocka_unit_test(patch_apply_does_not_multiply_without_end),
		cmocka_unit_test(patch_apply_does_not_nest_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
