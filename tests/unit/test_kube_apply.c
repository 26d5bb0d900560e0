/* What apply does to an object before it goes out: apply_object.c,
 * takeover.c, crd.c. */
#include "unit.h"

#include "base/mem.h"
#include "format/yaml.h"
#include "kube/apply_object.h"
#include "kube/crd.h"
#include "kube/takeover.h"

static struct jval *parsed(const char *text)
{
	struct err err = ERR_INIT;
	struct jval *value = yaml_parse(text, strlen(text), &err);

	assert_done(value != NULL, &err);
	return value;
}

static void assert_same(const struct jval *value, const char *yaml)
{
	autojval struct jval *expected = parsed(yaml);
	autofree char *text = jval_text(value, false);

	if (!jval_equal(value, expected))
		fail_msg("%s", text);
}

static void apply_prepare_names_what_the_server_would(void **state)
{
	static const char *const cases[][2] = {
		{ "{apiVersion: v1, kind: Service, spec: {ports: [{port: 1}, {port: 2, protocol: UDP}]}}",
		  "{apiVersion: v1, kind: Service, spec: {ports: [{port: 1, protocol: TCP}, {port: 2, protocol: UDP}]}}" },
		{ "{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{ports: [{containerPort: 1}]}, {}]}}}}",
		  "{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{ports: [{containerPort: 1, protocol: TCP}]}, {}]}}}}" },
		{ "{apiVersion: x/v1, kind: Service, spec: {ports: [{port: 1}], containers: [{ports: [{}]}]}}",
		  "{apiVersion: x/v1, kind: Service, spec: {ports: [{port: 1}], containers: [{ports: [{}]}]}}" },
		{ "{apiVersion: a/v1, kind: MutatingWebhookConfiguration, webhooks: [{rules: [{}, {scope: Cluster}]}]}",
		  "{apiVersion: a/v1, kind: MutatingWebhookConfiguration, webhooks: [{rules: [{scope: '*'}, {scope: Cluster}]}]}" },
		{ "{apiVersion: v1, kind: X, metadata: {creationTimestamp: null, name: n}, status: {a: 1}}",
		  "{apiVersion: v1, kind: X, metadata: {name: n}}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autojval struct jval *object = parsed(cases[i][0]);
		autojval struct jval *prepared = apply_prepare(object);

		assert_same(prepared, cases[i][1]);
		assert_same(object, cases[i][0]);
	}
}

static void takeover_makes_client_side_fields_ours(void **state)
{
	autojval struct jval *object = parsed(
		"metadata:\n"
		"  resourceVersion: '5'\n"
		"  annotations: {kubectl.kubernetes.io/last-applied-configuration: x}\n"
		"  managedFields:\n"
		"  - {manager: kube-controller-manager, operation: Update, fieldsV1: {f:status: {}}}\n"
		"  - {manager: kubectl-client-side-apply, operation: Update, apiVersion: v1, fieldsV1: {f:a: {}}}\n");
	autojval struct jval *patch = takeover_patch(object, "me");

	(void)state;
	assert_same(
		patch,
		"- {op: replace, path: /metadata/resourceVersion, value: '5'}\n"
		"- {op: remove, path: /metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration}\n"
		"- op: replace\n"
		"  path: /metadata/managedFields\n"
		"  value:\n"
		"  - {manager: kube-controller-manager, operation: Update, fieldsV1: {f:status: {}}}\n"
		"  - {manager: me, operation: Apply, apiVersion: v1, fieldsV1: {f:a: {}}}\n");
}

static void takeover_joins_with_what_is_ours_already(void **state)
{
	autojval struct jval *object = parsed(
		"metadata:\n"
		"  resourceVersion: '5'\n"
		"  managedFields:\n"
		"  - {manager: kubectl-client-side-apply, operation: Update, fieldsV1: {f:a: {f:x: {}}, f:c: {}}}\n"
		"  - {manager: me, operation: Apply, fieldsV1: {f:a: {f:y: {}}, f:b: {}}}\n");
	autojval struct jval *patch = takeover_patch(object, "me");

	(void)state;
	assert_same(
		patch,
		"- {op: replace, path: /metadata/resourceVersion, value: '5'}\n"
		"- op: replace\n"
		"  path: /metadata/managedFields\n"
		"  value:\n"
		"  - {manager: me, operation: Apply, fieldsV1: {f:a: {f:x: {}, f:y: {}}, f:b: {}, f:c: {}}}\n");
}

static void takeover_leaves_alone_what_others_own(void **state)
{
	static const char *const cases[] = {
		"metadata: {resourceVersion: '1'}\n",
		/* Without the annotation it was no apply: edit, scale, ... */
		"metadata: {resourceVersion: '1', managedFields: [{manager: kubectl, operation: Update, fieldsV1: {}}]}\n",
		"metadata: {resourceVersion: '1', managedFields: [{manager: me, operation: Apply, fieldsV1: {}}]}\n",
		"metadata: {resourceVersion: '1', managedFields: [{manager: kubectl-client-side-apply, operation: Update, subresource: status}]}\n",
		"{}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autojval struct jval *object = parsed(cases[i]);

		assert_null(takeover_patch(object, "me"));
	}
}

static void crd_brings_its_own_kind_only(void **state)
{
	autojval struct jval *objects = parsed(
		"- {kind: CustomResourceDefinition, spec: {group: g.io, names: {kind: Thing}}}\n");
	autojval struct jval *thing =
		parsed("{apiVersion: g.io/v1, kind: Thing}");
	autojval struct jval *other =
		parsed("{apiVersion: h.io/v1, kind: Thing}");

	(void)state;
	assert_true(crd_brings(objects, thing));
	assert_false(crd_brings(objects, other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(apply_prepare_names_what_the_server_would),
		cmocka_unit_test(takeover_makes_client_side_fields_ours),
		cmocka_unit_test(takeover_joins_with_what_is_ours_already),
		cmocka_unit_test(takeover_leaves_alone_what_others_own),
		cmocka_unit_test(crd_brings_its_own_kind_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
