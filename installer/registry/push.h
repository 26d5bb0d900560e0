/*
 * push - images into a registry, all blobs of all images at once.
 *
 * A list of copies is planned first (manifests read, platforms chosen, every
 * blob known with its size), then run by a few threads, largest blob first;
 * a blob that several images share goes once and is mounted elsewhere; a
 * manifest goes when its blobs are there, a tag last: an image that fails is
 * never half-tagged. A tag that has the right digest already costs one HEAD.
 *
 * Artifacts of an image (signatures, attestations) are items of their own,
 * which go before the image is tagged: who sees the tag finds them. Where the
 * registry does not keep referrers itself, the tag of their list is written
 * (referrers.h). A registry that will not have an artifact, or a blob of it, is
 * no reason to fail: it is warned about. Another artifact under its tag is
 * never replaced, since it may be the site's own signature: that is warned
 * about, too.
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
	const char *tag;	     /* there; NULL = by its digest */
	bool artifact; /* of an image, number `of`, an earlier item */
	size_t of;

	/* Results, owned by the item: release with push_item_release. */
	char *digest;	/* of the manifest or index that the tag now has */
	uint64_t bytes; /* of all blobs */
	uint64_t sent;	/* of these, sent now; dry run: to be sent */
	size_t missing; /* blobs that were to be sent, where `verify` is set */
	bool present;	/* the tag was right already */
	bool refused;	/* an artifact that the registry will not have */
	bool kept;	/* an artifact, where another one has its tag */
};

struct push_options {
	struct registry *registry; /* the destination; borrowed */
	const char *platform;	   /* "linux/amd64"; NULL = that */
	bool all_platforms;
	unsigned int jobs; /* transfers at once; 0 = 6 */
	bool dry_run;	   /* plan only: fills digest, bytes, present */
	/*
	 * Where a source can be read at no cost before it is sent: asked, before
	 * the first upload, whether these blobs are whole; not with dry_run. They
	 * are not hashed again on their way.
	 */
	int (*verify)(void *ctx, const struct strs *digests, struct err *err);
	void *verify_ctx;
	struct progress *progress; /* or NULL */
};

/* Push all; the first error stops the others and is returned. */
int push_images(const struct push_options *options, struct push_item *items,
		size_t nr, struct err *err) must_check;
void push_item_release(struct push_item *item);

#endif
