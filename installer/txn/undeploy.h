/*
 * undeploy - the objects of DWS out of the cluster, stage by stage.
 *
 *	custom resources, CRDs, webhook configurations, Deployments and
 *	certificates, the rest
 *
 * Each stage is gone before the next begins: what runs may write again what
 * is deleted under it, such as a Lease or the certificate's Secret. The
 * conversion webhook stays until the CRDs are gone.
 *
 * Custom resources go in one of two ways. When DWS is removed they are
 * retired: deleted while their controllers live, which clear up what they
 * stand for. When they are carried to another release they are detached: the
 * controllers are stopped first and finalizers taken off, so that nothing that
 * they stand for is touched. Run again it goes on where it stopped.
 */
#ifndef TXN_UNDEPLOY_H
#define TXN_UNDEPLOY_H

#include "kube/discovery.h"
#include "txn/lease.h"
#include "txn/plan.h"

struct undeploy {
	struct kube_config *config;
	struct kube *kube;
	struct discovery *discovery;
	bool retire;
	/* CRDs that stay, with their resources as they are; or NULL. */
	const struct jval *keep;
	int64_t timeout_ms;
	struct progress *progress;
	struct lease *lease; /* looked at before each stage; or NULL */
	size_t removed;	     /* counted */
};

/* All that runs but the webhook, which needs no custom resources. */
bool undeploy_is_controller(const struct jval *object) must_check;

/* Stop the controllers among `objects`, before resources are detached; the
 * webhook lives on. */
int undeploy_stop(struct undeploy *self, const struct jval *objects,
		  struct err *err) must_check;

/* Remove `objects` (an inventory) and all custom resources. ERR_BLOCKED when a
 * Workflow is found on the last look before the CRDs go. */
int undeploy_run(struct undeploy *self, const struct jval *objects,
		 struct err *err) must_check;

/* Delete an array, last element first, and wait until all is gone. */
int undeploy_objects(struct undeploy *self, const char *what,
		     const struct jval *objects, struct err *err) must_check;

/* ERR_BLOCKED while a Workflow remains, or when they cannot be listed: then
 * *workflows is NULL, else the list, the caller's (it may be NULL). */
int undeploy_check_workflows(struct kube *kube, struct jval **workflows,
			     struct err *err) must_check;

/* Steps for a plan: each object in the order of its removal. */
void undeploy_plan(const struct jval *objects, struct plan *plan);

#endif
