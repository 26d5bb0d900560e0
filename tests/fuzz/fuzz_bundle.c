/* Whatever the file is: what is opened has all bytes that it says it has. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/log.h"
#include "bundle/bundle.h"
#include "bundle/catalogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What each command asks first. */
static void list_releases(struct bundle *bundle)
{
	autocatalogue struct catalogue *catalogue = catalogue_of_bundle(bundle);

	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct release *release = catalogue_at(catalogue, i);
		struct err err = ERR_INIT;

		for (size_t k = 0; k < release->nr_images; k++)
			if (release->image[k].sources.nr == 0)
				abort();
		jval_free(catalogue_objects(release, &err));
	}
}

static void read_all(struct bundle *bundle, size_t size)
{
	const struct bundle_meta *meta = bundle_meta(bundle);
	const struct bundle_verify options = { .threads = 1 };
	struct err err = ERR_INIT;

	if (bundle_start(bundle) + meta->total != size)
		abort();
	for (size_t i = 0; i < meta->nr_files; i++) {
		struct source_volume content;
		autofree char *text = NULL;

		bundle_source(bundle, &meta->file[i], &content);
		if (source_read_all(&content.source, size, &text, NULL, &err) <
		    0)
			abort();
	}
	if (bundle_verify(bundle, &options, &err) < 0 && err.kind != ERR_VERIFY)
		abort();
	if (bundle_images(bundle, &err) == NULL && err.msg[0] == '\0')
		abort();
	list_releases(bundle);
}

static void say_nothing(const char *line, void *ctx)
{
	(void)line;
	(void)ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bundle_trust trust = { .allow_unsigned = true };
	autoclose int fd = memfd_create("fuzz", MFD_CLOEXEC);
	autofree char *path = mem_printf("/proc/self/fd/%d", fd);
	autobundle struct bundle *bundle = NULL;
	struct err err = ERR_INIT;

	if (fd < 0 || io_write_all(fd, data, size, &err) < 0)
		abort();
	log_set_sink(say_nothing, NULL);
	bundle = bundle_open(path, &err);
	if (bundle && bundle_trust(bundle, &trust, NULL, &err) == 0)
		read_all(bundle, size);
	return 0;
}
