/*
 * patch - changes to JSON values, told as JSON values.
 *
 * Both kinds that kustomize, overlays and the API server know:
 *
 *	patch_merge: {"spec": {"replicas": 2, "paused": null}}
 *	patch_apply: [{"op": "replace", "path": "/spec/replicas", "value": 2}]
 *
 * Source: RFC 7386 (merge patch), RFC 6902 (JSON patch), RFC 6901 (pointer).
 */
#ifndef FORMAT_PATCH_H
#define FORMAT_PATCH_H

#include "base/err.h"
#include "format/jval.h"

/* Merge: members of `patch` are set in `*target`, those that are null deleted,
 * objects merged, all else (arrays too) replaced. `*target` may become another
 * value (the old one is freed then) and may be NULL at first. `patch` is
 * borrowed and shares nothing with the result. Never fails: returns 0. */
int patch_merge(struct jval **target, const struct jval *patch);

/* Do all operations of the array `ops`, or none: on failure `*doc` is as it
 * was. `*doc` becomes another value. ERR_INVALID names the operation's number,
 * kind and path, and what is wrong (a failed "test" too). */
int patch_apply(struct jval **doc, const struct jval *ops, struct err *err)
	must_check;

#endif
