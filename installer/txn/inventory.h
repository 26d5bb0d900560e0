/*
 * inventory - every object in the cluster that belongs to DWS.
 *
 * The candidates are the objects of the newest record, those of all releases
 * of the catalogue (an installation made by hand has the same names), all
 * CRDs of the group, and what neither the record nor upstream's undeploy
 * knows: certificate Secret, leader election Lease and ConfigMap, the
 * binding of slurm-dws, our records. What of these exists is the inventory.
 */
#ifndef TXN_INVENTORY_H
#define TXN_INVENTORY_H

#include "bundle/catalogue.h"
#include "kube/discovery.h"
#include "txn/survey.h"

/* An array of {apiVersion, kind, metadata: {name, namespace}}, in the order
 * of apply; Namespaces are left out. */
struct jval *inventory_take(struct kube *kube, struct discovery *discovery,
			    const struct catalogue *catalogue,
			    const struct survey *survey, struct err *err)
	must_check;

#endif
