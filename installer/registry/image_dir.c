#include <stdlib.h>

#include "base/mem.h"
#include "registry/image_source.h"
#include "registry/manifest.h"

/*
 * The directory that skopeo calls dir: manifest.json, and blobs called by
 * the digits of their digests; of an index also DIGITS.manifest.json.
 */
struct image_dir {
	struct image_source source;
	struct image_files files;
};

static int dir_manifest(struct image_source *source, const char *reference,
			struct descriptor *descriptor, char **bytes,
			struct err *err)
{
	struct image_dir *self = (struct image_dir *)source;
	autofree char *name = mem_strdup("manifest.json");
	autofree char *media_type = NULL;
	size_t len;

	if (reference && str_starts(reference, "sha256:")) {
		if (digest_check(reference, err) < 0)
			return -1;
		free(name);
		name = mem_printf("%s.manifest.json", digest_hex(reference));
	}
	if (image_files_read(&self->files, name, MANIFEST_MAX_BYTES, bytes,
			     &len, err) < 0)
		return -1;
	media_type = manifest_media_type(*bytes, len);
	descriptor_of(descriptor, media_type ? media_type : "unknown", *bytes,
		      len);
	return 0;
}

static int dir_open(struct image_source *source,
		    const struct descriptor *descriptor,
		    struct image_blob *blob, struct err *err)
{
	struct image_dir *self = (struct image_dir *)source;
	uint64_t size;

	if (image_files_blob(&self->files, digest_hex(descriptor->digest), blob,
			     &size, err) < 0)
		return -1;
	return image_check_size(descriptor, size, err) < 0 ?
		       err_wrap(err, "'%s'", source->name) :
		       0;
}

static void dir_free(struct image_source *source)
{
	struct image_dir *self = (struct image_dir *)source;

	image_files_close(&self->files);
	free(self);
}

static const struct image_source_ops dir_ops = {
	.manifest = dir_manifest,
	.open = dir_open,
	.close = image_files_close_blob,
	.free = dir_free,
};

struct image_source *image_dir_open(const char *spec, const char *path,
				    struct err *err)
{
	struct image_dir *self = mem_alloc(sizeof(*self));
	struct descriptor descriptor = { 0 };
	autofree char *bytes = NULL;

	image_source_init(&self->source, &dir_ops, spec);
	self->source.nr_entries = 1;
	if (image_files_open(&self->files, path, false, err) < 0 ||
	    dir_manifest(&self->source, NULL, &descriptor, &bytes, err) < 0) {
		image_source_free(&self->source);
		return NULL;
	}
	descriptor_release(&descriptor);
	return &self->source;
}
