#include "unit.h"

#include "base/mem.h"
#include "bundle/adapt.h"
#include "bundle/render.h"
#include "kube/object.h"

/* The objects of 0.0.20 as the csm overlay has them. */
static struct jval *rendered(void)
{
	const struct render_options options = { .replicas = -1 };
	struct err err = ERR_INIT;
	autocatalogue struct catalogue *catalogue = catalogue_open(&err);
	struct jval *objects;

	assert_done(catalogue, &err);
	objects = render_release(catalogue_release(catalogue, "0.0.20", &err),
				 &options, &err);
	assert_done(objects, &err);
	return objects;
}

static const struct jval *find(const struct jval *objects, const char *kind,
			       const char *name)
{
	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);

		if (strcmp(object_kind(object), kind) == 0 &&
		    strcmp(object_name(object), name) == 0)
			return object;
	}
	return NULL;
}

static void adapt_prefers_v1_of_cert_manager(void **state)
{
	auto_strs struct strs versions = STRS_INIT;

	(void)state;
	assert_null(adapt_cert_manager_version(&versions));
	strs_add(&versions, "v1alpha2");
	strs_add(&versions, "v1alpha3");
	assert_string_equal(adapt_cert_manager_version(&versions), "v1alpha3");
	strs_add(&versions, "v1");
	assert_string_equal(adapt_cert_manager_version(&versions), "v1");
}

static void adapt_writes_the_version_that_is_served(void **state)
{
	const struct adaptation adaptation = { .cert_manager = "v1" };
	autojval struct jval *objects = rendered();
	autojval struct jval *adapted = NULL;
	auto_strs struct strs notes = STRS_INIT;

	(void)state;
	adapted = adapt_objects(objects, &adaptation, &notes);
	assert_string_equal(object_api_version(find(adapted, "Certificate",
						    "dws-serving-cert")),
			    "cert-manager.io/v1");
	/* What came in is as it was. */
	assert_string_equal(object_api_version(find(objects, "Certificate",
						    "dws-serving-cert")),
			    "cert-manager.io/v1alpha3");
	assert_int_equal(notes.nr, 2);
}

static void adapt_leaves_out_the_service_monitor_with_a_note(void **state)
{
	struct adaptation adaptation = { .cert_manager = "v1alpha3" };
	const char *name = "controller-manager-metrics-monitor";
	autojval struct jval *objects = rendered();
	autojval struct jval *without = NULL, *with = NULL;
	auto_strs struct strs notes = STRS_INIT;

	(void)state;
	without = adapt_objects(objects, &adaptation, &notes);
	assert_null(find(without, "ServiceMonitor", name));
	assert_int_equal(notes.nr, 1);
	adaptation.service_monitor = true;
	with = adapt_objects(objects, &adaptation, &notes);
	assert_non_null(find(with, "ServiceMonitor", name));
	assert_int_equal(notes.nr, 1);
}

static void adapt_brings_our_certificate_without_cert_manager(void **state)
{
	const struct adaptation adaptation = { .ca_pem = "CA",
					       .cert_pem = "CERT",
					       .key_pem = "KEY" };
	autojval struct jval *objects = rendered();
	autojval struct jval *adapted = NULL;
	auto_strs struct strs notes = STRS_INIT;
	const struct jval *secret, *webhook, *crd;

	(void)state;
	adapted = adapt_objects(objects, &adaptation, &notes);
	assert_null(find(adapted, "Certificate", "dws-serving-cert"));
	assert_null(find(adapted, "Issuer", "dws-selfsigned-issuer"));
	secret = find(adapted, "Secret", "webhook-server-cert");
	assert_non_null(secret);
	assert_string_equal(
		jval_string(jval_get(jval_get(secret, "data"), "ca.crt")),
		"Q0E=");
	webhook = find(adapted, "MutatingWebhookConfiguration",
		       "dws-mutating-webhook-configuration");
	assert_string_equal(jval_str(jval_at(jval_get(webhook, "webhooks"), 0),
				     "clientConfig.caBundle"),
			    "Q0E=");
	assert_null(jval_path(webhook, "metadata.annotations"));
	crd = find(adapted, "CustomResourceDefinition",
		   "workflows.dataworkflowservices.github.io");
	assert_string_equal(jval_str(crd, "spec.conversion.webhook."
					  "clientConfig.caBundle"),
			    "Q0E=");
}

static void adapt_knows_the_names_that_the_certificate_is_for(void **state)
{
	autojval struct jval *objects = rendered();
	auto_strs struct strs names = STRS_INIT;

	(void)state;
	adapt_webhook_names(objects, &names);
	assert_true(strs_has(&names, "dws-webhook-service.dws-system.svc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adapt_prefers_v1_of_cert_manager),
		cmocka_unit_test(adapt_writes_the_version_that_is_served),
		cmocka_unit_test(
			adapt_leaves_out_the_service_monitor_with_a_note),
		cmocka_unit_test(
			adapt_brings_our_certificate_without_cert_manager),
		cmocka_unit_test(
			adapt_knows_the_names_that_the_certificate_is_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
