/*
 * overlay_place - which lists of Kubernetes' own kinds have elements with a
 * name, so that a patch can mean one of them.
 *
 * Source: x-kubernetes-patch-merge-key and x-kubernetes-list-map-keys of the
 * OpenAPI document of Kubernetes; kustomize knows the same.
 */
#ifndef BUNDLE_OVERLAY_PLACE_H
#define BUNDLE_OVERLAY_PLACE_H

#include "format/jval.h"

/* What an object inside an object is, as far as its lists have keys. */
enum overlay_place {
	PLACE_OTHER,
	PLACE_OBJECT,
	PLACE_METADATA,
	PLACE_SPEC, /* of what makes pods */
	PLACE_TEMPLATE,
	PLACE_JOB_TEMPLATE,
	PLACE_POD,
	PLACE_CONTAINER,
	PLACE_EPHEMERAL,
	PLACE_SERVICE,
};

/* Of a list of texts `key` is "": the text itself. */
struct overlay_keys {
	const char *key;
	const char *also; /* tells elements of one key apart, or NULL */
};

/* PLACE_OBJECT for kinds of Kubernetes itself, PLACE_OTHER for custom
 * resources, which have no such lists. */
enum overlay_place overlay_place_of(const struct jval *object);

/* Where member `name` of something at `place` is; `kind` is that of the whole
 * object. */
enum overlay_place overlay_place_member(enum overlay_place place,
					const char *kind, const char *name);

/* The keys of the list `name` of something at `place`, or NULL: it is one
 * value. */
const struct overlay_keys *overlay_place_keys(enum overlay_place place,
					      const char *kind,
					      const char *name);

#endif
