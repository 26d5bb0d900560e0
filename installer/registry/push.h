/*
 * push - images into a registry, all blobs of all images at once.
 *
 * A list of copies is planned first (manifests read, platforms chosen, every
 * blob known with its size), then run by a few threads, largest blob first;
 * a blob that several images share goes once and is mounted elsewhere; a
 * manifest goes when its blobs are there, a tag last: an image that fails is
 * never half-tagged. A tag that has the right digest already costs one HEAD.
 */
#ifndef REGISTRY_PUSH_H
#define REGISTRY_PUSH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/progress.h"
#include "registry/image.h"
#include "registry/registry.h"

struct push_item {
	struct image_source *source; /* borrowed */
	const char *reference;	     /* in the source; NULL = its only one */
	const char *repository;	     /* at the destination, prefix included */
	const char *tag;	     /* at the destination */

	/* Results, owned by the item: release with push_item_release. */
	char *digest;	/* of the manifest or index that the tag now has */
	uint64_t bytes; /* of all blobs */
	uint64_t sent;	/* of these, sent now */
	bool present;	/* the tag was right already */
};

struct push_options {
	struct registry *registry; /* the destination; borrowed */
	const char *platform;	   /* "linux/amd64"; NULL = that */
	bool all_platforms;
	unsigned int jobs;	   /* transfers at once; 0 = 4 */
	bool dry_run;		   /* plan only: fills digest, bytes, present */
	struct progress *progress; /* or NULL */
};

/* Push all; the first error stops the others and is returned. */
int push_images(const struct push_options *options, struct push_item *items,
		size_t nr, struct err *err) must_check;
void push_item_release(struct push_item *item);

#endif
