/*
 * deploy - the objects of a release into the cluster, and ready.
 */
#ifndef TXN_DEPLOY_H
#define TXN_DEPLOY_H

#include "kube/apply.h"
#include "txn/plan.h"

struct deploy {
	struct kube_config *config;
	struct kube *kube;
	struct discovery *discovery;
	bool wait; /* else CRDs are not waited for, either */
	bool expect_new;
	int64_t timeout_ms;
	struct progress *progress;
};

/* Apply all; `results` has room for each, or NULL. */
int deploy_apply(const struct deploy *self, const struct jval *objects,
		 enum apply_result *results, struct err *err) must_check;

/* Only the Namespaces among them, so that other things have a place. */
int deploy_namespaces(const struct deploy *self, const struct jval *objects,
		      struct err *err) must_check;

/* Wait until all that gets ready is. */
int deploy_wait(const struct deploy *self, const struct jval *objects,
		struct err *err) must_check;

/* Delete what is no longer part of it, and wait until it is gone; the number
 * of those that were there, or -1. Steps go into `plan`, if not NULL. */
int deploy_prune(const struct deploy *self, const struct jval *obsolete,
		 struct plan *plan, struct err *err) must_check;

#endif
