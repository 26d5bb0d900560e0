#include "unit.h"

#include "base/mem.h"
#include "kube/object.h"

static struct jval *parsed(const char *text)
{
	struct err err = ERR_INIT;
	struct jval *value = jval_parse(text, strlen(text), &err);

	assert_done(value != NULL, &err);
	return value;
}

static void object_label_is_as_kubectl_prints_it(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"x\"}}",
		  "deployment.apps/x" },
		{ "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"y\"}}",
		  "configmap/y" },
		{ "{}", "/" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autojval struct jval *object = parsed(cases[i][0]);
		autofree char *label = object_label(object);

		assert_string_equal(label, cases[i][1]);
	}
}

static void object_fields_are_never_null_but_the_namespace(void **state)
{
	autojval struct jval *object = parsed("{\"metadata\":3}");
	char group[8];

	(void)state;
	object_group(object, group, sizeof(group));
	assert_string_equal(group, "");
	assert_string_equal(object_kind(object), "");
	assert_string_equal(object_name(object), "");
	assert_string_equal(object_api_version(object), "");
	assert_null(object_namespace(object));
}

static void object_sorted_keeps_the_order_within_a_rank(void **state)
{
	autojval struct jval *objects = parsed(
		"[{\"kind\":\"ValidatingWebhookConfiguration\"},"
		"{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"b\"}},"
		"{\"kind\":\"Workflow\"},"
		"{\"kind\":\"Deployment\",\"metadata\":{\"name\":\"a\"}},"
		"{\"kind\":\"ClusterRoleBinding\"},{\"kind\":\"Role\"},"
		"{\"kind\":\"Service\"},{\"kind\":\"Secret\"},"
		"{\"kind\":\"Certificate\"},{\"kind\":\"Issuer\"},"
		"{\"kind\":\"CustomResourceDefinition\"},"
		"{\"kind\":\"ServiceAccount\"},{\"kind\":\"Namespace\"}]");
	static const char *const kinds[] = {
		"Namespace",
		"CustomResourceDefinition",
		"ServiceAccount",
		"Role",
		"ClusterRoleBinding",
		"Secret",
		"Service",
		"Issuer",
		"Certificate",
		"Deployment",
		"Deployment",
		"Workflow",
		"ValidatingWebhookConfiguration",
	};
	autojval struct jval *sorted = object_sorted(objects);

	(void)state;
	assert_int_equal(jval_len(sorted), ARRAY_SIZE(kinds));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		assert_string_equal(object_kind(jval_at(sorted, i)), kinds[i]);
	assert_string_equal(object_name(jval_at(sorted, 9)), "b");
	assert_string_equal(object_name(jval_at(sorted, 10)), "a");
}

static void object_condition_finds_by_type(void **state)
{
	autojval struct jval *object = parsed(
		"{\"status\":{\"conditions\":[{\"type\":\"A\"},{\"type\":\"B\",\"status\":\"True\"}]}}");

	(void)state;
	assert_string_equal(jval_str(object_condition(object, "B"), "status"),
			    "True");
	assert_null(object_condition(object, "C"));
	assert_null(object_condition(NULL, "C"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(object_label_is_as_kubectl_prints_it),
		cmocka_unit_test(
			object_fields_are_never_null_but_the_namespace),
		cmocka_unit_test(object_sorted_keeps_the_order_within_a_rank),
		cmocka_unit_test(object_condition_finds_by_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
