#include "unit.h"

#include "base/mem.h"
#include "bundle/overlay_merge.h"
#include "format/yaml.h"

static struct jval *value_of(const char *text)
{
	struct err err = ERR_INIT;
	struct jval *value = yaml_parse(text, strlen(text), &err);

	assert_done(value, &err);
	return value;
}

/* `patch` over `before` gives `after`. */
static void assert_merged(const char *before, const char *patch,
			  const char *after)
{
	autojval struct jval *object = value_of(before);
	autojval struct jval *change = value_of(patch);
	autojval struct jval *wanted = value_of(after);
	autofree char *result = NULL;
	autofree char *wanted_text = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(overlay_merge(object, change, &err), 1);
	result = jval_text(object, true);
	wanted_text = jval_text(wanted, true);
	assert_string_equal(result, wanted_text);
}

static void assert_refused(const char *before, const char *patch,
			   const char *message)
{
	autojval struct jval *object = value_of(before);
	autojval struct jval *change = value_of(patch);
	struct err err = ERR_INIT;

	assert_int_equal(overlay_merge(object, change, &err), -1);
	assert_int_equal(err.kind, ERR_INVALID);
	assert_non_null(strstr(err.msg, message));
}

#define POD "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
#define CUSTOM "apiVersion: x.io/v1\nkind: Pod\nmetadata: {name: p}\n"

static void merge_finds_elements_by_their_key(void **state)
{
	(void)state;
	assert_merged(POD "spec: {containers: [{name: a, x: 1}, {name: b}]}",
		      "spec: {containers: [{name: c}, {name: a, y: 2}]}",
		      POD "spec: {containers: [{name: c}, "
			  "{name: a, x: 1, y: 2}, {name: b}]}");
	assert_merged(POD "spec: {containers: [{name: a, "
			  "env: [{name: k, value: v}]}]}",
		      "spec: {containers: [{name: a, "
		      "env: [{name: k, $patch: delete}]}]}",
		      POD "spec: {containers: [{name: a, env: []}]}");
}

static void merge_replaces_lists_of_custom_resources(void **state)
{
	(void)state;
	assert_merged(CUSTOM "spec: {containers: [{name: a}, {name: b}]}",
		      "spec: {containers: [{name: c}], gone: null}",
		      CUSTOM "spec: {containers: [{name: c}]}");
}

static void merge_keeps_what_names_the_object(void **state)
{
	(void)state;
	assert_merged(POD, "kind: Other\nmetadata: {name: q, namespace: n}",
		      POD);
	assert_merged(POD "spec: {a: 1}", "{$patch: replace, spec: {b: 1}}",
		      POD "spec: {b: 1}");
}

static void merge_takes_values_out_of_lists_of_texts(void **state)
{
	static const char before[] =
		"apiVersion: v1\nkind: Pod\n"
		"metadata: {name: p, finalizers: [a, b, c]}\n";

	(void)state;
	assert_merged(before,
		      "metadata: {$deleteFromPrimitiveList/finalizers: "
		      "[a, c]}",
		      "apiVersion: v1\nkind: Pod\n"
		      "metadata: {name: p, finalizers: [b]}\n");
	assert_merged(before, "metadata: {finalizers: [d, b]}",
		      "apiVersion: v1\nkind: Pod\n"
		      "metadata: {name: p, finalizers: [d, b, a, c]}\n");
}

static void merge_retains_the_keys_it_is_told(void **state)
{
	(void)state;
	assert_merged(POD "spec: {volumes: [{name: v, secret: {}}]}",
		      "spec: {volumes: [{name: v, $retainKeys: "
		      "[name, emptyDir], emptyDir: {}}]}",
		      POD "spec: {volumes: [{name: v, emptyDir: {}}]}");
}

static void merge_tells_that_the_object_goes(void **state)
{
	autojval struct jval *object = value_of(POD);
	autojval struct jval *patch = value_of("{$patch: delete}");
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(overlay_merge(object, patch, &err), 0);
}

static void merge_refuses_what_cannot_be_meant(void **state)
{
	(void)state;
	assert_refused(POD "spec: {a: {b: 1}}", "spec: {a: [1]}",
		       "'spec.a' is of type object, in the patch array");
	assert_refused(POD, "spec: {$patch: away}", "'spec' has a '$patch'");
	assert_refused(POD, "spec: {containers: [{image: x}]}",
		       "'spec.containers' has an element without 'name'");
	assert_refused(POD, "spec: {containers: [{name: a, $patch: replace}]}",
		       "'$patch: replace'");
	assert_refused(POD, "spec: {$setElementOrder/containers: [a]}",
		       "'$setElementOrder'");
	assert_refused(POD, "spec: {tolerations: [{$patch: delete, key: a}]}",
		       "'spec.tolerations' is replaced as a whole");
	assert_refused(POD, "spec: {$retainKeys: a}", "'$retainKeys'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merge_finds_elements_by_their_key),
		cmocka_unit_test(merge_replaces_lists_of_custom_resources),
		cmocka_unit_test(merge_keeps_what_names_the_object),
		cmocka_unit_test(merge_takes_values_out_of_lists_of_texts),
		cmocka_unit_test(merge_retains_the_keys_it_is_told),
		cmocka_unit_test(merge_tells_that_the_object_goes),
		cmocka_unit_test(merge_refuses_what_cannot_be_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
