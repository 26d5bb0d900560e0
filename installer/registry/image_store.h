/*
 * image_store - files of an image in a directory or in an archive.
 */
#ifndef REGISTRY_IMAGE_STORE_H
#define REGISTRY_IMAGE_STORE_H

#include "format/tar.h"
#include "registry/image_ops.h"

struct image_store {
	char *path;
	int fd;		 /* of the directory or the archive */
	struct tar *tar; /* NULL = a directory */
};

int image_store_open(struct image_store *store, const char *path, bool archive,
		     struct err *err) must_check;
void image_store_release(struct image_store *store);

/* A small file of the store as text. ERR_NOT_FOUND names it. */
int image_store_read(const struct image_store *store, const char *name,
		     size_t max_bytes, char **text, size_t *len,
		     struct err *err) must_check;

/* A file as a blob; `size` (may be NULL) is its length. */
struct image_blob *image_store_blob(const struct image_store *store,
				    const char *name, uint64_t *size,
				    struct err *err) must_check;

#endif
