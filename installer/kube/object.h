/*
 * object - what is asked of any Kubernetes object, and their order.
 */
#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H

#include "format/jval.h"

const char *object_api_version(const struct jval *object); /* never NULL */
const char *object_kind(const struct jval *object);
const char *object_name(const struct jval *object);
const char *object_namespace(const struct jval *object); /* or NULL */
/* "apps" of "apps/v1"; "" for the core group. Into `group` of `size`. */
void object_group(const struct jval *object, char *group, size_t size);

/* Whether both are one and the same, of whatever version of its group. */
bool object_is_same(const struct jval *a, const struct jval *b);

/* "deployment.apps/dws-webhook" as kubectl prints it; the caller's. */
char *object_label(const struct jval *object) must_check;

/* The rank of a kind in the order of apply (facts: Namespace, CRD,
 * ServiceAccount, RBAC, ConfigMap/Secret, Service, Issuer/Certificate,
 * Deployment, others, webhook configurations last); objects of one rank may
 * be applied at the same time. */
int object_rank(const struct jval *object);

/* Sort an array by rank, stable; deletion goes the other way round. */
struct jval *object_sorted(const struct jval *objects) must_check;

/* Element of `list` (array of {type, status, ...}) in status.conditions, or
 * NULL. */
const struct jval *object_condition(const struct jval *object,
				    const char *type);

#endif
