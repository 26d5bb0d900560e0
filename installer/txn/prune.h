/*
 * prune - what an earlier installation has and the next one does not.
 *
 * Left standing it would go on to act: a Certificate, for one, overwrites
 * the Secret that dws-csm issues in its place.
 */
#ifndef TXN_PRUNE_H
#define TXN_PRUNE_H

#include "format/jval.h"

/* Those of the array `old` whose group, kind, namespace and name no object of
 * `now` has, in the order of removal; Namespaces are left out. A new array. */
struct jval *prune_list(const struct jval *old, const struct jval *now)
	must_check;

#endif
