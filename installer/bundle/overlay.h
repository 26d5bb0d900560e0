/*
 * overlay - changes that a site lays over a release: kustomization.yaml.
 *
 * The subset that sites use: images, replicas, labels, commonLabels,
 * commonAnnotations, patches (JSON 6902, strategic merge with the list keys
 * of core kinds, merge patch for custom resources; `target` with group,
 * version, kind, name, namespace, labelSelector, annotationSelector as
 * regular expressions), patchesStrategicMerge, patchesJson6902, resources and
 * components (files and directories below it). What is not supported is
 * refused by its name, never ignored. Results equal `kubectl kustomize`.
 *
 * Pure but for reading the files.
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

/* Change the array in place. ERR_INVALID when a patch has no target or does
 * not fit, naming the overlay's file. */
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
