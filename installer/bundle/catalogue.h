/*
 * catalogue - the releases of DWS that the executable, or a bundle, carries.
 *
 * manifests/catalogue.yaml and the objects beside it, embedded; or what
 * bundle.json lists. What is asked for is parsed then: a command that needs no
 * manifests pays nothing.
 */
#ifndef BUNDLE_CATALOGUE_H
#define BUNDLE_CATALOGUE_H

#include "base/err.h"
#include "base/strs.h"
#include "format/jval.h"

struct bundle;
struct bundle_image;

struct release_image {
	const char *name;	/* "dws" */
	const char *repository; /* as in the base manifests */
	const char *tag;
	struct strs sources; /* references upstream, in order to try */
	const struct bundle_image *carried; /* in the bundle, or NULL */
};

struct release {
	const char *version;   /* "0.0.20" */
	const char *path;      /* "dws/0.0.20"; of the bundle's file */
	struct bundle *bundle; /* that carries it, or NULL: embedded */
	const char *storage_version;
	const char *workload_manager_role;
	struct release_image *image;
	size_t nr_images;
};

struct catalogue;

struct catalogue *catalogue_open(struct err *err) must_check;

/* The releases of a bundle that is trusted already, and only those; borrows
 * it. */
struct catalogue *catalogue_of_bundle(struct bundle *bundle) must_check;
void catalogue_free(struct catalogue *catalogue);

size_t catalogue_count(const struct catalogue *catalogue);
const struct release *catalogue_at(const struct catalogue *catalogue,
				   size_t index);
/* The newest. */
const char *catalogue_default(const struct catalogue *catalogue);

/* The release `version`, NULL = the default. ERR_USAGE names those there
 * are. Borrowed. */
const struct release *catalogue_release(const struct catalogue *catalogue,
					const char *version, struct err *err)
	must_check;

/* All objects of a release before any overlay, an array in file order. */
struct jval *catalogue_objects(const struct release *release, struct err *err)
	must_check;

static inline void catalogue_autofree(struct catalogue **catalogue)
{
	catalogue_free(*catalogue);
}

#define autocatalogue __attribute__((cleanup(catalogue_autofree)))

#endif
