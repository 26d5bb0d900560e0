#include "unit.h"

#include "kube/object.h"
#include "txn/prune.h"

static struct jval *object(const char *api_version, const char *kind,
			   const char *ns, const char *name)
{
	return jval_pack("{s:s, s:s, s:{s:s, s:s?}}", "apiVersion", api_version,
			 "kind", kind, "metadata", "name", name, "namespace",
			 ns);
}

static void prune_names_what_is_no_longer_there_last_first(void **state)
{
	autojval struct jval *old =
		jval_pack("[o, o, o]", object("v1", "ServiceAccount", "x", "a"),
			  object("v1", "Service", "x", "b"),
			  object("v1", "Service", "x", "c"));
	autojval struct jval *now =
		jval_pack("[o]", object("v1", "Service", "x", "b"));
	autojval struct jval *list = prune_list(old, now);

	(void)state;
	assert_int_equal(jval_len(list), 2);
	assert_string_equal(object_name(jval_at(list, 0)), "c");
	assert_string_equal(object_name(jval_at(list, 1)), "a");
}

static void prune_takes_another_version_for_the_same_object(void **state)
{
	autojval struct jval *old = jval_pack(
		"[o]", object("cert-manager.io/v1alpha3", "Issuer", "x", "a"));
	autojval struct jval *now = jval_pack(
		"[o]", object("cert-manager.io/v1", "Issuer", "x", "a"));
	autojval struct jval *list = prune_list(old, now);

	(void)state;
	assert_int_equal(jval_len(list), 0);
}

static void prune_tells_groups_and_namespaces_apart(void **state)
{
	autojval struct jval *old =
		jval_pack("[o, o]", object("a/v1", "Issuer", "x", "n"),
			  object("v1", "Service", "x", "n"));
	autojval struct jval *now =
		jval_pack("[o, o]", object("b/v1", "Issuer", "x", "n"),
			  object("v1", "Service", "y", "n"));
	autojval struct jval *list = prune_list(old, now);

	(void)state;
	assert_int_equal(jval_len(list), 2);
}

static void prune_leaves_namespaces_alone(void **state)
{
	autojval struct jval *old =
		jval_pack("[o]", object("v1", "Namespace", NULL, "x"));
	autojval struct jval *list = prune_list(old, NULL);

	(void)state;
	assert_int_equal(jval_len(list), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			prune_names_what_is_no_longer_there_last_first),
		cmocka_unit_test(
			prune_takes_another_version_for_the_same_object),
		cmocka_unit_test(prune_tells_groups_and_namespaces_apart),
		cmocka_unit_test(prune_leaves_namespaces_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
