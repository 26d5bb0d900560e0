/*
 * The "dir:" layout of skopeo: manifest.json as it is in a registry, each
 * blob in a file called by the hexadecimal digits of its digest, manifests of
 * an index in <digits>.manifest.json.
 */
#include <stdlib.h>

#include "base/digest.h"
#include "base/mem.h"
#include "registry/image_store.h"

struct image_dir {
	struct image_source source;
	struct image_store store;
};

static int image_dir_manifest(struct image_source *source,
			      const char *reference,
			      struct descriptor *descriptor, char **bytes,
			      struct err *err)
{
	struct image_dir *self = (struct image_dir *)source;
	autojval struct jval *manifest = NULL;
	autofree char *text = NULL;
	autofree char *name = mem_strdup("manifest.json");
	const char *media_type;
	size_t len;

	if (reference && str_starts(reference, "sha256:")) {
		if (digest_check(reference, err) < 0)
			return -1;
		free(name);
		name = mem_printf("%s.manifest.json", digest_hex(reference));
	}
	if (image_store_read(&self->store, name, IMAGE_MANIFEST_MAX, &text,
			     &len, err) < 0)
		return -1;
	manifest = jval_parse(text, len, err);
	if (manifest == NULL)
		return err_wrap(err, "read '%s/%s'", self->store.path, name);
	media_type = manifest_media_type(manifest);
	if (media_type == NULL)
		return err_set(err, ERR_INVALID,
			       "'%s/%s' is no image manifest (for an archive "
			       "made by podman save say docker-archive:FILE)",
			       self->store.path, name);
	descriptor_of(descriptor, media_type, text, len);
	*bytes = mem_steal(&text);
	return 0;
}

static struct image_blob *image_dir_blob(struct image_source *source,
					 const struct descriptor *descriptor,
					 struct err *err)
{
	struct image_dir *self = (struct image_dir *)source;

	return image_store_blob(&self->store, digest_hex(descriptor->digest),
				NULL, err);
}

static void image_dir_release(struct image_source *source)
{
	image_store_release(&((struct image_dir *)source)->store);
}

struct image_source *image_dir_open(const char *path, struct err *err)
{
	static const struct image_source_ops ops = { image_dir_manifest,
						     image_dir_blob,
						     image_dir_release };
	struct image_dir *self = mem_alloc(sizeof(*self));

	self->source.ops = &ops;
	if (image_store_open(&self->store, path, false, err) < 0) {
		free(self);
		return NULL;
	}
	return &self->source;
}
