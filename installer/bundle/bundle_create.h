/*
 * bundle_create - make a bundle: releases, images, RPMs, documents.
 *
 * Manifests of images come first, so that every file of the bundle is known
 * with size and digest before the first blob is fetched: bundle.json is made,
 * signed and laid out, then blobs stream to their places, several at once.
 * The same inputs give the same bytes.
 */
#ifndef BUNDLE_BUNDLE_CREATE_H
#define BUNDLE_BUNDLE_CREATE_H

#include "base/progress.h"
#include "base/sign.h"
#include "bundle/catalogue.h"
#include "registry/image.h"

/* A release to put in. */
struct bundle_input {
	const struct release *release;
	struct jval *objects;	     /* before overlay csm */
	const struct jval *source;   /* as in bundle.json */
	struct image_source **image; /* one an image of the release */
	const char **reference;	     /* in the source, or NULL */
	/* Image number i is also asked for signatures and attestations. */
	bool artifacts;
};

struct bundle_create {
	const char *path;
	const struct bundle_input *input;
	size_t nr_inputs;
	const struct strs *rpms; /* paths of files */
	const struct strs *docs;
	const char *platform;
	bool all_platforms;
	int64_t created_s;	    /* since 1970 */
	const struct sign_key *key; /* NULL = unsigned */
	bool self_contained;
	uint64_t part_bytes; /* 0 = one file */
	unsigned int jobs;
	struct progress *progress;
};

struct bundle_created {
	char *digest; /* of bundle.json */
	uint64_t size;
	size_t nr_parts;
	size_t nr_images;
	size_t nr_artifacts;
};

int bundle_create(const struct bundle_create *options,
		  struct bundle_created *created, struct err *err) must_check;
void bundle_created_release(struct bundle_created *created);

/* Put another signature into a bundle where it lies (parts and
 * self-contained ones too). */
int bundle_sign(const char *path, const struct sign_key *key, struct err *err)
	must_check;

#endif
