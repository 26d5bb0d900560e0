/*
 * status - what stands in the cluster and how it is, as one value.
 *
 *	{installed, version, managedBy, revision, recordStatus, kubernetes,
 *	 images: [{name, reference, digest}],
 *	 deployments: [{name, ready, desired, state, message}],
 *	 crds: [{name, storage, state}],
 *	 webhook: {endpoints, configurations: [{kind, name, caBundle}],
 *		   certificate: {secret, issuedBy, notAfter, daysLeft}},
 *	 workloadManager: {user, role, roleFound, until, daysLeft}, {error} or
 *		   null (see wlm.h),
 *	 workflows: {count, items: [...]} or {error},
 *	 gate, leftovers,
 *	 transaction: {operation, version, fromVersion, direction, step,
 *		       user, host, started, alive} or null}
 *
 * `alive` of the transaction is false where its installer is known to be gone,
 * null where that is not known. `gate` is true while dws-csm keeps new
 * Workflows out; `leftovers` counts objects of an installation that was not
 * removed whole.
 *
 * Looks only; what cannot be read is told in its place.
 */
#ifndef TXN_STATUS_H
#define TXN_STATUS_H

#include "bundle/catalogue.h"
#include "kube/client.h"
#include "kube/discovery.h"

struct jval *status_take(struct kube *kube, struct discovery *discovery,
			 const struct catalogue *catalogue, struct err *err)
	must_check;

#endif
