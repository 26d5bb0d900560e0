/*
 * overlay_dir - the directory that an overlay lies in: the file system's, or
 * one that the executable carries.
 */
#ifndef BUNDLE_OVERLAY_DIR_H
#define BUNDLE_OVERLAY_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "format/jval.h"

struct overlay_dir {
	bool embedded;
	const char *path; /* "." or "manifests/overlays/csm" */
};

/* All documents of a file at or below the directory, as kustomize restricts
 * it. ERR_INVALID names it. */
struct jval *overlay_dir_read(const struct overlay_dir *dir, const char *name,
			      struct err *err) must_check;

/* Name of the one kustomization that `path` holds ("kustomization.yaml" by
 * default). ERR_NOT_FOUND, or ERR_INVALID where there are two. */
int overlay_dir_find(const char *path, const char **name, struct err *err)
	must_check;

bool overlay_dir_is(const char *path);

#endif
