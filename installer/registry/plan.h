/*
 * plan - what has to be copied: for push and pull.
 *
 * An image is a list of manifests, those of an index before the index itself,
 * and blobs; a blob that several images have comes once in the plan.
 */
#ifndef REGISTRY_PLAN_H
#define REGISTRY_PLAN_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/progress.h"
#include "registry/manifest.h"

struct plan_manifest {
	struct descriptor descriptor;
	char *bytes;
};

struct plan_image {
	struct image_source *source;	/* borrowed */
	struct plan_manifest *manifest; /* the last one is the image itself */
	size_t nr_manifests;
	uint64_t bytes; /* of all its blobs */
	size_t *blob;	/* numbers in plan->blob, each once */
	size_t nr_blobs;

	/* While it runs. */
	atomic_size_t blobs_left;
	atomic_ullong done; /* bytes, for progress */
	atomic_ullong sent;
	struct progress_item *progress;
};

struct plan_blob {
	struct descriptor descriptor;
	size_t *image; /* numbers in plan->image that have it */
	size_t nr_images;
};

struct plan {
	struct plan_image *image;
	size_t nr_images;
	struct plan_blob *blob;
	size_t nr_blobs;
};

/* For `nr` images at most. */
void plan_init(struct plan *plan, size_t nr);
void plan_release(struct plan *plan);

/* Read the manifests of one more image: of an index the one for `platform`
 * ("linux/amd64"), or with `all_platforms` the index and all of it. Counts
 * its bytes. `err` names the image. */
int plan_add(struct plan *plan, struct image_source *source,
	     const char *reference, const char *platform, bool all_platforms,
	     struct err *err) must_check;

/* The manifest that a tag of the image names. */
const struct plan_manifest *plan_root(const struct plan_image *image);

/* The blobs of image number `index` are to be copied too. */
int plan_add_blobs(struct plan *plan, size_t index, struct err *err) must_check;

/* Largest blob first; after the last plan_add_blobs. */
void plan_sort(struct plan *plan);

/* Progress of an image, from any thread. */
void plan_advance(struct plan_image *image, uint64_t bytes);
void plan_take_back(struct plan_image *image, uint64_t bytes);

#define auto_plan __attribute__((cleanup(plan_release)))

#endif
