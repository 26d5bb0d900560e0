/*
 * copy - what has to be copied: for push and pull.
 *
 * An image is a list of manifests, those of an index before the index itself,
 * and blobs; a blob that several images have comes once.
 */
#ifndef REGISTRY_COPY_H
#define REGISTRY_COPY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/progress.h"
#include "registry/manifest.h"
#include "registry/workers.h"

struct copy_manifest {
	struct descriptor descriptor;
	char *bytes;
};

struct copy_image {
	struct image_source *source;	/* borrowed */
	struct copy_manifest *manifest; /* the last one is the image itself */
	size_t nr_manifests;
	uint64_t bytes; /* of all its blobs */
	size_t *blob;	/* numbers in copy->blob, each once */
	size_t nr_blobs;

	/* While it runs. */
	atomic_size_t blobs_left;
	atomic_ullong done; /* bytes, for progress */
	atomic_ullong sent;
	struct progress_item *progress;
};

struct copy_blob {
	struct descriptor descriptor;
	size_t *image; /* numbers in copy->image that have it */
	size_t nr_images;
};

struct copy {
	struct copy_image *image;
	size_t nr_images;
	struct copy_blob *blob;
	size_t nr_blobs;
};

/* For `nr` images at most. */
void copy_init(struct copy *copy, size_t nr);
void copy_release(struct copy *copy);

/* Read the manifests of one more image: of an index the one for `platform`
 * ("linux/amd64"), or with `all_platforms` the index and all of it. Counts
 * its bytes. `err` names the image. */
int copy_add(struct copy *copy, struct image_source *source,
	     const char *reference, const char *platform, bool all_platforms,
	     struct err *err) must_check;

/* The manifest that a tag of the image names. */
const struct copy_manifest *copy_root(const struct copy_image *image);

/* The blobs of image number `index` are to be copied too. */
int copy_add_blobs(struct copy *copy, size_t index, struct err *err) must_check;

/* Largest blob first; after the last copy_add_blobs. */
void copy_sort(struct copy *copy);

/* Progress of an image, from any thread. */
void copy_advance(struct copy_image *image, uint64_t bytes);
void copy_take_back(struct copy_image *image, uint64_t bytes);

/* A blob on its way: given as `seen` of a source_count, it tells progress and
 * ends the read when a signal came or another worker failed. */
struct copy_meter {
	struct copy_image *image; /* the one whose progress it is */
	struct workers *workers;
	uint64_t counted;
};

int copy_meter_seen(void *ctx, size_t len, struct err *err) must_check;

/* It begins anew: take back what was counted. */
void copy_meter_back(struct copy_meter *meter);

#define auto_copy __attribute__((cleanup(copy_release)))

#endif
