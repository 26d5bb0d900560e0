/*
 * Run with two files, a CRD and objects (one a line, JSON), it tells of each
 * whether the CRD takes it as it is: tests/cli/test_schema.sh compares that with
 * what the API server says.
 */
#include "unit.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strs.h"
#include "bundle/schema.h"

static void tell(void *ctx, const char *field, const char *why)
{
	strs_addf(ctx, "%s %s", field, why);
}

static struct jval *value_of(const char *text)
{
	struct err err = ERR_INIT;
	struct jval *value = jval_parse(text, strlen(text), &err);

	assert_done(value != NULL, &err);
	return value;
}

/* The first complaint, or "" when there is none; the caller's. */
static char *verdict(const char *schema_text, const char *object_text)
{
	autojval struct jval *schema = value_of(schema_text);
	autojval struct jval *object = value_of(object_text);
	auto_strs struct strs lines = STRS_INIT;
	size_t nr = schema_check(schema, object, tell, &lines);

	assert_int_equal(nr, lines.nr);
	return strs_join(&lines, "; ");
}

struct example {
	const char *field; /* schema of member f */
	const char *value; /* of f */
	const char *why;   /* of the complaint; NULL = it is taken */
};

static const struct example examples[] = {
	{ "{'type':'string'}", "'a'", NULL },
	{ "{'type':'string'}", "1", "must be of type string, and is integer" },
	{ "{'type':'string'}", "null", NULL },
	{ "{'type':'array','items':{'type':'string'}}", "[null]",
	  "f[0] must be of type string, and is null" },
	{ "{'type':'object','required':['g'],"
	  "'properties':{'g':{'type':'string'}}}",
	  "{'g':null}", "f.g is required" },
	{ "{'type':'string','nullable':true}", "null", NULL },
	{ "{'type':'string','default':'a'}", "null", NULL },
	{ "{'type':'boolean'}", "'true'", "must be of type boolean" },
	{ "{'type':'integer'}", "1.5", "must be of type integer" },
	{ "{'type':'integer'}", "2.0", NULL },
	{ "{'type':'number'}", "2", NULL },
	{ "{'type':'object'}", "[]", "must be of type object, and is array" },
	{ "{'x-kubernetes-int-or-string':true}", "1", NULL },
	{ "{'x-kubernetes-int-or-string':true}", "'1-5'", NULL },
	{ "{'x-kubernetes-int-or-string':true}", "true",
	  "must be an integer or a string" },
	{ "{'type':'string','enum':['a','b']}", "'b'", NULL },
	{ "{'type':'string','enum':['a','b']}", "'c'",
	  "is \"c\", but must be one of [\"a\",\"b\"]" },
	{ "{'type':'integer','minimum':1,'maximum':10}", "10", NULL },
	{ "{'type':'integer','minimum':1}", "0", "must be at least 1" },
	{ "{'type':'integer','maximum':10}", "11", "must be at most 10" },
	{ "{'type':'integer','minimum':1,'exclusiveMinimum':true}", "1",
	  "must be greater than 1" },
	{ "{'type':'integer','maximum':1,'exclusiveMaximum':true}", "1",
	  "must be less than 1" },
	{ "{'type':'integer','multipleOf':5}", "15", NULL },
	{ "{'type':'integer','multipleOf':5}", "16",
	  "must be a multiple of 5" },
	{ "{'type':'string','maxLength':2}", "'äö'", NULL },
	{ "{'type':'string','maxLength':2}", "'abc'",
	  "must have at most 2 characters" },
	{ "{'type':'string','minLength':2}", "'a'",
	  "must have at least 2 characters" },
	{ "{'type':'string','pattern':'^[a-z]+\\\\d$'}", "'ab1'", NULL },
	{ "{'type':'string','pattern':'^[a-z]+\\\\d$'}", "'ab'",
	  "must match pattern" },
	{ "{'type':'string','pattern':'a(?=b)'}", "'ab'",
	  "cannot be checked against pattern" },
	{ "{'type':'string','format':'date-time'}", "'2026-11-23T03:55:00Z'",
	  NULL },
	{ "{'type':'string','format':'date-time'}", "'yesterday'",
	  "must be a time" },
	{ "{'type':'array','maxItems':1,'items':{'type':'string'}}",
	  "['a','b']", "must have at most 1 elements" },
	{ "{'type':'array','items':{'type':'string'}}", "['a',2]",
	  "f[1] must be of type string" },
	{ "{'type':'object','properties':{'g':{'type':'string'}}}", "{'h':1}",
	  "f.h is not known" },
	{ "{'type':'object','x-kubernetes-preserve-unknown-fields':true}",
	  "{'h':1}", NULL },
	{ "{'type':'object','additionalProperties':{'type':'integer'}}",
	  "{'h':1}", NULL },
	{ "{'type':'object','additionalProperties':{'type':'integer'}}",
	  "{'h':'1'}", "f.h must be of type integer" },
	{ "{'type':'object','additionalProperties':true}", "{'h':'1'}", NULL },
	{ "{'type':'object','required':['g']}", "{}", "f.g is required" },
	{ "{'type':'object','required':['g'],"
	  "'properties':{'g':{'type':'string','default':'a'}}}",
	  "{}", NULL },
	{ "{'type':'object','maxProperties':1,"
	  "'additionalProperties':{'type':'integer'}}",
	  "{'a':1,'b':2}", "must have at most 1 members" },
	{ "{'type':'object','x-kubernetes-embedded-resource':true,"
	  "'properties':{}}",
	  "{'apiVersion':'v1','kind':'K','metadata':{}}", NULL },
	{ "{'anyOf':[{'type':'integer'},{'type':'string'}]}", "true",
	  "must be as one of 'anyOf' says" },
	{ "{'type':'integer','allOf':[{'minimum':1},{'maximum':3}]}", "4",
	  "must be as all of 'allOf' say" },
	{ "{'type':'integer','oneOf':[{'minimum':1},{'maximum':3}]}", "2",
	  "must be as just one of 'oneOf' says" },
	{ "{'type':'integer','not':{'minimum':1}}", "2",
	  "must not be as 'not' says" },
};

/* JSON with ' for ", which reads better in C. */
static char *json(const char *fmt, const char *text)
{
	char *result = mem_printf(fmt, text);

	for (char *c = result; *c; c++)
		if (*c == '\'')
			*c = '"';
	return result;
}

static void schema_check_says_what_is_wrong_with_a_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		const struct example *example = &examples[i];
		autofree char *schema =
			json("{'type':'object','properties':{'f':%s}}",
			     example->field);
		autofree char *object = json("{'f':%s}", example->value);
		autofree char *why = verdict(schema, object);
		bool right = example->why ? strstr(why, example->why) != NULL :
					    str_empty(why);

		if (!right)
			print_error("%s with %s: '%s'\n", example->field,
				    example->value, why);
		assert_true(right);
	}
}

static void
schema_check_looks_not_at_what_the_server_itself_writes(void **state)
{
	autofree char *why = verdict("{\"type\":\"object\",\"properties\":{}}",
				     "{\"apiVersion\":\"a/v1\",\"kind\":\"K\","
				     "\"metadata\":{\"name\":\"x\"}}");

	(void)state;
	assert_string_equal(why, "");
}

static void schema_check_tells_every_fault_with_its_place(void **state)
{
	autofree char *why = verdict(
		"{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":"
		"\"object\",\"properties\":{\"list\":{\"type\":\"array\","
		"\"items\":{\"type\":\"object\",\"required\":[\"name\"]}}}}}}",
		"{\"spec\":{\"list\":[{\"x\":1}],\"y\":2},\"z\":3}");

	(void)state;
	assert_string_equal(why, "spec.list[0].name is required; "
				 "spec.list[0].x is not known; "
				 "spec.y is not known; z is not known");
}

static void schema_of_finds_a_version_or_the_one_that_is_stored(void **state)
{
	autojval struct jval *crd = value_of(
		"{\"spec\":{\"versions\":["
		"{\"name\":\"v1\",\"storage\":false,"
		"\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\"}}},"
		"{\"name\":\"v2\",\"storage\":true,"
		"\"schema\":{\"openAPIV3Schema\":{\"type\":\"array\"}}}]}}");

	(void)state;
	assert_string_equal(jval_str(schema_of(crd, NULL), "type"), "array");
	assert_string_equal(jval_str(schema_of(crd, "v1"), "type"), "object");
	assert_null(schema_of(crd, "v3"));
}

/* One line of objects, one of verdict. */
static int judge(const char *crd_file, const char *objects_file)
{
	struct err err = ERR_INIT;
	autofree char *crd_text = NULL;
	autofree char *text = NULL;
	autojval struct jval *crd = NULL;
	auto_strs struct strs objects = STRS_INIT;
	size_t len;

	if (file_read(AT_FDCWD, crd_file, 1 << 20, &crd_text, &len, &err) < 0 ||
	    file_read(AT_FDCWD, objects_file, 1 << 20, &text, NULL, &err) < 0)
		return 1;
	crd = jval_parse(crd_text, len, &err);
	strs_split(&objects, text, '\n');
	for (size_t i = 0; i < objects.nr; i++) {
		autojval struct jval *object = jval_parse(
			objects.item[i], strlen(objects.item[i]), &err);
		auto_strs struct strs lines = STRS_INIT;
		autofree char *why = NULL;

		schema_check(schema_of(crd, NULL), object, tell, &lines);
		why = strs_join(&lines, "; ");
		printf("%s\n", lines.nr == 0 ? "taken" : why);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_check_says_what_is_wrong_with_a_value),
		cmocka_unit_test(
			schema_check_looks_not_at_what_the_server_itself_writes),
		cmocka_unit_test(schema_check_tells_every_fault_with_its_place),
		cmocka_unit_test(
			schema_of_finds_a_version_or_the_one_that_is_stored),
	};

	if (argc == 3)
		return judge(argv[1], argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
