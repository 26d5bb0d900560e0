#include "unit.h"

#include "layout_fixture.h"

#include "bundle/image_choice.h"
#include "registry/manifest.h"

static struct release_image dws = { .name = "dws", .tag = "1" };
static const struct image_source_options options = { .authfile = NULL };

/* A layout with one image called `name`, or none; its spec. */
static char *layout(const char *name)
{
	autofree char *digest = put_blob("{\"layers\":[]}");
	autofree char *index = mem_printf(
		"{\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST
		"\",\"digest\":\"%s\",\"size\":13,\"annotations\":{"
		"\"org.opencontainers.image.ref.name\":\"%s\"}}]}",
		digest, name);

	put("layout/index.json", index);
	return mem_printf("oci:%s/layout", dir);
}

static void assert_chosen(const char *from, const char *reference)
{
	auto_strs struct strs list = STRS_INIT;
	autochooser struct image_chooser *chooser = NULL;
	struct image_choice choice = { .source = NULL };
	struct err err = ERR_INIT;

	strs_add(&list, from);
	chooser = image_chooser_new(&list, &options);
	assert_done(image_choose_named(chooser, &dws, &choice, &err) == 1,
		    &err);
	assert_non_null(choice.source);
	if (reference)
		assert_string_equal(choice.reference, reference);
	else
		assert_null(choice.reference);
	image_choice_release(&choice);
}

static void image_is_found_by_the_end_of_its_name(void **state)
{
	autofree char *spec = layout("ghcr.io/team/dws:1");

	(void)state;
	assert_chosen(spec, "ghcr.io/team/dws:1");
}

static void image_of_another_name_is_taken_where_the_user_says_so(void **state)
{
	autofree char *spec = layout("x:9");
	autofree char *named = mem_printf("dws=%s", spec);

	(void)state;
	assert_chosen(named, NULL);
}

static void missing_image_is_told_with_what_is_there(void **state)
{
	autofree char *spec = layout("other/xdws:1");
	auto_strs struct strs list = STRS_INIT;
	autochooser struct image_chooser *chooser = NULL;
	struct image_choice choice = { .source = NULL };
	struct err err = ERR_INIT;

	(void)state;
	strs_add(&list, spec);
	chooser = image_chooser_new(&list, &options);
	assert_done(image_choose_named(chooser, &dws, &choice, &err) == 0,
		    &err);
	assert_null(choice.source);
	assert_int_equal(image_choose_missing(chooser, &dws, &err), -1);
	assert_error(&err, ERR_NOT_FOUND, "'dws:1'");
	assert_error(&err, ERR_NOT_FOUND, "other/xdws:1");
	assert_error(&err, ERR_NOT_FOUND, "--from dws=SOURCE");
}

static void name_of_no_image_is_a_slip(void **state)
{
	const struct release release = { .version = "1",
					 .image = &dws,
					 .nr_images = 1 };
	const struct release *all[] = { &release };
	auto_strs struct strs list = STRS_INIT;
	autochooser struct image_chooser *chooser = NULL;
	struct err err = ERR_INIT;

	(void)state;
	chooser = image_chooser_new(&list, &options);
	strs_add(&list, "dws=oci:x");
	strs_add(&list, "oci:x");
	assert_done(image_chooser_check(chooser, all, 1, &err) == 0, &err);
	strs_add(&list, "dw=oci:x");
	assert_int_equal(image_chooser_check(chooser, all, 1, &err), -1);
	assert_error(&err, ERR_USAGE, "'dw'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image_is_found_by_the_end_of_its_name),
		cmocka_unit_test(
			image_of_another_name_is_taken_where_the_user_says_so),
		cmocka_unit_test(missing_image_is_told_with_what_is_there),
		cmocka_unit_test(name_of_no_image_is_a_slip),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
