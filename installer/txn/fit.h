/*
 * fit - the webhook on as many nodes as there are.
 */
#ifndef TXN_FIT_H
#define TXN_FIT_H

#include "base/strs.h"
#include "kube/client.h"

/*
 * The webhook's anti-affinity wants a node for each pod: a note says so where
 * there are too few, before and not after. Where there is no spare node
 * either, a new pod can only come when an old one has gone, but the default
 * never takes one of three away first: the Deployment among `objects` is told
 * to. Nothing happens where nodes may not be listed.
 */
void fit_nodes(struct kube *kube, struct jval *objects, struct strs *notes);

#endif
