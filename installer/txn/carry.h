/*
 * carry - custom resources from one release to another.
 *
 * A rewrite of apiVersion to the storage version of the target's CRD (and of
 * the few fields that carry_rules.c names), allowed only where its schema takes
 * every field: checked against the CRDs in the target's objects before any
 * change, so that nothing is pruned silently. Workflows are never carried: none
 * may be.
 */
#ifndef TXN_CARRY_H
#define TXN_CARRY_H

#include "base/strs.h"
#include "kube/client.h"

struct carry {
	const struct jval *objects; /* of the target; its CRDs are found here */
	const struct strs *abandon; /* kinds that may be left behind; or NULL */
};

/* The CRD among `objects` for resources of `kind`, or NULL. Borrowed. */
const struct jval *carry_crd(const struct jval *objects, const char *kind);

/*
 * A resource as it shall be created: apiVersion rewritten; of metadata name,
 * namespace, labels, annotations, finalizers and ownerReferences remain;
 * status kept. The caller's. NULL with `err` untouched when its kind is
 * abandoned, or Workflow; NULL and ERR_BLOCKED naming kind, name and field (and what the
 * user can do) when the target does not take it.
 */
struct jval *carry_object(const struct carry *carry,
			  const struct jval *resource, struct err *err)
	must_check;

/*
 * Look at all resources of the standing CRDs (array `crds`), page by page:
 * [{kind, count, from: "v1alpha2", to: "v1alpha7" or null, abandoned: bool,
 * problems: [{namespace, name, field, why}]}], at most 20 problems a kind with
 * the number of all in `nrProblems`. Not an error: carry_refuse makes one.
 */
struct jval *carry_survey(const struct carry *carry, struct kube *kube,
			  const struct jval *crds, struct err *err) must_check;

/* ERR_BLOCKED naming the first problem, how many there are, and
 * --abandon-resources; 0 when there is none. */
int carry_refuse(const struct jval *report, struct err *err) must_check;

#endif
