/*
 * preflight - all that can be known to fail, known before the first change.
 */
#ifndef TXN_PREFLIGHT_H
#define TXN_PREFLIGHT_H

#include "base/strs.h"
#include "kube/discovery.h"
#include "registry/registry.h"

struct preflight {
	struct kube *kube;
	struct discovery *discovery;
	/* What will be applied or deleted, arrays or NULL. */
	const struct jval *now;	 /* of what stands: the way back applies it */
	const struct jval *next; /* of what shall be */
};

/*
 * Whether the user may do all of it: SelfSubjectAccessReviews, first for
 * everything, else for each verb and resource needed (those of `now` and
 * `next` with the custom resources of their CRDs, Secrets, Leases, the gate).
 * ERR_BLOCKED lists what is missing, as "create, delete
 * customresourcedefinitions.apiextensions.k8s.io". Events are not asked for:
 * nothing depends on them.
 *
 * Source: Kubernetes API, authorization.k8s.io/v1 SelfSubjectAccessReview.
 */
int preflight_permissions(const struct preflight *preflight, struct err *err)
	must_check;

/* Whether every kind of `objects` that a CRD among them does not bring is
 * served. ERR_BLOCKED names those that are not. */
int preflight_served(const struct preflight *preflight,
		     const struct jval *objects, struct err *err) must_check;

/*
 * Whether the images that pods of `objects` name are in the site's
 * registry, and those that were installed where `recorded` ([{name, reference,
 * digest}] of a record, or NULL) has their digest. Only those of `registry`'s
 * host and prefix (`place`, as of --registry) are asked for; others are left
 * alone. Where a tag has got another image, but the recorded one is there by its
 * digest, all that are recorded are named by digest in `objects`: 1, else 0.
 * ERR_BLOCKED names what is missing and how to bring it back (images
 * push --version).
 */
int preflight_images(struct jval *objects, const struct jval *recorded,
		     struct registry *registry, const char *place,
		     struct err *err) must_check;

#endif
