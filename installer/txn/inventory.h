/*
 * inventory - every object in the cluster that belongs to DWS.
 *
 * The candidates are the objects of all records, those of all releases
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

/* To what part of an installation an object of the inventory belongs. */
enum inventory_part {
	PART_RELEASE, /* comes with it and goes with it */
	PART_RUNTIME, /* made while it runs: goes with it, comes by itself */
	PART_DATA,    /* of an overlay: would take data along, so it stays */
	PART_KEPT,    /* outlives a release: Secrets, the binding */
	PART_BOOKS,   /* of dws-csm: records, journal, backups, lease, gate */
};

enum inventory_part inventory_part(const struct jval *object);

/* Those of `inventory` that an undeploy takes away and a deploy brings back:
 * PART_RELEASE and PART_RUNTIME. */
struct jval *inventory_of_release(const struct jval *inventory) must_check;

#endif
