#include "unit.h"

#include "layout_fixture.h"
#include "registry/image_source.h"
#include "registry/manifest.h"

static void none_free(struct image_source *source)
{
	(void)source;
}

static const struct image_source_ops no_ops = { .free = none_free };

static void make_source(struct image_source *source, const char *const *names,
			size_t nr)
{
	memset(source, 0, sizeof(*source));
	image_source_init(source, &no_ops, "oci:x");
	for (size_t i = 0; i < nr; i++)
		image_add_name(source, names[i], i);
	source->nr_entries = nr;
}

static void image_finds_the_one_that_is_meant(void **state)
{
	static const char *const names[] = {
		"ghcr.io/team/dws:0.0.20",
		"registry.local/dws:0.0.20",
		"registry.local/proxy:v1",
		"0.1.17",
	};
	static const struct {
		const char *reference;
		size_t entry;
	} cases[] = {
		{ "registry.local/dws:0.0.20", 1 },
		{ "ghcr.io/team/dws:0.0.20", 0 },
		{ "other.test/dws:0.0.20", 1 },
		{ "other.test/team/dws:0.0.20", 0 },
		{ "proxy:v1", 2 },
		{ "quay.io/brancz/proxy:v1", 2 },
		{ "registry.local/dws:0.1.17", 3 },
		{ "0.1.17", 3 },
	};
	struct image_source source;

	(void)state;
	make_source(&source, names, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		size_t entry = 99;

		assert_done(image_pick(&source, cases[i].reference, &entry,
				       &err) == 0,
			    &err);
		assert_int_equal(entry, cases[i].entry);
	}
	image_source_free(&source);
}

static void image_tells_names_where_none_fits(void **state)
{
	static const char *const names[] = { "a/x:1", "b/x:1" };
	struct image_source source;
	struct err err = ERR_INIT;
	size_t entry;

	(void)state;
	make_source(&source, names, 2);
	assert_int_equal(image_pick(&source, "y:1", &entry, &err), -1);
	assert_error(&err, ERR_NOT_FOUND, "'oci:x' has no image 'y:1'");
	assert_error(&err, ERR_NOT_FOUND, "it has: a/x:1, b/x:1");
	assert_int_equal(image_pick(&source, "c/x:1", &entry, &err), -1);
	assert_error(&err, ERR_INVALID, "several images");
	assert_int_equal(image_pick(&source, NULL, &entry, &err), -1);
	assert_error(&err, ERR_INVALID, "name one");
	assert_done(image_restrict(&source, "b/x:1", &err) == 0, &err);
	assert_done(image_pick(&source, NULL, &entry, &err) == 0, &err);
	assert_int_equal(entry, 1);
	assert_int_equal(image_source_names(&source)->nr, 1);
	assert_null(image_source_names(&source)->item[1]);
	image_source_free(&source);
}

static struct image_source *open_layout(const char *tail, struct err *err)
{
	autofree char *spec = mem_printf("oci:%s/layout%s", dir, tail);

	return image_source_open(spec, NULL, err);
}

static char *read_blob(struct image_source *source, const char *digest,
		       uint64_t size, struct err *err)
{
	struct descriptor descriptor = {
		.media_type = (char *)"t",
		.digest = (char *)digest,
		.size = size,
	};
	struct image_blob *blob = image_source_blob(source, &descriptor, err);
	char *text = NULL;

	if (blob == NULL)
		return NULL;
	if (source_read_all(image_blob_source(blob), 100, &text, NULL, err) < 0)
		text = NULL;
	image_blob_close(blob);
	return text;
}

static void image_reads_a_layout(void **state)
{
	autofree char *digest = put_blob("{\"layers\":[]}");
	autofree char *layer = put_blob("layer");
	autofree char *index = mem_printf(
		"{\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST
		"\",\"digest\":\"%s\",\"size\":13,\"annotations\":{"
		"\"org.opencontainers.image.ref.name\":\"1.0\"}}]}",
		digest);
	auto_descriptor struct descriptor descriptor = { 0 };
	struct image_source *source;
	autofree char *bytes = NULL;
	autofree char *text = NULL;
	struct err err = ERR_INIT;

	(void)state;
	put("layout/index.json", index);
	source = open_layout("", &err);
	assert_done(source, &err);
	assert_string_equal(image_source_names(source)->item[0], "1.0");
	assert_done(image_source_manifest(source, "x/y:1.0", &descriptor,
					  &bytes, &err) == 0,
		    &err);
	assert_string_equal(bytes, "{\"layers\":[]}");
	assert_string_equal(descriptor.digest, digest);
	text = read_blob(source, layer, 5, &err);
	assert_done(text, &err);
	assert_string_equal(text, "layer");
	/* What is cut off, absent or led out of the layout is told. */
	assert_null(read_blob(source, layer, 6, &err));
	assert_error(&err, ERR_VERIFY, "has 5 bytes instead of 6");
	assert_null(read_blob(source, "sha256:../../index.json", 6, &err));
	assert_error(&err, ERR_INVALID, "sha256:../../index.json");
	assert_null(read_blob(source,
			      "sha256:0000000000000000000000000000000000000000"
			      "000000000000000000000000",
			      6, &err));
	assert_error(&err, ERR_NOT_FOUND, "sha256/0000");
	image_source_free(source);
	/* By tag, and by one that is not there. */
	source = open_layout(":1.0", &err);
	assert_done(source, &err);
	image_source_free(source);
	assert_null(open_layout(":2.0", &err));
	assert_error(&err, ERR_NOT_FOUND, "has no image '2.0'");
}

static void image_finds_a_manifest_that_was_changed(void **state)
{
	autofree char *digest = put_blob("{\"layers\":[]}");
	autofree char *name =
		mem_printf("layout/blobs/sha256/%s", digest_hex(digest));
	auto_descriptor struct descriptor descriptor = { 0 };
	autofree char *bytes = NULL;
	struct image_source *source;
	struct err err = ERR_INIT;

	(void)state;
	source = open_layout("", &err);
	assert_done(source, &err);
	put(name, "{\"layers\":{}}");
	assert_int_equal(image_source_manifest(source, NULL, &descriptor,
					       &bytes, &err),
			 -1);
	assert_error(&err, ERR_VERIFY, digest);
	put(name, "{\"layers\":[]}");
	image_source_free(source);
}

static void image_tells_what_is_no_source(void **state)
{
	static const struct {
		const char *spec, *reason;
		enum err_kind kind;
	} cases[] = {
		{ "oci:/nowhere", "open 'oci:/nowhere'", ERR_NOT_FOUND },
		{ "oci-archive:/nowhere.tar", "/nowhere.tar", ERR_NOT_FOUND },
		{ "docker-archive:/etc/passwd", "/etc/passwd", ERR_INVALID },
		{ "dir:/tmp", "manifest.json", ERR_NOT_FOUND },
		{ "oci:/tmp", "is it an OCI image layout?", ERR_NOT_FOUND },
		{ "/etc/passwd", "docker-archive:FILE", ERR_USAGE },
		{ "docker://Registry.local/UPPER", "UPPER", ERR_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		assert_null(image_source_open(cases[i].spec, NULL, &err));
		assert_error(&err, cases[i].kind, cases[i].reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image_finds_the_one_that_is_meant),
		cmocka_unit_test(image_tells_names_where_none_fits),
		cmocka_unit_test(image_reads_a_layout),
		cmocka_unit_test(image_finds_a_manifest_that_was_changed),
		cmocka_unit_test(image_tells_what_is_no_source),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
