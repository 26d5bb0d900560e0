/*
 * bundle_state - what an open bundle is; for bundle*.c only.
 */
#ifndef BUNDLE_BUNDLE_STATE_H
#define BUNDLE_BUNDLE_STATE_H

#include "bundle/bundle.h"
#include "format/tar_header.h"

struct bundle {
	char *name;
	struct volume *volume;
	uint64_t start;	 /* of the archive */
	uint64_t before; /* length of the executable in front of it, or 0 */
	struct bundle_meta meta;
	char *json; /* bundle.json as it stands */
	char digest[DIGEST_SIZE];
	char signature[TAR_HEADER_SIZE]; /* a text: what bundle.json.sig holds */
	bool trusted;
	/* Of each file; the last one is that of the executable. */
	bool *verified;
	struct image_source *images;
};

#endif
