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
#include "bundle/image_choice.h"

/* A release to put in. */
struct bundle_input {
	const struct release *release;
	struct jval *objects;	    /* before overlay csm */
	struct jval *source;	    /* as in bundle.json */
	struct image_choice *image; /* one an image of the release */
};

struct bundle_create {
	const char *path;
	const struct bundle_input *input; /* oldest release first */
	size_t nr_inputs;
	const struct strs *rpms; /* paths of files */
	const struct strs *docs;
	const char *platform; /* NULL = linux/amd64 */
	bool all_platforms;
	int64_t created_s; /* since 1970; below 0: of the newest image, or of
			      the build of the program where that is later */
	const struct sign_key *key; /* NULL = unsigned */
	bool self_contained;
	uint64_t part_bytes; /* 0 = one file */
	unsigned int jobs;   /* 0 = 4 */
	struct progress *progress;
};

struct bundle_created {
	char digest[DIGEST_SIZE]; /* of bundle.json */
	uint64_t size;
	size_t nr_parts;
	size_t nr_images;
	size_t nr_artifacts;
	size_t nr_files;
};

/* ERR_VERIFY for a blob that does not have its digest, or a file that changed
 * meanwhile; ERR_REGISTRY; ERR_INVALID for what cannot go in, or does not find
 * room. What stood at `path` is replaced at the end, or stays as it was. */
int bundle_create(const struct bundle_create *options,
		  struct bundle_created *created, struct err *err) must_check;

/* Put another signature into a bundle where it lies (parts and
 * self-contained ones too). */
int bundle_sign(const char *path, const struct sign_key *key, struct err *err)
	must_check;

#endif
