/*
 * source_release - a release that is not embedded: out of upstream's source
 * (source_tree.h), or out of manifests that were rendered elsewhere.
 *
 * It is made to look like one of the catalogue: images have the repositories
 * that the installer's overlay csm looks for; storage version and role of
 * workload managers are read from the objects.
 */
#ifndef BUNDLE_SOURCE_RELEASE_H
#define BUNDLE_SOURCE_RELEASE_H

#include "bundle/catalogue.h"

struct source_release {
	struct release release;
	struct jval *objects;
	struct jval *source; /* as in bundle.json */
	struct strs store;   /* owns the texts of `release` */
};

struct source_release_options {
	const char *path;	    /* DIR or TAR, or the file of manifests */
	bool rendered;		    /* it is manifests */
	const char *version;	    /* its name, or NULL: as it says itself */
	const struct release *like; /* what images are called */
};

/* ERR_USAGE where it must be named; ERR_INVALID for what is not DWS. */
int source_release_load(struct source_release *self,
			const struct source_release_options *options,
			struct err *err) must_check;
void source_release_release(struct source_release *self);

#define auto_source_release __attribute__((cleanup(source_release_release)))

#endif
