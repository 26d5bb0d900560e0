/*
 * adopt - an installation that somebody made by hand, as a record of ours.
 *
 * So that a rollback can bring it back by the same machinery as one of ours.
 * Objects are taken as they stand, without what the server adds and what other
 * controllers write (status, clusterIP, injected caBundles, Secrets' data).
 */
#ifndef TXN_ADOPT_H
#define TXN_ADOPT_H

#include "bundle/catalogue.h"
#include "kube/discovery.h"
#include "txn/survey.h"

/* A live object as somebody could have applied it. Pure; the caller's. */
struct jval *adopt_object(const struct jval *live) must_check;

/* Objects of an installation among `inventory` (see inventory.h): what an
 * undeploy takes away and a deploy brings back. The caller's. */
struct jval *adopt_objects(struct kube *kube, struct discovery *discovery,
			   const struct jval *inventory, struct err *err)
	must_check;

/* A record of `revision` with them and with the images that the Deployments
 * name. */
struct jval *adopt_record(int64_t revision, const struct survey *survey,
			  const struct jval *objects) must_check;

#endif
