/*
 * rest - what goes last when DWS is removed: Secrets, the site's binding, the
 * books of dws-csm.
 */
#ifndef TXN_REST_H
#define TXN_REST_H

#include "kube/client.h"
#include "txn/state.h"

/*
 * Those of `inventory` that go at the end. Not the journal, which is the last
 * word, nor the Lease that we hold; not what holds data of the site; and not
 * backups of which this host has no copy: *kept tells of those. `state` may be
 * NULL for a look. The caller's.
 */
struct jval *rest_of(struct kube *kube, const struct state *state,
		     const struct jval *inventory, bool *kept, struct err *err)
	must_check;

#endif
