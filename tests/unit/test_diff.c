#include "unit.h"

#include "base/file.h"
#include "base/mem.h"
#include "format/yaml.h"
#include "txn/diff.h"

#include <fcntl.h>

static struct jval *parsed(const char *text)
{
	struct err err = ERR_INIT;
	struct jval *value = yaml_parse(text, strlen(text), &err);

	assert_done(value != NULL, &err);
	return value;
}

/* NULL = there is no such object. */
static void assert_diff(const char *before, const char *after,
			const char *expected)
{
	autojval struct jval *was = before ? parsed(before) : NULL;
	autojval struct jval *is = after ? parsed(after) : NULL;
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	bool differs = diff_objects(&out, was, is);

	assert_string_equal(buf_str(&out), expected);
	assert_int_equal(differs, *expected != '\0');
}

static void diff_folds_what_stays_and_names_where_it_is(void **state)
{
	static const char form[] = "apiVersion: apps/v1\n"
				   "kind: Deployment\n"
				   "metadata: {name: d}\n"
				   "spec:\n"
				   "  replicas: 1\n"
				   "  template:\n"
				   "    spec:\n"
				   "      containers:\n"
				   "      - args: [--x]\n"
				   "        env: []\n"
				   "        image: registry.local/dws:%s\n"
				   "        name: manager\n"
				   "        tty: true\n"
				   "      zone: a\n";
	autofree char *before = mem_printf(form, "0.0.20");
	autofree char *after = mem_printf(form, "0.1.17");

	(void)state;
	assert_diff(before, after,
		    "@@ spec.template.spec.containers[0] @@\n"
		    "       - args:\n"
		    "         - --x\n"
		    "         env: []\n"
		    "-        image: registry.local/dws:0.0.20\n"
		    "+        image: registry.local/dws:0.1.17\n"
		    "         name: manager\n"
		    "         tty: true\n"
		    "       zone: a\n");
}

static void diff_parts_that_are_far_apart_have_a_place_each(void **state)
{
	assert_diff("{a: 1, b: {c: [1, 2, 3, 4, 5, 6, 7], d: x}}",
		    "{a: 2, b: {c: [1, 2, 3, 4, 5, 6, 7], d: y}}",
		    "-a: 1\n"
		    "+a: 2\n"
		    " b:\n"
		    "   c:\n"
		    "   - 1\n"
		    "@@ b @@\n"
		    "   - 5\n"
		    "   - 6\n"
		    "   - 7\n"
		    "-  d: x\n"
		    "+  d: \"y\"\n");
	(void)state;
}

static void diff_of_what_is_new_or_goes_is_all_of_it(void **state)
{
	(void)state;
	assert_diff(NULL, "{kind: X, spec: {a: [[1, {b: c}], \"u\\nv\"]}}",
		    "+kind: X\n"
		    "+spec:\n"
		    "+  a:\n"
		    "+  - - 1\n"
		    "+    - b: c\n"
		    "+  - |-\n"
		    "+    u\n"
		    "+    v\n");
	assert_diff("{kind: X}", NULL, "-kind: X\n");
	assert_diff(NULL, NULL, "");
}

static void diff_passes_over_what_a_server_writes(void **state)
{
	(void)state;
	assert_diff(
		"{kind: X, metadata: {name: n}, spec: {a: 1, b: 2}}",
		"kind: X\n"
		"metadata:\n"
		"  annotations: {kubectl.kubernetes.io/last-applied-configuration: x}\n"
		"  creationTimestamp: '2026-01-01T00:00:00Z'\n"
		"  generation: 3\n"
		"  managedFields: [{manager: m}]\n"
		"  name: n\n"
		"  resourceVersion: '7'\n"
		"  selfLink: /x\n"
		"  uid: u\n"
		"spec: {b: 2, a: 1}\n"
		"status: {s: t}\n",
		"");
	assert_diff(
		"{spec: {template: {metadata: {labels: {a: b}}}}}",
		"{spec: {template: {metadata: {creationTimestamp: null, labels: {a: b}}}}}",
		"");
	assert_diff(
		"{metadata: {annotations: {a: b}}}",
		"{metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: x}}}",
		"-metadata:\n"
		"-  annotations:\n"
		"-    a: b\n"
		"+metadata: {}\n");
}

static void diff_shows_no_secret(void **state)
{
	(void)state;
	assert_diff(
		"{kind: Secret, data: {a.b: b2xk, same: c2FtZQ==, old: eA==}}",
		"{kind: Secret, data: {a.b: bmV3, same: c2FtZQ==}, stringData: {n: plain}}",
		" data:\n"
		"-  a.b: \"***\"\n"
		"-  old: \"***\"\n"
		"+  a.b: \"*** (changed)\"\n"
		"   same: \"***\"\n"
		" kind: Secret\n"
		"+stringData:\n"
		"+  \"n\": \"***\"\n");
	assert_diff(NULL, "{kind: Secret, data: {k: c2VjcmV0}}",
		    "+data:\n"
		    "+  k: \"***\"\n"
		    "+kind: Secret\n");
	assert_diff("{webhooks: [{clientConfig: {caBundle: QQ==, url: x}}]}",
		    "{webhooks: [{clientConfig: {caBundle: Qg==, url: y}}]}",
		    " webhooks:\n"
		    " - clientConfig:\n"
		    "-    caBundle: \"***\"\n"
		    "-    url: x\n"
		    "+    caBundle: \"*** (changed)\"\n"
		    "+    url: \"y\"\n");
}

static void diff_of_large_definitions_is_quick_and_whole(void **state)
{
	static const char *const paths[] = {
		"manifests/dws/0.0.20/crd-workflows.yaml",
		"manifests/dws/0.1.17/crd-workflows.yaml",
	};
	struct jval *crd[2];
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		autofree char *text = NULL;
		size_t len;

		assert_done(file_read(AT_FDCWD, paths[i], BUF_TEXT_MAX, &text,
				      &len, &err) == 0,
			    &err);
		crd[i] = parsed(text);
	}
	assert_true(diff_objects(&out, crd[0], crd[1]));
	assert_non_null(strstr(buf_str(&out), "\n-    name: v1alpha2\n"));
	assert_non_null(strstr(buf_str(&out), "\n+    name: v1alpha7\n"));
	jval_free(crd[0]);
	jval_free(crd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(diff_folds_what_stays_and_names_where_it_is),
		cmocka_unit_test(
			diff_parts_that_are_far_apart_have_a_place_each),
		cmocka_unit_test(diff_of_what_is_new_or_goes_is_all_of_it),
		cmocka_unit_test(diff_passes_over_what_a_server_writes),
		cmocka_unit_test(diff_shows_no_secret),
		cmocka_unit_test(diff_of_large_definitions_is_quick_and_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
