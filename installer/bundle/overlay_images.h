/*
 * overlay_images - other names, tags and digests for images.
 *
 *	images:
 *	  - {name: ghcr.io/x/dws, newName: registry.local/dws, newTag: "1"}
 *
 * Source: kustomize docs, "images".
 */
#ifndef BUNDLE_OVERLAY_IMAGES_H
#define BUNDLE_OVERLAY_IMAGES_H

#include "format/jval.h"

/* What the list makes of an image, each element after the other; the
 * caller's. */
char *overlay_images_name(const struct jval *images, const char *image)
	must_check;

/* The same for all containers of an object. */
void overlay_images_apply(const struct jval *images, struct jval *object);

#endif
