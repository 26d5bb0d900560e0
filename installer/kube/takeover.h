/*
 * takeover - fields that an earlier `kubectl apply` owns become ours.
 *
 * Client-side apply owns its fields by an Update, which server-side apply
 * shares but never ends: what a later release no longer has would stay for
 * ever. So the entries of client-side apply in metadata.managedFields are
 * joined into one of ours, as of an Apply, before we apply.
 *
 * Pure. Source: Kubernetes docs, "Server-Side Apply", "Upgrading from
 * client-side apply to server-side apply"; FieldsV1 (a tree whose union is
 * the union of its members).
 */
#ifndef KUBE_TAKEOVER_H
#define KUBE_TAKEOVER_H

#include "format/jval.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* A JSON patch (array) for an object with this metadata that makes
 * `manager` the owner and drops the annotation of client-side apply, and
 * fails with 409 when the object was changed since; NULL when there is
 * nothing to take over. */
struct jval *takeover_patch(const struct jval *object, const char *manager)
	must_check;

#endif
