/*
 * image_ops - what a transport gives to be an image_source.
 *
 * Private to registry/image*.c. A transport embeds `struct image_source` as
 * its first member, and opens with one of the functions below.
 */
#ifndef REGISTRY_IMAGE_OPS_H
#define REGISTRY_IMAGE_OPS_H

#include "registry/image.h"

struct image_source_ops {
	/* As image_source_manifest. */
	int (*manifest)(struct image_source *self, const char *reference,
			struct descriptor *descriptor, char **bytes,
			struct err *err);
	/* As image_source_blob; called by several threads at once. */
	struct image_blob *(*blob)(struct image_source *self,
				   const struct descriptor *descriptor,
				   struct err *err);
	/* Frees what the transport added, not `self`. */
	void (*release)(struct image_source *self);
};

struct image_source {
	const struct image_source_ops *ops;
	char *spec;
	struct strs names;
};

struct image_blob {
	struct source *source;
	void (*close)(struct image_blob *blob); /* frees `blob` too */
};

#define IMAGE_MANIFEST_MAX ((size_t)4 << 20)

/* `path` is what stands behind the transport's name. */
struct image_source *image_layout_open(const char *path, bool archive,
				       struct err *err);
struct image_source *image_docker_open(const char *path, struct err *err);
struct image_source *image_dir_open(const char *path, struct err *err);
struct image_source *
image_registry_open(const char *name,
		    const struct image_source_options *options,
		    struct err *err);

/* The digest and size of `bytes` into an empty descriptor. */
void descriptor_of(struct descriptor *descriptor, const char *media_type,
		   const void *bytes, size_t len);

/* A descriptor out of a manifest: mediaType, digest (checked), size. */
int descriptor_parse(struct descriptor *descriptor, const struct jval *value,
		     struct err *err) must_check;

/* The mediaType of a manifest, told by itself or by its shape; NULL for
 * what is no manifest we know. Static text. */
const char *manifest_media_type(const struct jval *manifest);

#endif
