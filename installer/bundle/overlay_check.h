/*
 * overlay_check - whether a kustomization.yaml says only what we know, in the
 * way we know it. What it says besides would not happen: it is refused.
 *
 * Source: kustomize docs, "The Kustomization File".
 */
#ifndef BUNDLE_OVERLAY_CHECK_H
#define BUNDLE_OVERLAY_CHECK_H

#include "format/jval.h"

/* ERR_INVALID names the field ("images[1].newNam"). */
int overlay_check(const struct jval *root, struct err *err) must_check;

#endif
