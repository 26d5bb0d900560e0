#include "unit.h"

#include "bundle_fixture.h"

static void parsed(struct bundle_meta *meta, const struct jval *root)
{
	size_t len;
	autofree char *text = bundle_meta_text(root, &len);
	struct err err = ERR_INIT;

	assert_done(bundle_meta_parse(meta, text, len, &err) == 0, &err);
}

static void meta_says_what_is_in_the_bundle(void **state)
{
	auto_fixture struct fixture f;
	auto_bundle_meta struct bundle_meta meta;
	const struct bundle_release *release;

	(void)state;
	fixture_init(&f);
	jval_set(f.root, "executable",
		 jval_pack("{s:s, s:i}", "digest", f.manifest, "size", 7));
	parsed(&meta, f.root);
	assert_string_equal(meta.created, CREATED);
	assert_int_equal(meta.created_s, 1795417200);
	assert_int_equal(meta.platforms.nr, 1);
	assert_string_equal(meta.executable_digest, f.manifest);
	assert_int_equal(meta.executable_size, 7);
	assert_int_equal(meta.nr_releases, 1);
	release = &meta.release[0];
	assert_string_equal(release->version, "0.1.17");
	assert_string_equal(release->storage_version, "v1alpha7");
	assert_int_equal(release->nr_images, 1);
	assert_string_equal(release->image[0].name, "dws");
	assert_string_equal(release->image[0].digest, f.manifest);
	assert_null(release->image[0].source);
	assert_string_equal(bundle_meta_file(&meta, "oci-layout")->path,
			    "oci-layout");
	assert_null(bundle_meta_file(&meta, "bundle.json"));
}

static void meta_lays_the_archive_out(void **state)
{
	auto_fixture struct fixture f;
	auto_bundle_meta struct bundle_meta meta;

	(void)state;
	fixture_init(&f);
	fixture_write(&f, BUNDLE_UNSIGNED);
	parsed(&meta, f.root);
	assert_int_equal(meta.total, f.tar.len);
	assert_string_equal(f.tar.data + meta.sig_offset, "bundle.json.sig");
	for (size_t i = 0; i < f.nr; i++)
		assert_memory_equal(f.tar.data + meta.file[i].offset,
				    f.file[i].text, f.file[i].len);
}

static void meta_tells_artifacts_of_images(void **state)
{
	auto_fixture struct fixture f;
	auto_bundle_meta struct bundle_meta meta;
	const struct bundle_image *image;
	struct jval *list;

	(void)state;
	fixture_init(&f);
	list = jval_pack("[{s:n, s:s, s:s, s:s}, {s:s, s:s, s:s}]", "tag",
			 "digest", f.manifest, "mediaType", "a/b",
			 "artifactType", "c/d", "tag", "sha256-0.sig", "digest",
			 f.manifest, "mediaType", "e/f");
	jval_set(jval_at(jval_get(jval_at(jval_get(f.root, "releases"), 0),
				  "images"),
			 0),
		 "artifacts", list);
	parsed(&meta, f.root);
	image = &meta.release[0].image[0];
	assert_int_equal(image->nr_artifacts, 2);
	assert_null(image->artifact[0].tag);
	assert_string_equal(image->artifact[0].artifact_type, "c/d");
	assert_string_equal(image->artifact[1].tag, "sha256-0.sig");
	assert_null(image->artifact[1].artifact_type);
}

static void meta_text_of_equal_contents_is_equal(void **state)
{
	autojval struct jval *a = jval_pack("{s:i, s:i}", "x", 1, "y", 2);
	autojval struct jval *b = jval_pack("{s:i, s:i}", "y", 2, "x", 1);
	size_t a_len, b_len;
	autofree char *a_text = bundle_meta_text(a, &a_len);
	autofree char *b_text = bundle_meta_text(b, &b_len);

	(void)state;
	assert_string_equal(a_text, "{\"x\":1,\"y\":2}\n");
	assert_string_equal(a_text, b_text);
	assert_int_equal(a_len, 14);
}

/* `place` is a path of members and numbers. */
static void set_at(struct jval *value, const char *place, struct jval *take)
{
	auto_strs struct strs parts = STRS_INIT;

	strs_split(&parts, place, '.');
	for (size_t i = 0; i + 1 < parts.nr; i++)
		value = jval_is_array(value) ?
				jval_at(value, (size_t)atoll(parts.item[i])) :
				jval_get(value, parts.item[i]);
	jval_set(value, parts.item[parts.nr - 1], take);
}

#define IMAGE "releases.0.images.0."

static const struct {
	const char *place, *value, *text;
} wrong_members[] = {
	{ "format", "1", "format is no text" },
	{ "format", "\"x\"", "its format is 'x'" },
	{ "format", "\"\"", "format is missing" },
	{ "created", "\"today\"", "created: 'today'" },
	{ "created", "\"1969-12-31T23:59:59Z\"", "before 1970" },
	{ "platforms", "{}", "platforms is no list" },
	{ "platforms", "[1]", "platforms has" },
	{ "platforms", "[\"\\u001b[2J\"]", "platforms has" },
	{ "files", "{}", "files is no list" },
	{ "files", "[]", "not among the files" },
	{ "files", "[1]", "files[0].path is missing" },
	{ "files.1.path", "\"oci-layout\"", "'oci-layout' twice" },
	{ "files.1.path", "\"\"", "files[1].path" },
	{ "files.1.path", "\"/etc/passwd\"", "files[1].path" },
	{ "files.1.path", "\"a/../b\"", "files[1].path" },
	{ "files.1.path", "\"a//b\"", "files[1].path" },
	{ "files.1.path", "\"a/\"", "files[1].path" },
	{ "files.1.path", "\".\"", "files[1].path" },
	{ "files.1.path", "\"a\\\\b\"", "files[1].path" },
	{ "files.1.path", "\"a\\nb\"", "control characters" },
	{ "files.1.path", "\"bundle.json\"", "taken" },
	{ "files.1.path", "\"bundle.json.sig\"", "taken" },
	{ "files.1.path", "\"blobs/sha256/00\"", "another blob" },
	{ "files.1.path", "\"blobs/x\"", "another blob" },
	{ "files.1.digest", "\"sha256:0\"", "files[1]: 'sha256:0'" },
	{ "files.1.digest", "null", "files[1].digest is missing" },
	{ "files.1.size", "-1", "files[1].size" },
	{ "files.1.size", "1.5", "files[1].size" },
	{ "files.1.size", "9223372036854775807", "add up" },
	{ "files.1.size", "4611686018427387000", "add up" },
	{ "executable", "\"x\"", "executable.size" },
	{ "executable", "{\"size\": 1}", "executable.digest" },
	{ "releases", "[]", "releases are none" },
	{ "releases", "1", "releases is no list" },
	{ "releases.0.version", "\"\"", "releases[0].version" },
	{ "releases.0.version", "\"../x\"", "releases[0].version" },
	{ "releases.0.version", "\"a/b\"", "releases[0].version" },
	{ "releases.0.manifests", "\"x\"", "'x' is not among" },
	{ "releases.0.storageVersion", "null", "storageVersion" },
	{ "releases.0.workloadManagerRole", "null", "workloadManager" },
	{ "releases.0.images", "1", "releases[0].images is no list" },
	{ IMAGE "name", "\"../x\"", "images[0]" },
	{ IMAGE "name", "\"X\"", "images[0]" },
	{ IMAGE "name", "\"dws:1\"", "images[0]" },
	{ IMAGE "tag", "\"a/b\"", "images[0]" },
	{ IMAGE "tag", "null", "images[0].tag is missing" },
	{ IMAGE "repository", "null", "images[0].repository" },
	{ IMAGE "mediaType", "\"a\\r\\nb: c\"", "images[0].mediaType" },
	{ IMAGE "source", "1", "images[0].source is no text" },
	{ IMAGE "digest",
	  "\"sha256:00000000000000000000000000000000"
	  "00000000000000000000000000000000\"",
	  "not among the files" },
	{ IMAGE "artifacts", "1", "artifacts is no list" },
	{ IMAGE "artifacts", "[{\"tag\": 1}]", "artifacts[0].tag" },
	{ IMAGE "artifacts", "[{}]", "artifacts[0].digest" },
};

static void meta_names_the_member_that_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong_members); i++) {
		auto_fixture struct fixture f;
		autofree char *wrapped =
			mem_printf("[%s]", wrong_members[i].value);
		struct err err = ERR_INIT;
		autojval struct jval *value =
			jval_parse(wrapped, strlen(wrapped), &err);
		struct bundle_meta meta;
		size_t len;
		autofree char *text = NULL;

		fixture_init(&f);
		set_at(f.root, wrong_members[i].place,
		       jval_ref(jval_at(value, 0)));
		text = bundle_meta_text(f.root, &len);
		if (bundle_meta_parse(&meta, text, len, &err) == 0) {
			print_error("taken: %s = %s\n", wrong_members[i].place,
				    wrong_members[i].value);
			fail();
		}
		assert_error(&err, ERR_INVALID, wrong_members[i].text);
		assert_error(&err, ERR_INVALID, "'bundle.json'");
	}
}

static void meta_refuses_a_release_twice(void **state)
{
	auto_fixture struct fixture f;
	struct bundle_meta meta;
	struct err err = ERR_INIT;
	autofree char *text = NULL;
	struct jval *list;
	size_t len;

	(void)state;
	fixture_init(&f);
	list = jval_get(f.root, "releases");
	jval_append(list, jval_copy(jval_at(list, 0)));
	text = bundle_meta_text(f.root, &len);
	assert_int_equal(bundle_meta_parse(&meta, text, len, &err), -1);
	assert_error(&err, ERR_INVALID, "releases has '0.1.17' twice");
}

static void meta_refuses_what_is_no_json_or_too_long(void **state)
{
	autofree char *blanks = mem_alloc(BUNDLE_META_MAX_BYTES + 1);
	struct bundle_meta meta;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(bundle_meta_parse(&meta, "{", 1, &err), -1);
	assert_error(&err, ERR_INVALID, "'bundle.json'");
	assert_int_equal(bundle_meta_parse(&meta, blanks,
					   BUNDLE_META_MAX_BYTES + 1, &err),
			 -1);
	assert_error(&err, ERR_INVALID, "longer than");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meta_says_what_is_in_the_bundle),
		cmocka_unit_test(meta_lays_the_archive_out),
		cmocka_unit_test(meta_tells_artifacts_of_images),
		cmocka_unit_test(meta_text_of_equal_contents_is_equal),
		cmocka_unit_test(meta_names_the_member_that_is_wrong),
		cmocka_unit_test(meta_refuses_a_release_twice),
		cmocka_unit_test(meta_refuses_what_is_no_json_or_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
