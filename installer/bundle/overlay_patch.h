/*
 * overlay_patch - the patches of a kustomization: read, and laid over the
 * objects they are meant for.
 */
#ifndef BUNDLE_OVERLAY_PATCH_H
#define BUNDLE_OVERLAY_PATCH_H

#include "bundle/overlay_dir.h"

/* Read an element of `patches` or `patchesJson6902` ({patch or path, target})
 * and append what it holds to `list`; `where` ("patches[0]") is what messages
 * call it. ERR_INVALID. */
int overlay_patch_load(struct jval *list, const struct jval *entry,
		       const char *where, const struct overlay_dir *dir,
		       struct err *err) must_check;

/* The same for an element of patchesStrategicMerge: a patch, or its file. */
int overlay_patch_load_merge(struct jval *list, const char *text,
			     const char *where, const struct overlay_dir *dir,
			     struct err *err) must_check;

/* Lay the patches of `list` over `objects`, in place. ERR_INVALID where one
 * is meant for no object or does not fit. */
int overlay_patches_apply(const struct jval *list, struct jval *objects,
			  struct err *err) must_check;

#endif
