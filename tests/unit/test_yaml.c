#include "unit.h"

#include "base/mem.h"
#include "format/yaml.h"

/* The compact JSON of all documents, or an error's text. */
static char *as_json(const char *yaml)
{
	struct err err = ERR_INIT;
	autojval struct jval *all = yaml_parse_all(yaml, strlen(yaml), &err);

	return all ? jval_text(all, false) : mem_strdup(err.msg);
}

static void assert_json(const char *yaml, const char *json)
{
	autofree char *text = as_json(yaml);

	assert_string_equal(text, json);
}

static void yaml_reads_what_kubernetes_tools_write(void **state)
{
	static const char *const cases[][2] = {
		{ "a: 1\nb:\n- x\n- y: z\n  w: [1, {q: r}]\n",
		  "[{\"a\":1,\"b\":[\"x\",{\"y\":\"z\",\"w\":[1,{\"q\":"
		  "\"r\"}]}]}]" },
		{ "# comment\n---\na: b # c\n...\n---\n# none\n---\n- 1\n",
		  "[{\"a\":\"b\"},[1]]" },
		{ "", "[]" },
		{ "---\n---\n", "[]" },
		{ "--- null\n", "[null]" },
		{ "a: |\n  x\n   y\n\n  z\nb: |-\n  x\nc: |+\n  x\n\nd: >\n"
		  "  x\n  y\n",
		  "[{\"a\":\"x\\n y\\n\\nz\\n\",\"b\":\"x\",\"c\":\"x\\n\\n\","
		  "\"d\":\"x y\\n\"}]" },
		{ "a: 'it''s'\nb: \"t\\tn\\n\\u00e4\"\nc: x y\n",
		  "[{\"a\":\"it's\",\"b\":\"t\\tn\\n\xc3\xa4\","
		  "\"c\":\"x y\"}]" },
		{ "args:\n- --leader-elect\n- --bind=:8443\n- -v=2\n",
		  "[{\"args\":[\"--leader-elect\",\"--bind=:8443\","
		  "\"-v=2\"]}]" },
		{ "? a\n: b\n", "[{\"a\":\"b\"}]" },
		{ "a:\nb: {}\nc: []\nd: \"\"\n",
		  "[{\"a\":null,\"b\":{},\"c\":[],\"d\":\"\"}]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_json(cases[i][0], cases[i][1]);
}

static void yaml_resolves_plain_words_by_the_core_schema(void **state)
{
	static const char *const cases[][2] = {
		{ "~", "null" },
		{ "null", "null" },
		{ "Null", "null" },
		{ "NULL", "null" },
		{ "nUll", "\"nUll\"" },
		{ "true", "true" },
		{ "True", "true" },
		{ "TRUE", "true" },
		{ "false", "false" },
		{ "False", "false" },
		{ "FALSE", "false" },
		{ "tRue", "\"tRue\"" },
		{ "y", "\"y\"" },
		{ "N", "\"N\"" },
		{ "yes", "\"yes\"" },
		{ "No", "\"No\"" },
		{ "on", "\"on\"" },
		{ "OFF", "\"OFF\"" },
		{ "0", "0" },
		{ "-0", "0" },
		{ "+12", "12" },
		{ "-7", "-7" },
		{ "0x1F", "31" },
		{ "-0x10", "-16" },
		{ "0o17", "15" },
		{ "0644", "420" },
		{ "0899", "899" },
		{ "0o8", "\"0o8\"" },
		{ "0x", "\"0x\"" },
		{ "1_000", "\"1_000\"" },
		{ "1:30", "\"1:30\"" },
		{ "0.0.20", "\"0.0.20\"" },
		{ "10.0.0.1", "\"10.0.0.1\"" },
		{ "64Mi", "\"64Mi\"" },
		{ "500m", "\"500m\"" },
		{ "1.5", "1.5" },
		{ ".5", "0.5" },
		{ "2.", "2.0" },
		{ "1e3", "1000.0" },
		{ "-1.5E-1", "-0.15" },
		{ "1e", "\"1e\"" },
		{ ".", "\".\"" },
		{ "-", "[null]" },
		{ "+", "\"+\"" },
		{ "2001-12-14", "\"2001-12-14\"" },
		{ "<<", "\"<<\"" },
		{ "=", "\"=\"" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "'12'", "\"12\"" },
		{ "\"true\"", "\"true\"" },
		{ "!!str 12", "\"12\"" },
		{ "! 12", "\"12\"" },
		{ "!!int 12", "12" },
		{ "!!float 12", "12.0" },
		{ "!!int '0x1f'", "31" },
		{ "!!bool 'true'", "true" },
		{ "!!null ''", "null" },
		{ "!!map {}", "{}" },
		{ "!!seq []", "[]" },
		{ "!!str", "\"\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		autojval struct jval *value =
			yaml_parse(cases[i][0], strlen(cases[i][0]), &err);
		autojval struct jval *expected =
			jval_parse(cases[i][1], strlen(cases[i][1]), &err);

		assert_done(value && expected, &err);
		assert_string_equal(jval_type_name(value),
				    jval_type_name(expected));
		assert_true(jval_equal(value, expected));
	}
}

static void yaml_resolves_anchors_and_merge_keys(void **state)
{
	static const char *const cases[][2] = {
		{ "a: &x [1]\nb: *x\n", "[{\"a\":[1],\"b\":[1]}]" },
		{ "a: &x 1\nb: &x 2\nc: *x\n", "[{\"a\":1,\"b\":2,\"c\":2}]" },
		{ "&k key: &e\nb: *k\nc: *e\n",
		  "[{\"key\":null,\"b\":\"key\",\"c\":null}]" },
		{ "a: &x {p: 1, q: 2}\nb:\n  q: 3\n  <<: *x\n",
		  "[{\"a\":{\"p\":1,\"q\":2},\"b\":{\"q\":3,\"p\":1}}]" },
		{ "b:\n  <<: [{p: 1}, {p: 2, q: 3}]\n  q: 4\n",
		  "[{\"b\":{\"q\":4,\"p\":1}}]" },
		{ "'<<': 1\n", "[{\"<<\":1}]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_json(cases[i][0], cases[i][1]);
}

static void yaml_aliases_are_values_of_their_own(void **state)
{
	static const char text[] = "a: &x {p: 1}\nb: *x\nc: {<<: *x}\n";
	struct err err = ERR_INIT;
	autojval struct jval *value = yaml_parse(text, strlen(text), &err);
	autofree char *json = NULL;

	(void)state;
	assert_done(value != NULL, &err);
	jval_set_str(value, "b.p", "changed");
	json = jval_text(value, false);
	assert_string_equal(json, "{\"a\":{\"p\":1},\"b\":{\"p\":\"changed\"},"
				  "\"c\":{\"p\":1}}");
}

static void yaml_refuses_with_line_and_column(void **state)
{
	static const char *const cases[][2] = {
		{ "a: 1\nb: 2\na: 3\n",
		  "line 3, column 1: duplicate key; 'a' was set before" },
		{ "a:\n  1: x\n", "line 2, column 3: key is not a string" },
		{ "true: x\n", "line 1, column 1: key is not a string" },
		{ "[a]: x\n", "line 1, column 1: key is not a string" },
		{ "a: &x k\n*x : y\n", "line 2, column 1: key is not a" },
		{ "a: !local x\n", "line 1, column 4: this tag is not" },
		{ "a: !!binary aa==\n", "this tag is not supported" },
		{ "a: !!set {x}\n", "this tag is not supported" },
		{ "a: !x []\n", "this tag is not supported" },
		{ "a: !!int x\n", "value does not fit its tag" },
		{ "a: !!bool 1\n", "value does not fit its tag" },
		{ "a: *x\n", "line 1, column 4: alias of an unknown anchor" },
		{ "a: &x [*x]\n", "alias of an unknown anchor" },
		{ "a: &x 1\n---\na: *x\n", "line 3, column 4: alias of an" },
		{ "<<: 1\n", "merge key '<<' is not of mappings" },
		{ "<<: [{}, 1]\n", "merge key '<<' is not of mappings" },
		{ "<<: {}\n<<: {}\n", "line 2, column 1: duplicate merge" },
		{ "a: 9223372036854775808\n", "line 1, column 4: number is" },
		{ "a: -9223372036854775809\n", "number is out of range" },
		{ "a: 1e999\n", "number is out of range" },
		{ "a: .inf\n", "have no JSON form" },
		{ "a: -.INF\n", "have no JSON form" },
		{ "a: .NaN\n", "have no JSON form" },
		{ "a: \"x\\0y\"\n", "line 1, column 4: text holds a NUL" },
		{ "a: b\n c: d\n", "line 2, column 3: mapping values are" },
		{ "a: [1\n", "line 2" },
		{ "a: 'x\n", "line 2" },
		{ "\ta: 1\n", "line 1, column 1: found character" },
		{ "a: 1\nb: \xff\n", "line 2, column 4: invalid" },
		{ "a: 1\nb: \x01\n", "line 2, column 4: control" },
		{ "%YAML 2.0\n---\na\n", "line 1" },
		{ "a: {\"x\": 1, \"x\": 2}", "line 1, column 13: duplicate" },
		{ "{\"x\": 1, \"x\": 2}", "line 1, column 10: duplicate" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		assert_null(
			yaml_parse_all(cases[i][0], strlen(cases[i][0]), &err));
		assert_error(&err, ERR_INVALID, cases[i][1]);
	}
}

static void yaml_aliases_expand_to_a_limit(void **state)
{
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);
	struct err err = ERR_INIT;

	(void)state;
	buf_addstr(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++) {
		buf_addf(&text, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			buf_addf(&text, "*a%d, ", i - 1);
		buf_addstr(&text, "]\n");
	}
	assert_null(yaml_parse_all(buf_str(&text), text.len, &err));
	assert_error(&err, ERR_INVALID, "aliases expand to too much");
}

static void yaml_nests_to_a_limit(void **state)
{
	char text[2048] = "";
	struct err err = ERR_INIT;
	struct jval *value;

	(void)state;
	memset(text, '[', JVAL_MAX_DEPTH);
	memset(text + JVAL_MAX_DEPTH, ']', JVAL_MAX_DEPTH);
	value = yaml_parse(text, strlen(text), &err);
	assert_done(value != NULL, &err);
	jval_free(value);
	memset(text, '[', JVAL_MAX_DEPTH + 1);
	memset(text + JVAL_MAX_DEPTH + 1, ']', JVAL_MAX_DEPTH + 1);
	assert_null(yaml_parse(text, strlen(text), &err));
	assert_error(&err, ERR_INVALID, "nested too deep");
}

static void yaml_reads_json(void **state)
{
	assert_json(" \n\t{\"a\":\"\\ud83d\\ude00\\/\",\t\"b\":[1,null]}",
		    "[{\"a\":\"\xf0\x9f\x98\x80/\",\"b\":[1,null]}]");
	(void)state;
	assert_json("[\"a\", 1]", "[[\"a\",1]]");
	assert_json("{a: 1}\n---\n{\"b\": 2}", "[{\"a\":1},{\"b\":2}]");
}

static void yaml_parse_takes_one_document_only(void **state)
{
	static const char *const cases[][2] = {
		{ "", "0 YAML documents" },
		{ "---\n# nothing\n", "0 YAML documents" },
		{ "a: 1\n---\nb: 2\n", "2 YAML documents" },
	};
	struct err err = ERR_INIT;
	autojval struct jval *value = yaml_parse("---\na: 1\n---\n", 13, &err);

	(void)state;
	assert_done(value != NULL, &err);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_null(yaml_parse(cases[i][0], strlen(cases[i][0]), &err));
		assert_error(&err, ERR_INVALID, cases[i][1]);
	}
}

static char *dumped(const struct jval *value)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	yaml_dump(&out, value);
	return buf_steal(&out);
}

static void yaml_dumps_block_style(void **state)
{
	static const char *const cases[] = {
		"a: 1\nb:\n- x\n- v: z\n  w:\n  - 1\n  - - 2\n    - q: r\n"
		"c:\n  d: {}\n  e: []\n  f: null\n  g: true\n",
		"- a\n- - b\n- {}\n",
		"text: |\n  a\n\n    b\n  c\nmore: |-\n  a\n  b\nlast: |+\n"
		"  a\n\n",
		"- |\n  a\n  b\n- k: |-\n    a\n    b\n",
		"{}\n",
		"- 1.5\n- 1.0\n- 1.0e+30\n- 0.1\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		autojval struct jval *value =
			yaml_parse(cases[i], strlen(cases[i]), &err);
		autofree char *text = NULL;

		assert_done(value != NULL, &err);
		text = dumped(value);
		assert_string_equal(text, cases[i]);
	}
}

static void yaml_quotes_what_another_reader_could_mistake(void **state)
{
	static const char *const cases[][2] = {
		{ "plain text", "plain text\n" },
		{ "0.0.20", "0.0.20\n" },
		{ "64Mi", "64Mi\n" },
		{ "dws-system/x.y:z", "dws-system/x.y:z\n" },
		{ "--leader-elect", "--leader-elect\n" },
		{ "-v=2", "-v=2\n" },
		{ "", "\"\"\n" },
		{ "yes", "\"yes\"\n" },
		{ "Off", "\"Off\"\n" },
		{ "n", "\"n\"\n" },
		{ "NULL", "\"NULL\"\n" },
		{ "~", "\"~\"\n" },
		{ "12", "\"12\"\n" },
		{ "0644", "\"0644\"\n" },
		{ "1e3", "\"1e3\"\n" },
		{ "1_000", "\"1_000\"\n" },
		{ "1:30:00", "\"1:30:00\"\n" },
		{ "0b1", "\"0b1\"\n" },
		{ "2001-12-14", "\"2001-12-14\"\n" },
		{ "2001-12-14t21:59:43.10-05:00",
		  "\"2001-12-14t21:59:43.10-05:00\"\n" },
		{ ".inf", "\".inf\"\n" },
		{ "-.INF", "\"-.INF\"\n" },
		{ "=", "\"=\"\n" },
		{ "<<", "\"<<\"\n" },
		{ "a: b", "\"a: b\"\n" },
		{ "a #b", "\"a #b\"\n" },
		{ "a:", "\"a:\"\n" },
		{ " a", "\" a\"\n" },
		{ "a ", "\"a \"\n" },
		{ "- a", "\"- a\"\n" },
		{ "---", "\"---\"\n" },
		{ "*a", "\"*a\"\n" },
		{ "@a", "\"@a\"\n" },
		{ "{a}", "\"{a}\"\n" },
		{ "%a", "\"%a\"\n" },
		{ "!a", "\"!a\"\n" },
		{ "\"a\"", "'\"a\"'\n" },
		{ "it's \"a\": b", "'it''s \"a\": b'\n" },
		{ "a\tb", "\"a\\tb\"\n" },
		{ "\x01\x7f", "\"\\x01\\x7F\"\n" },
		{ "\xc3\xb6", "\"\xc3\xb6\"\n" },
		{ "\xc2\x85\xe2\x80\xa8\xef\xbb\xbf",
		  "\"\\x85\\u2028\\uFEFF\"\n" },
		{ "\xf0\x9f\xbf\xbf", "\"\\U0001FFFF\"\n" },
		{ "\n", "\"\\n\"\n" },
		{ " a\nb", "\" a\\nb\"\n" },
		{ "a\n  ", "\"a\\n  \"\n" },
		{ "a\r\nb", "\"a\\x0D\\nb\"\n" },
		{ "a\n\tb", "|-\n  a\n  \tb\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autojval struct jval *value = jval_new_str(cases[i][0]);
		autofree char *text = dumped(value);
		struct err err = ERR_INIT;
		autojval struct jval *back = NULL;

		assert_string_equal(text, cases[i][1]);
		back = yaml_parse(text, strlen(text), &err);
		assert_done(back != NULL, &err);
		assert_true(jval_equal(back, value));
	}
}

static void yaml_dumps_keys_of_any_length(void **state)
{
	autojval struct jval *value = jval_new_object();
	autojval struct jval *back = NULL;
	autofree char *text = NULL;
	struct err err = ERR_INIT;
	char name[3001];

	(void)state;
	memset(name, 'k', sizeof(name) - 1);
	for (size_t len = 3000; len > 200; len -= 700) {
		name[len] = '\0';
		jval_set(value, name, jval_pack("{s:[i,[i]]}", "a: b", 1, 2));
		name[len - 1] = '\0';
		jval_set(value, name, jval_pack("[s]", "x\ny"));
		name[len - 2] = '\0';
		jval_set(value, name, jval_new_str("x\ny"));
	}
	text = dumped(value);
	back = yaml_parse(text, strlen(text), &err);
	assert_done(back != NULL, &err);
	assert_true(jval_equal(back, value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_reads_what_kubernetes_tools_write),
		cmocka_unit_test(yaml_resolves_plain_words_by_the_core_schema),
		cmocka_unit_test(yaml_resolves_anchors_and_merge_keys),
		cmocka_unit_test(yaml_aliases_are_values_of_their_own),
		cmocka_unit_test(yaml_refuses_with_line_and_column),
		cmocka_unit_test(yaml_aliases_expand_to_a_limit),
		cmocka_unit_test(yaml_nests_to_a_limit),
		cmocka_unit_test(yaml_reads_json),
		cmocka_unit_test(yaml_parse_takes_one_document_only),
		cmocka_unit_test(yaml_dumps_block_style),
		cmocka_unit_test(yaml_quotes_what_another_reader_could_mistake),
		cmocka_unit_test(yaml_dumps_keys_of_any_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
