#include "unit.h"

#include <signal.h>

#include "base/clock.h"
#include "layout_fixture.h"
#include "registry/manifest.h"
#include "registry/pull.h"

#define LAYER "layer of the image"

static char *layer; /* its digest */

/* A layout with one image of two blobs. */
static void given_image(void)
{
	autofree char *config = put_blob("{}");
	autofree char *manifest = NULL;
	autofree char *digest = NULL;
	autofree char *index = NULL;

	layer = put_blob(LAYER);
	manifest = mem_printf("{\"config\":{\"mediaType\":\"c\",\"digest\":"
			      "\"%s\",\"size\":2},\"layers\":[{\"mediaType\":"
			      "\"l\",\"digest\":\"%s\",\"size\":%zu}]}",
			      config, layer, strlen(LAYER));
	digest = put_blob(manifest);
	index = mem_printf(
		"{\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST
		"\",\"digest\":\"%s\","
		"\"size\":%zu}]}",
		digest, strlen(manifest));
	put("layout/index.json", index);
}

/* Into the directory `to`; what was said on the way goes to `said`. */
static int pull(const char *to, char **said, struct err *err)
{
	autofree char *spec = mem_printf("oci:%s/layout", dir);
	autofree char *target = mem_printf("dir:%s/%s", dir, to);
	struct image_source *source = image_source_open(spec, NULL, err);
	int fd = unit_file("", 0);
	struct progress *progress = progress_new(PROGRESS_PLAIN, fd);
	struct pull_options options = {
		.source = source,
		.to = target,
		.progress = progress,
	};
	struct source_file file;
	int result = -1;

	if (source)
		result = pull_image(&options, NULL, err);
	image_source_free(source);
	progress_free(progress);
	source_file_init(&file, fd, 0, (uint64_t)lseek(fd, 0, SEEK_END));
	if (said)
		assert_int_equal(source_read_all(&file.source, 10000, said,
						 NULL, err),
				 0);
	close(fd);
	return result;
}

static char *pulled_layer(const char *to)
{
	autofree char *path =
		mem_printf("%s/%s/%s", dir, to, digest_hex(layer));
	struct err err = ERR_INIT;
	char *text = NULL;

	assert_done(file_read(AT_FDCWD, path, 100, &text, NULL, &err) == 0,
		    &err);
	return text;
}

static void pull_writes_what_is_whole(void **state)
{
	autofree char *again = NULL;
	autofree char *first = NULL;
	autofree char *text = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_done(pull("whole", &first, &err) == 0, &err);
	text = pulled_layer("whole");
	assert_string_equal(text, LAYER);
	assert_non_null(strstr(first, ": pulled 20 B in "));
	assert_done(pull("whole", &again, &err) == 0, &err);
	assert_non_null(strstr(again, ": already there\n"));
}

static void pull_names_the_source_that_is_damaged(void **state)
{
	autofree char *name =
		mem_printf("layout/blobs/sha256/%s", digest_hex(layer));
	struct err err = ERR_INIT;

	(void)state;
	put(name, "LAYER of the image");
	assert_int_equal(pull("none", NULL, &err), -1);
	put(name, LAYER);
	assert_error(&err, ERR_VERIFY, "/layout': blob 'sha256:");
	assert_error(&err, ERR_VERIFY, "the source is damaged");
}

static void pull_replaces_what_has_only_the_right_size(void **state)
{
	autofree char *name = mem_printf("bad/%s", digest_hex(layer));
	struct err err = ERR_INIT;
	autofree char *text = NULL;

	(void)state;
	put(name, "LAYER of the image");
	assert_done(pull("bad", NULL, &err) == 0, &err);
	text = pulled_layer("bad");
	assert_string_equal(text, LAYER);
}

/* The last one: a signal is never forgotten. */
static void pull_ends_at_a_signal(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	interrupt_install();
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(pull("ended", NULL, &err), -1);
	assert_error(&err, ERR_INTERRUPTED, "interrupted by");
}

static int begin(void **state)
{
	if (make_dir(state) < 0)
		return -1;
	given_image();
	return 0;
}

static int finish(void **state)
{
	free(layer);
	return drop_dir(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pull_writes_what_is_whole),
		cmocka_unit_test(pull_replaces_what_has_only_the_right_size),
		cmocka_unit_test(pull_names_the_source_that_is_damaged),
		cmocka_unit_test(pull_ends_at_a_signal),
	};

	return cmocka_run_group_tests(tests, begin, finish);
}
