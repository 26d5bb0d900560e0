/*
 * overlay_select - which objects a patch is meant for.
 *
 *	target: {group: apps, kind: Deployment, name: dws-.*,
 *	         labelSelector: control-plane in (webhook, controller-manager)}
 *
 * group, version, kind, name and namespace are regular expressions that must
 * match the whole; what is left out matches all. Two selectors, labelSelector
 * and annotationSelector, have the syntax of `kubectl get -l`.
 *
 * Expressions are those of POSIX. What RE2 has besides (`(?i)`, `\d`) is
 * refused, for it would mean something else.
 *
 * Source: kustomize docs, "patches"; Kubernetes docs, "Labels and Selectors".
 */
#ifndef BUNDLE_OVERLAY_SELECT_H
#define BUNDLE_OVERLAY_SELECT_H

#include <stdbool.h>

#include "format/jval.h"

/* Whether `target` can be understood; to be asked before the other. */
int overlay_target_check(const struct jval *target, struct err *err) must_check;

bool overlay_target_matches(const struct jval *target,
			    const struct jval *object);

/* Whether both have one group, version, kind, namespace and name, which is
 * what a patch without target is for. */
bool overlay_same_object(const struct jval *a, const struct jval *b);

#endif
