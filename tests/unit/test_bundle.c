#include "unit.h"

#include "bundle_fixture.h"

#include "bundle/catalogue.h"
#include "registry/manifest.h"

static int verify(struct bundle *bundle, struct err *err)
{
	const struct bundle_verify options = { .threads = 2 };

	return bundle_verify(bundle, &options, err);
}

static void assert_refused(const char *name, enum err_kind kind,
			   const char *text)
{
	autofree char *path = in_dir(name);
	struct err err = ERR_INIT;

	assert_null(bundle_open(path, &err));
	assert_error(&err, kind, text);
}

static void bundle_that_is_whole_is_good(void **state)
{
	auto_fixture struct fixture f;
	autobundle struct bundle *bundle = NULL;
	struct bundle_signer signer;
	struct err err = ERR_INIT;
	autofree char *text = NULL;
	char digest[DIGEST_SIZE];
	size_t len;

	(void)state;
	given_bundle(&f);
	bundle = opened("b");
	digest_of(bundle_json(bundle), bundle_meta(bundle)->json_len, digest);
	assert_string_equal(bundle_digest(bundle), digest);
	assert_true(str_ends(bundle_name(bundle), "/b"));
	assert_int_equal(bundle_start(bundle), 0);
	assert_done(trust(bundle, "k.pub", false, &signer, &err) == 0, &err);
	assert_true(str_ends(signer.key, "/k.pub"));
	assert_true(str_starts(signer.fingerprint, "sha256:"));
	bundle_signer_release(&signer);
	assert_done(verify(bundle, &err) == 0, &err);
	assert_done(bundle_text(bundle, "manifests/0.1.17.yaml", 100, &text,
				&len, &err) == 0,
		    &err);
	assert_string_equal(text, "kind: x\n");
	assert_done(bundle_unchanged(bundle, &err) == 0, &err);
}

static void bundle_gives_its_images(void **state)
{
	static const char *const names[] = { "dws:0.1.17", NULL };
	auto_fixture struct fixture f;
	autobundle struct bundle *bundle = NULL;
	struct err err = ERR_INIT;
	struct image_source *images;

	(void)state;
	given_bundle(&f);
	bundle = trusted("b");
	images = bundle_images(bundle, &err);
	assert_done(images != NULL, &err);
	assert_ptr_equal(bundle_images(bundle, &err), images);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_descriptor struct descriptor found = { 0 };
		autofree char *bytes = NULL;

		assert_done(image_source_manifest(
				    images, names[i] ? names[i] : f.manifest,
				    &found, &bytes, &err) == 0,
			    &err);
		assert_string_equal(bytes, MANIFEST_TEXT);
		assert_string_equal(found.digest, f.manifest);
	}
}

/* One bit in each byte, another one each time. */
static void bundle_with_a_bit_flipped_is_refused(void **state)
{
	auto_fixture struct fixture f;
	autofree char *path = in_dir("b");
	int fd;

	(void)state;
	given_bundle(&f);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	for (size_t i = 0; i < f.tar.len; i++) {
		struct err err = ERR_INIT;
		char byte = f.tar.data[i] ^ (char)(1 << (i * 5 % 8));
		autobundle struct bundle *bundle = NULL;

		assert_int_equal(pwrite(fd, &byte, 1, (off_t)i), 1);
		bundle = bundle_open(path, &err);
		if (bundle && trust(bundle, "k.pub", false, NULL, &err) == 0 &&
		    verify(bundle, &err) == 0) {
			print_error("taken: a bit of byte %zu flipped\n", i);
			fail();
		}
		if (i >= TAR_HEADER_SIZE)
			assert_int_equal(err.kind, ERR_VERIFY);
		assert_int_equal(pwrite(fd, &f.tar.data[i], 1, (off_t)i), 1);
	}
	close(fd);
}

static void bundle_that_is_cut_or_goes_on_is_refused(void **state)
{
	auto_fixture struct fixture f;

	(void)state;
	given_bundle(&f);
	for (size_t len = 0; len < f.tar.len; len += 256) {
		put_bytes("b", f.tar.data, len);
		assert_refused("b",
			       len < TAR_HEADER_SIZE ? ERR_INVALID : ERR_VERIFY,
			       "bundle");
	}
	put_bytes("b", f.tar.data, f.tar.len - 1);
	assert_refused("b", ERR_VERIFY, "is truncated");
	buf_add(&f.tar, "", 1);
	put_bytes("b", f.tar.data, f.tar.len);
	assert_refused("b", ERR_VERIFY, "something follows behind its end");
}

static void bundle_may_be_split(void **state)
{
	auto_fixture struct fixture f;
	autobundle struct bundle *bundle = NULL;
	size_t half;
	struct err err = ERR_INIT;

	(void)state;
	fixture_init(&f);
	write_signed(&f);
	half = f.tar.len / 2 + 7;
	put_bytes("s.part001", f.tar.data, half);
	assert_refused("s", ERR_VERIFY, "with all of its parts");
	put_bytes("s.part002", f.tar.data + half, f.tar.len - half);
	bundle = trusted("s");
	assert_done(verify(bundle, &err) == 0, &err);
}

static bool is_layout(void *ctx, const struct bundle_file *file)
{
	(*(int *)ctx)++;
	return str_eq(file->path, "oci-layout");
}

static void bundle_verify_hashes_what_is_wanted_once(void **state)
{
	auto_fixture struct fixture f;
	autobundle struct bundle *bundle = NULL;
	struct err err = ERR_INIT;
	int asked = 0;
	const struct bundle_verify some = { .wanted = is_layout,
					    .ctx = &asked };
	char *content;

	(void)state;
	fixture_init(&f);
	write_signed(&f);
	content = memmem(f.tar.data, f.tar.len, "kind: x", 7);
	*content = 'K';
	put_bytes("v", f.tar.data, f.tar.len);
	bundle = trusted("v");
	assert_done(bundle_verify(bundle, &some, &err) == 0, &err);
	assert_int_equal(asked, 4);
	assert_int_equal(verify(bundle, &err), -1);
	assert_error(&err, ERR_VERIFY, "'manifests/0.1.17.yaml' has digest");
	assert_int_equal(bundle_text(bundle, "manifests/0.1.17.yaml", 100,
				     &content, NULL, &err),
			 -1);
	assert_error(&err, ERR_VERIFY, "'manifests/0.1.17.yaml'");
}

static void bundle_text_tells_what_is_missing_or_too_long(void **state)
{
	auto_fixture struct fixture f;
	autobundle struct bundle *bundle = NULL;
	struct err err = ERR_INIT;
	char *text;

	(void)state;
	given_bundle(&f);
	bundle = trusted("b");
	assert_int_equal(bundle_text(bundle, "x", 9, &text, NULL, &err), -1);
	assert_error(&err, ERR_NOT_FOUND, "has no 'x'");
	assert_int_equal(
		bundle_text(bundle, "oci-layout", 1, &text, NULL, &err), -1);
	assert_error(&err, ERR_INVALID, "longer than 1 bytes");
}

/* An executable of this machine, as short as can be. */
static void add_executable(struct fixture *f, size_t len)
{
	static const char start[] = "\x7f"
				    "ELF\2\1\1";
	char *elf = mem_alloc(len);
	uint64_t sections = len - 64;

	memcpy(elf, start, sizeof(start));
	memcpy(elf + 40, &sections, 8);
	elf[58] = 64; /* of one section header */
	elf[60] = 1;
	buf_add(&f->tar, elf, len);
	free(elf);
}

/* A bundle behind `len` bytes of executable and a gap of `gap`. */
static void put_behind(const char *name, size_t len, size_t gap, bool told)
{
	static const char zeros[2 * TAR_HEADER_SIZE];
	auto_fixture struct fixture f;
	char digest[DIGEST_SIZE];

	fixture_init(&f);
	add_executable(&f, len);
	digest_of(f.tar.data, len, digest);
	if (told)
		jval_set(f.root, "executable",
			 jval_pack("{s:s, s:I}", "digest", digest, "size",
				   (int64_t)len));
	buf_add(&f.tar, zeros, gap);
	write_signed(&f);
	put_bytes(name, f.tar.data, f.tar.len);
}

static void bundle_may_lie_behind_an_executable(void **state)
{
	autobundle struct bundle *bundle = NULL;
	struct err err = ERR_INIT;

	(void)state;
	put_behind("e", 700, 324, true);
	bundle = trusted("e");
	assert_int_equal(bundle_start(bundle), 1024);
	assert_done(verify(bundle, &err) == 0, &err);
	assert_done(bundle_images(bundle, &err) != NULL, &err);
}

/* Where any layout in a tar may be. */
static void bundle_is_an_archive_of_images_wherever_it_lies(void **state)
{
	static const char *const specs[] = {
		"e",
		"s",
		"s:registry.local/dws:0.1.17",
		"s.part001",
	};
	auto_fixture struct fixture f;
	autofree char *path = in_dir("e"), *alone = NULL;
	struct err err = ERR_INIT;

	(void)state;
	put_behind("e", 700, 324, true);
	given_bundle(&f);
	put_bytes("s.part001", f.tar.data, 5000);
	put_bytes("s.part002", f.tar.data + 5000, f.tar.len - 5000);
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		autofree char *spec =
			mem_printf("oci-archive:%s/%s", dir, specs[i]);
		struct image_source *images =
			image_source_open(spec, NULL, &err);

		assert_done(images != NULL, &err);
		assert_string_equal(image_source_names(images)->item[0],
				    "registry.local/dws:0.1.17");
		image_source_free(images);
	}
	assert_int_equal(truncate(path, 700), 0);
	alone = mem_printf("oci-archive:%s", path);
	assert_null(image_source_open(alone, NULL, &err));
	assert_error(&err, ERR_INVALID, "executable with nothing behind it");
}

static void bundle_and_executable_belong_together(void **state)
{
	auto_fixture struct fixture f;
	autofree char *path = in_dir("e");
	autobundle struct bundle *bundle = NULL;
	struct err err = ERR_INIT;
	int fd, asked = 0;
	struct bundle_verify some = { .wanted = is_layout, .ctx = &asked };

	(void)state;
	put_behind("e", 700, 324, false);
	assert_refused("e", ERR_VERIFY, "does not belong behind");
	put_behind("e", 700, 0, true);
	assert_refused("e", ERR_VERIFY, "something behind the executable");
	put_behind("e", 700, 836, true);
	assert_refused("e", ERR_VERIFY, "behind the executable is no bundle");
	put_behind("e", 700, 324, true);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, 600), 1);
	bundle = trusted("e");
	assert_done(bundle_verify(bundle, &some, &err) == 0, &err);
	some.executable = true;
	assert_int_equal(bundle_verify(bundle, &some, &err), -1);
	assert_error(&err, ERR_VERIFY, "'the executable' has digest");
	assert_int_equal(verify(bundle, &err), -1);
	assert_int_equal(ftruncate(fd, 701), 0);
	assert_refused("e", ERR_VERIFY, "behind the executable is no bundle");
	assert_int_equal(ftruncate(fd, 700), 0);
	assert_refused("e", ERR_INVALID, "is an executable without a bundle");
	assert_int_equal(ftruncate(fd, 699), 0);
	assert_refused("e", ERR_VERIFY, "truncated");
	close(fd);
	put_behind("e", 700, 324, true);
	fixture_init(&f);
	jval_set(f.root, "executable",
		 jval_pack("{s:s, s:i}", "digest", f.manifest, "size", 5));
	write_signed(&f);
	put_bytes("t", f.tar.data, f.tar.len);
	assert_refused("t", ERR_VERIFY, "an executable that is not there");
}

static void bundle_of_this_executable_is_none(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_null(bundle_open_self(&err));
	assert_int_equal(err.kind, ERR_NONE);
}

static void bundle_open_says_what_else_it_is(void **state)
{
	static const char zeros[4 * TAR_HEADER_SIZE];
	auto_fixture struct fixture f;
	auto_buf struct buf tar = BUF_INIT(BUF_TEXT_MAX);

	(void)state;
	assert_refused("nothing", ERR_NOT_FOUND, "nothing");
	put_bytes("o", "some text", 9);
	assert_refused("o", ERR_INVALID, "is no bundle");
	put_bytes("o", "\x1f\x8b\x08", 3);
	assert_refused("o", ERR_INVALID, "compressed with gzip");
	put_bytes("o", zeros, sizeof(zeros));
	assert_refused("o", ERR_VERIFY, "its first header is damaged");
	fixture_put(&tar, "oci-layout", "{}", 2);
	buf_add(&tar, zeros, sizeof(zeros));
	put_bytes("o", tar.data, tar.len);
	assert_refused("o", ERR_INVALID, "with --from oci-archive:");
	tar.len = 0;
	fixture_put(&tar, "x", "{}", 2);
	buf_add(&tar, zeros, sizeof(zeros));
	put_bytes("o", tar.data, tar.len);
	assert_refused("o", ERR_INVALID, "an archive, but no bundle");
	fixture_init(&f);
	fixture_put(&f.tar, "x", "{}", 2);
	write_signed(&f);
	put_bytes("o", f.tar.data, f.tar.len);
	assert_refused("o", ERR_VERIFY, "'bundle.json' is not its first");
}

static void bundle_tells_when_it_was_changed(void **state)
{
	autofree char *path = in_dir("b");
	auto_fixture struct fixture f;
	autobundle struct bundle *bundle = NULL;
	struct err err = ERR_INIT;

	(void)state;
	given_bundle(&f);
	bundle = trusted("b");
	assert_int_equal(truncate(path, 1), 0);
	assert_int_equal(bundle_unchanged(bundle, &err), -1);
	assert_error(&err, ERR_VERIFY, "was changed");
}

static void catalogue_of_a_bundle_does_without_sources(void **state)
{
	auto_fixture struct fixture f;
	autobundle struct bundle *bundle = NULL;
	autocatalogue struct catalogue *catalogue = NULL;
	const struct release_image *image;

	(void)state;
	given_bundle(&f);
	bundle = trusted("b");
	catalogue = catalogue_of_bundle(bundle);
	image = catalogue_at(catalogue, 0)->image;
	assert_null(bundle_meta(bundle)->release[0].image[0].source);
	assert_int_equal(image->sources.nr, 1);
	assert_string_equal(image->sources.item[0], "ghcr.io/x/dws");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bundle_that_is_whole_is_good),
		cmocka_unit_test(bundle_gives_its_images),
		cmocka_unit_test(catalogue_of_a_bundle_does_without_sources),
		cmocka_unit_test(bundle_with_a_bit_flipped_is_refused),
		cmocka_unit_test(bundle_that_is_cut_or_goes_on_is_refused),
		cmocka_unit_test(bundle_may_be_split),
		cmocka_unit_test(bundle_verify_hashes_what_is_wanted_once),
		cmocka_unit_test(bundle_text_tells_what_is_missing_or_too_long),
		cmocka_unit_test(bundle_may_lie_behind_an_executable),
		cmocka_unit_test(
			bundle_is_an_archive_of_images_wherever_it_lies),
		cmocka_unit_test(bundle_and_executable_belong_together),
		cmocka_unit_test(bundle_of_this_executable_is_none),
		cmocka_unit_test(bundle_open_says_what_else_it_is),
		cmocka_unit_test(bundle_tells_when_it_was_changed),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
