#include "unit.h"

#include "bundle/overlay_select.h"
#include "format/yaml.h"

static const char thing[] =
	"apiVersion: apps/v1\nkind: Deployment\n"
	"metadata: {name: dws-webhook, namespace: dws-system, "
	"labels: {a: '1', b: '2'}, annotations: {x.io/y: z}}\n";

static struct jval *value_of(const char *text)
{
	struct err err = ERR_INIT;
	struct jval *value = yaml_parse(text, strlen(text), &err);

	assert_done(value, &err);
	return value;
}

static void target_matches_the_whole_of_each_name(void **state)
{
	static const struct {
		const char *target;
		bool matches;
	} cases[] = {
		{ "{}", true },
		{ "{kind: Deployment}", true },
		{ "{kind: Deploy}", false },
		{ "{kind: Deploy.*}", true },
		{ "{kind: Deployment|Service}", true },
		{ "{kind: Service|Deployment}", true },
		{ "{name: webhook}", false },
		{ "{name: 'dws-(webhook|other)'}", true },
		{ "{group: apps, version: v1}", true },
		{ "{group: batch}", false },
		{ "{version: v1beta1}", false },
		{ "{namespace: dws-system}", true },
		{ "{namespace: default}", false },
		{ "{name: ''}", true },
		{ "{labelSelector: a}", true },
		{ "{labelSelector: '!a'}", false },
		{ "{labelSelector: '!c'}", true },
		{ "{labelSelector: 'a=1,b==2'}", true },
		{ "{labelSelector: 'a=1,b=3'}", false },
		{ "{labelSelector: 'a!=2'}", true },
		{ "{labelSelector: 'c!=2'}", true },
		{ "{labelSelector: 'a in (0, 1),b notin (1)'}", true },
		{ "{labelSelector: 'a notin (1)'}", false },
		{ "{labelSelector: 'c in (1)'}", false },
		{ "{annotationSelector: 'x.io/y=z'}", true },
		{ "{annotationSelector: 'x.io/y in ()'}", false },
	};
	autojval struct jval *object = value_of(thing);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autojval struct jval *target = value_of(cases[i].target);
		struct err err = ERR_INIT;

		assert_done(overlay_target_check(target, &err) == 0, &err);
		if (overlay_target_matches(target, object) != cases[i].matches)
			fail_msg("%s", cases[i].target);
	}
}

static void target_refuses_what_would_mean_something_else(void **state)
{
	static const struct {
		const char *target;
		const char *message;
	} cases[] = {
		{ "{name: '(?i)dws'}", "target's name" },
		{ "{name: 'dws\\d'}", "target's name" },
		{ "{kind: '['}", "target's kind" },
		{ "{kind: 1}", "'kind' is no text" },
		{ "{labelSelector: 'a in b'}", "target's labelSelector" },
		{ "{labelSelector: 'a b'}", "target's labelSelector" },
		{ "{labelSelector: 'a,'}", "target's labelSelector" },
		{ "{labelSelector: ',a'}", "target's labelSelector" },
		{ "{annotationSelector: 'a in (b'}", "annotationSelector" },
		{ "{nam: a}", "'target.nam' is not supported" },
		{ "[]", "'target' is no object" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autojval struct jval *target = value_of(cases[i].target);
		struct err err = ERR_INIT;

		assert_int_equal(overlay_target_check(target, &err), -1);
		assert_int_equal(err.kind, ERR_INVALID);
		if (strstr(err.msg, cases[i].message) == NULL)
			fail_msg("%s: %s", cases[i].target, err.msg);
	}
}

static void same_object_means_one_namespace_and_version(void **state)
{
	autojval struct jval *a =
		value_of("{apiVersion: v1, kind: Pod, metadata: {name: p}}");
	autojval struct jval *in_default =
		value_of("{apiVersion: v1, kind: Pod, "
			 "metadata: {name: p, namespace: default}}");
	autojval struct jval *elsewhere =
		value_of("{apiVersion: v1, kind: Pod, "
			 "metadata: {name: p, namespace: n}}");
	autojval struct jval *other =
		value_of("{apiVersion: v2, kind: Pod, metadata: {name: p}}");

	(void)state;
	assert_true(overlay_same_object(a, in_default));
	assert_false(overlay_same_object(a, elsewhere));
	assert_false(overlay_same_object(a, other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(target_matches_the_whole_of_each_name),
		cmocka_unit_test(target_refuses_what_would_mean_something_else),
		cmocka_unit_test(same_object_means_one_namespace_and_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
