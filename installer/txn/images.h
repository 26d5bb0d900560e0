/*
 * images - the images of a release on their way into the site's registry.
 *
 * Each image is looked for in the sources that the user named (--from), by
 * its repository and tag; where none was named the registry is asked first,
 * and what it lacks is taken from upstream's registries in the order of the
 * catalogue: a site that has its images calls nobody.
 *
 * Those of a release that a bundle carries come out of it, with their
 * signatures: what is sent is verified before the first upload, and nobody is
 * asked but the registry.
 */
#ifndef TXN_IMAGES_H
#define TXN_IMAGES_H

#include "bundle/render.h"
#include "registry/push.h"

struct images_options {
	const struct release *release;
	const struct render_options *render; /* registry, overlay */
	struct registry *registry; /* of the site; NULL for images_pull */
	const struct strs *from;   /* "SPEC" or "NAME=SPEC"; may be empty, as
				      it is with a bundle */
	const struct strs *only;   /* names of images, or NULL = all */
	const char *authfile;	   /* for upstream's registries, or NULL */
	const char *ca_pem; /* likewise, besides the host's CAs, or NULL */
	const char *ca_name;
	const char *platform;
	bool all_platforms;
	bool dry_run;
	unsigned int jobs;
	struct progress *progress;
};

struct image_result {
	const char *name; /* of the catalogue; borrowed */
	char *place;	  /* "registry.local/dws:0.0.20" */
	char *digest;
	char *source; /* where it was taken from */
	uint64_t bytes;
	uint64_t sent;	/* with a dry run out of a bundle: to be sent */
	size_t missing; /* blobs to send, of a bundle */
	bool present;	/* was there already */
};

/* Push the images; `results` has release->nr_images elements, those not in
 * `only` left empty. */
int images_push(const struct images_options *options,
		struct image_result *results, struct err *err) must_check;

/* Write the images into directory `to`, one OCI image layout that
 * "--from oci:DIR" reads; the site's registry is not asked. */
int images_pull(const struct images_options *options, const char *to,
		struct image_result *results, struct err *err) must_check;

/* [{name, reference, digest}] of those that have a place, for a record. */
struct jval *image_results_value(const struct image_result *results, size_t nr)
	must_check;
void image_results_free(struct image_result *results, size_t nr);

#endif
