#include "unit.h"

#include "layout_fixture.h"

#include "registry/artifacts.h"
#include "registry/manifest.h"

#define IMAGE "{\"layers\":[]}"

static struct image_source *open_layout(const char *entries)
{
	autofree char *index = mem_printf("{\"manifests\":[%s]}", entries);
	autofree char *spec = mem_printf("oci:%s/layout", dir);
	struct err err = ERR_INIT;
	struct image_source *source;

	put("layout/index.json", index);
	source = image_source_open(spec, NULL, &err);
	assert_done(source, &err);
	return source;
}

/* An entry of the index for blob `text`, with `name` unless it is NULL. */
static char *entry(const char *text, const char *type, const char *name)
{
	autofree char *digest = put_blob(text);
	autofree char *notes =
		name ? mem_printf(",\"annotations\":{\"org.opencontainers."
				  "image.ref.name\":\"%s\"}",
				  name) :
		       mem_strdup("");

	return mem_printf("{\"mediaType\":\"%s\",\"digest\":\"%s\","
			  "\"size\":%zu%s}",
			  type, digest, strlen(text), notes);
}

static void tags_of_cosign_are_found(void **state)
{
	static const char signature[] =
		"{\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG
		"\"},\"layers\":[]}";
	autofree char *digest = put_blob(IMAGE);
	autofree char *image = entry(IMAGE, MEDIA_OCI_MANIFEST, "r/dws:1");
	autofree char *name =
		mem_printf("r/dws:sha256-%s.sig", digest_hex(digest));
	autofree char *signed_by = entry(signature, MEDIA_OCI_MANIFEST, name);
	autofree char *entries = mem_printf("%s,%s", image, signed_by);
	auto_artifacts struct artifacts list = { 0 };
	struct image_source *source = open_layout(entries);
	struct err err = ERR_INIT;

	(void)state;
	assert_done(artifacts_find(&list, source, digest, &err) == 0, &err);
	assert_int_equal(list.nr, 1);
	assert_string_equal(list.item[0].tag, strstr(name, "sha256-"));
	assert_null(list.item[0].artifact_type);
	assert_string_equal(list.item[0].media_type, MEDIA_OCI_MANIFEST);
	image_source_free(source);
}

static void referrers_are_found_once(void **state)
{
	autofree char *digest = put_blob(IMAGE);
	autofree char *image = entry(IMAGE, MEDIA_OCI_MANIFEST, "r/dws:1");
	autofree char *text =
		mem_printf("{\"artifactType\":\"a/b\",\"layers\":[],"
			   "\"subject\":{\"digest\":\"%s\"}}",
			   digest);
	autofree char *referrer = entry(text, MEDIA_OCI_MANIFEST, NULL);
	autofree char *list_text = mem_printf("{\"manifests\":[%s]}", referrer);
	autofree char *name = mem_printf("sha256-%s", digest_hex(digest));
	autofree char *fallback = entry(list_text, MEDIA_OCI_INDEX, name);
	autofree char *entries =
		mem_printf("%s,%s,%s", image, referrer, fallback);
	auto_artifacts struct artifacts list = { 0 };
	struct image_source *source = open_layout(entries);
	struct err err = ERR_INIT;

	(void)state;
	assert_done(artifacts_find(&list, source, digest, &err) == 0, &err);
	assert_int_equal(list.nr, 1);
	assert_null(list.item[0].tag);
	assert_string_equal(list.item[0].artifact_type, "a/b");
	image_source_free(source);
}

static void artifact_that_is_damaged_is_no_missing_one(void **state)
{
	autofree char *digest = put_blob(IMAGE);
	autofree char *image = entry(IMAGE, MEDIA_OCI_MANIFEST, "r/dws:1");
	autofree char *name = mem_printf("sha256-%s.att", digest_hex(digest));
	autofree char *attested = entry("{", MEDIA_OCI_MANIFEST, name);
	autofree char *entries = mem_printf("%s,%s", image, attested);
	auto_artifacts struct artifacts list = { 0 };
	struct image_source *source = open_layout(entries);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(artifacts_find(&list, source, digest, &err), -1);
	assert_error(&err, ERR_INVALID, digest);
	assert_error(&err, ERR_INVALID, ".att'");
	image_source_free(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_of_cosign_are_found),
		cmocka_unit_test(referrers_are_found_once),
		cmocka_unit_test(artifact_that_is_damaged_is_no_missing_one),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
