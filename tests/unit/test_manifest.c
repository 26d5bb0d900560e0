#include "unit.h"

#include "base/mem.h"
#include "base/strs.h"
#include "registry/manifest.h"

#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define DIGEST "sha256:" HEX
#define PART "{\"mediaType\":\"t\",\"digest\":\"" DIGEST "\",\"size\":3}"

static int parse(struct manifest *manifest, const char *media_type,
		 const char *text, struct err *err)
{
	auto_descriptor struct descriptor descriptor = { 0 };

	descriptor_of(&descriptor, media_type, text, strlen(text));
	return manifest_parse(manifest, &descriptor, text, err);
}

static void manifest_lists_config_and_layers(void **state)
{
	auto_manifest struct manifest manifest = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	assert_done(parse(&manifest, MEDIA_OCI_MANIFEST,
			  "{\"config\":" PART ",\"layers\":[" PART ",{"
			  "\"mediaType\":\"application/vnd.docker.image.rootfs."
			  "foreign.diff.tar.gzip\",\"digest\":\"" DIGEST
			  "\",\"size\":1,\"urls\":[\"https://x\"]}]}",
			  &err) == 0,
		    &err);
	assert_false(manifest.is_index);
	assert_int_equal(manifest.nr, 2);
	assert_string_equal(manifest.part[1].descriptor.digest, DIGEST);
	assert_int_equal(manifest.part[1].descriptor.size, 3);
}

static void manifest_refuses_what_it_does_not_understand(void **state)
{
	static const struct {
		const char *media_type, *text, *reason;
	} cases[] = {
		{ "text/html", "{}", "unknown media type 'text/html'" },
		{ MEDIA_OCI_MANIFEST, "{", "manifest 'sha256:" },
		{ MEDIA_OCI_MANIFEST, "{}", "lacks mediaType" },
		{ MEDIA_OCI_MANIFEST, "{\"config\":" PART "}",
		  "no list of layers" },
		{ MEDIA_OCI_INDEX, "{}", "no list of manifests" },
		{ MEDIA_OCI_MANIFEST,
		  "{\"config\":{\"mediaType\":\"t\",\"size\":1,"
		  "\"digest\":\"sha256:../../x\"}}",
		  "sha256:../../x" },
		{ MEDIA_OCI_MANIFEST,
		  "{\"config\":{\"mediaType\":\"t\",\"size\":-1,"
		  "\"digest\":\"" DIGEST "\"}}",
		  "lacks mediaType" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct manifest manifest;
		struct err err = ERR_INIT;

		assert_int_equal(parse(&manifest, cases[i].media_type,
				       cases[i].text, &err),
				 -1);
		assert_error(&err, ERR_INVALID, cases[i].reason);
	}
}

#define CHILD(os, arch, more)                                            \
	"{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":\"" DIGEST \
	"\",\"size\":3,\"platform\":{\"os\":\"" os                       \
	"\",\"architecture\":\"" arch "\"" more "}}"

static void manifest_index_knows_platforms(void **state)
{
	static const char text[] =
		"{\"manifests\":[" CHILD("unknown", "unknown", "") "," CHILD(
			"linux", "arm64",
			",\"variant\":\"v8\"") "," CHILD("linux", "amd64",
							 "") "]}";
	auto_manifest struct manifest manifest = { 0 };
	const struct manifest_part *part;
	struct err err = ERR_INIT;

	(void)state;
	assert_done(parse(&manifest, MEDIA_OCI_INDEX, text, &err) == 0, &err);
	assert_true(manifest.is_index);
	part = manifest_for_platform(&manifest, "linux/amd64", &err);
	assert_ptr_equal(part, &manifest.part[2]);
	part = manifest_for_platform(&manifest, "linux/arm64", &err);
	assert_ptr_equal(part, &manifest.part[1]);
	part = manifest_for_platform(&manifest, "linux/arm64/v8", &err);
	assert_ptr_equal(part, &manifest.part[1]);
	assert_null(manifest_for_platform(&manifest, "linux/arm", &err));
	assert_error(&err, ERR_NOT_FOUND,
		     "'linux/arm'; there are: linux/arm64/v8, linux/amd64");
}

/* amd64/v3 does not run everywhere. */
static void manifest_index_prefers_the_very_platform(void **state)
{
	static const char text[] = "{\"manifests\":[" CHILD(
		"linux", "amd64",
		",\"variant\":\"v3\"") "," CHILD("linux", "amd64", "") "]}";
	auto_manifest struct manifest manifest = { 0 };
	struct err err = ERR_INIT;

	(void)state;
	assert_done(parse(&manifest, MEDIA_OCI_INDEX, text, &err) == 0, &err);
	assert_ptr_equal(manifest_for_platform(&manifest, "linux/amd64", &err),
			 &manifest.part[1]);
}

static void manifest_tells_its_media_type(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"mediaType\":\"x\"}", "x" },
		{ "{\"manifests\":[]}", MEDIA_OCI_INDEX },
		{ "{\"layers\":[]}", MEDIA_OCI_MANIFEST },
		{ "{}", NULL },
		{ "<html>", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *found =
			manifest_media_type(cases[i][0], strlen(cases[i][0]));

		assert_true(str_eq(found, cases[i][1]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifest_lists_config_and_layers),
		cmocka_unit_test(manifest_refuses_what_it_does_not_understand),
		cmocka_unit_test(manifest_index_knows_platforms),
		cmocka_unit_test(manifest_index_prefers_the_very_platform),
		cmocka_unit_test(manifest_tells_its_media_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
