/*
 * overlay - changes that a site lays over a release: kustomization.yaml.
 *
 * The subset that sites use: images, replicas, labels, commonLabels,
 * commonAnnotations, patches (JSON 6902, strategic merge, with `target`),
 * patchesStrategicMerge, patchesJson6902, resources (files at or below it,
 * other directories) and components. What is not supported is refused by its
 * name, never ignored. Results equal those of kustomize 5 with the release
 * under `resources`; in two things we are stricter: a patch that is meant for
 * no object is refused, and so is one that renames an object.
 *
 * Pure but for reading the files.
 *
 * Source: kustomize docs, "The Kustomization File".
 */
#ifndef BUNDLE_OVERLAY_H
#define BUNDLE_OVERLAY_H

#include "base/strs.h"
#include "format/jval.h"

struct overlay;

/* An embedded one by name ("csm"), else a directory that holds a
 * kustomization.yaml, else a file of that format. ERR_USAGE names what is
 * there when it is none of them; ERR_INVALID names file and field. */
struct overlay *overlay_open(const char *name, struct err *err) must_check;
void overlay_free(struct overlay *overlay);

/* Change the array in place; on failure it is of no use any more. ERR_INVALID
 * when a patch has no object or does not fit, naming the overlay's file. */
int overlay_apply(const struct overlay *overlay, struct jval *objects,
		  struct err *err) must_check;

/* What the overlay makes of the name of an image ("ghcr.io/x/dws:1"); the
 * caller's. */
char *overlay_image(const struct overlay *overlay, const char *image)
	must_check;

static inline void overlay_autofree(struct overlay **overlay)
{
	overlay_free(*overlay);
}

#define autooverlay __attribute__((cleanup(overlay_autofree)))

#endif
