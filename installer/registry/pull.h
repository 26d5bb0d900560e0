/*
 * pull - one image into a directory: an OCI layout or skopeo's dir.
 *
 * Each blob goes to a temporary file beside its place, is checked, and gets
 * its name; what is there already is read, and not fetched again when it is
 * whole.
 * The index of the layout, or manifest.json, comes last.
 *
 *	oci:DIR[:NAME]   NAME = the tag it gets there, default the reference's
 *	dir:DIR
 */
#ifndef REGISTRY_PULL_H
#define REGISTRY_PULL_H

#include <stdbool.h>

#include "base/progress.h"
#include "registry/image.h"

struct pull_options {
	struct image_source *source;
	const char *reference; /* in the source; NULL = its only one */
	const char *to;	       /* "oci:DIR", "oci:DIR:NAME", "dir:DIR" */
	const char *name;      /* for the layout where `to` has none, or NULL */
	const char *platform;  /* NULL = linux/amd64 */
	bool all_platforms;
	unsigned int jobs; /* 0 = 4 */
	struct progress *progress;
};

/* `digest` (owned, may be NULL) is that of the image. ERR_USAGE for another
 * kind of destination, ERR_VERIFY for what is corrupt. */
int pull_image(const struct pull_options *options, char **digest,
	       struct err *err) must_check;

#endif
