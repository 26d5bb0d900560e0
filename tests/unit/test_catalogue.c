#include "unit.h"

#include "bundle/catalogue.h"

static void catalogue_means_its_newest_release_where_none_is_named(void **state)
{
	struct err err = ERR_INIT;
	autocatalogue struct catalogue *catalogue = catalogue_open(&err);
	const struct release *release;

	(void)state;
	assert_done(catalogue, &err);
	release = catalogue_release(catalogue, NULL, &err);
	assert_done(release, &err);
	assert_string_equal(release->version, "0.1.17");
	assert_string_equal(catalogue_default(catalogue), release->version);
	assert_string_equal(release->storage_version, "v1alpha7");
}

static void catalogue_names_its_releases_for_an_unknown_one(void **state)
{
	struct err err = ERR_INIT;
	autocatalogue struct catalogue *catalogue = catalogue_open(&err);

	(void)state;
	assert_null(catalogue_release(catalogue, "9.9.9", &err));
	assert_error(&err, ERR_USAGE, "'9.9.9'");
	assert_non_null(strstr(err.msg, "0.0.20"));
}

static void each_release_has_images_with_sources_and_objects(void **state)
{
	struct err err = ERR_INIT;
	autocatalogue struct catalogue *catalogue = catalogue_open(&err);

	(void)state;
	assert_true(catalogue_count(catalogue) > 0);
	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct release *release = catalogue_at(catalogue, i);
		autojval struct jval *objects =
			catalogue_objects(release, &err);

		assert_done(objects, &err);
		assert_true(jval_len(objects) > 30);
		assert_int_equal(release->nr_images, 2);
		for (size_t k = 0; k < release->nr_images; k++)
			assert_true(release->image[k].sources.nr > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			catalogue_means_its_newest_release_where_none_is_named),
		cmocka_unit_test(
			catalogue_names_its_releases_for_an_unknown_one),
		cmocka_unit_test(
			each_release_has_images_with_sources_and_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
