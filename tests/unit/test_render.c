#include "unit.h"

#include "base/mem.h"
#include "bundle/render.h"
#include "kube/object.h"

static struct catalogue *catalogue;
static const struct release *release;

/* The image of container `index` of deployment `name`. */
static const char *image_of(const struct jval *objects, const char *name,
			    size_t index)
{
	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);

		if (strcmp(object_kind(object), "Deployment") == 0 &&
		    strcmp(object_name(object), name) == 0)
			return jval_str(jval_at(jval_path(object,
							  "spec.template.spec."
							  "containers"),
						index),
					"image");
	}
	return NULL;
}

static void open_catalogue(void)
{
	struct err err = ERR_INIT;

	catalogue = catalogue_open(&err);
	assert_done(catalogue, &err);
	release = catalogue_release(catalogue, "0.0.20", &err);
	assert_done(release, &err);
}

static void render_names_the_registry_of_csm(void **state)
{
	const struct render_options options = { .replicas = -1 };
	struct err err = ERR_INIT;
	autojval struct jval *objects = NULL;

	(void)state;
	open_catalogue();
	objects = render_release(release, &options, &err);
	assert_done(objects, &err);
	assert_string_equal(image_of(objects, "dws-webhook", 0),
			    "registry.local/dws:0.0.20");
	catalogue_free(catalogue);
}

static void render_takes_another_registry_with_a_prefix(void **state)
{
	const struct render_options options = { .registry = "r.test:5000/a/b",
						.replicas = -1 };
	struct err err = ERR_INIT;
	autojval struct jval *objects = NULL;
	autofree char *place = NULL;

	(void)state;
	open_catalogue();
	objects = render_release(release, &options, &err);
	assert_done(objects, &err);
	assert_string_equal(image_of(objects, "dws-webhook", 0),
			    "r.test:5000/a/b/dws:0.0.20");
	place = render_image(release, 1, &options, &err);
	assert_string_equal(place, "r.test:5000/a/b/kube-rbac-proxy:v0.14.1");
	catalogue_free(catalogue);
}

static void render_pins_the_digests_that_are_known(void **state)
{
	const char *const digests[] = { "sha256:abc", NULL };
	const struct render_options options = { .digests = digests,
						.replicas = -1 };
	struct err err = ERR_INIT;
	autojval struct jval *objects = NULL;

	(void)state;
	open_catalogue();
	objects = render_release(release, &options, &err);
	assert_done(objects, &err);
	assert_string_equal(image_of(objects, "dws-webhook", 0),
			    "registry.local/dws:0.0.20@sha256:abc");
	catalogue_free(catalogue);
}

static void render_puts_the_namespace_first_and_webhooks_last(void **state)
{
	const struct render_options options = { .replicas = -1 };
	struct err err = ERR_INIT;
	autojval struct jval *objects = NULL;
	const struct jval *last;

	(void)state;
	open_catalogue();
	objects = render_release(release, &options, &err);
	assert_done(objects, &err);
	assert_string_equal(object_kind(jval_at(objects, 0)), "Namespace");
	last = jval_at(objects, jval_len(objects) - 1);
	assert_non_null(strstr(object_kind(last), "WebhookConfiguration"));
	catalogue_free(catalogue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(render_names_the_registry_of_csm),
		cmocka_unit_test(render_takes_another_registry_with_a_prefix),
		cmocka_unit_test(render_pins_the_digests_that_are_known),
		cmocka_unit_test(
			render_puts_the_namespace_first_and_webhooks_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
