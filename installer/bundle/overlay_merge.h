/*
 * overlay_merge - strategic merge: a patch that looks like the object.
 *
 *	spec:
 *	  template:
 *	    spec:
 *	      nodeSelector: {site/role: service}   # set or added
 *	      containers:
 *	        - name: manager                    # this one of the list
 *	          resources: null                  # taken away
 *
 * Lists whose elements have a name in the kinds of Kubernetes itself
 * (containers, env, ports, volumes ...) are merged element by element: those
 * of the patch come first, as kustomize has it. All other lists, and every
 * list of a custom resource, are replaced. Directives: `$patch: delete`,
 * `replace` and `merge` in an object, in an element, or alone as an element
 * of a list; `$retainKeys`; `$deleteFromPrimitiveList/NAME`.
 *
 * Source: Kubernetes contributor docs, "Strategic Merge Patch"; merge keys:
 * x-kubernetes-patch-merge-key and x-kubernetes-list-map-keys of the OpenAPI
 * document of Kubernetes.
 */
#ifndef BUNDLE_OVERLAY_MERGE_H
#define BUNDLE_OVERLAY_MERGE_H

#include "format/jval.h"

/* Change `object` in place; apiVersion, kind, name and namespace stay. 1, or
 * 0 when the patch deletes the object, which is then of no use any more.
 * ERR_INVALID names the field ("spec.template"). */
int overlay_merge(struct jval *object, const struct jval *patch,
		  struct err *err) must_check;

#endif
