/*
 * inquest - why something is not ready, asked of the cluster once.
 *
 * The newest event and the last lines of a container's log, for the message
 * that ends a wait. What cannot be had is left out.
 */
#ifndef KUBE_INQUEST_H
#define KUBE_INQUEST_H

#include "base/buf.h"
#include "kube/client.h"
#include "kube/doom.h"

/* Whether `pod` belongs to the newest ReplicaSet of `deployment` (any other
 * kind of owner: yes), as old ones may fail without harm. */
bool inquest_is_current(struct kube *kube, const struct jval *deployment,
			const struct jval *pod);

/* The events that tell of `object`, or NULL. */
struct jval *inquest_events(struct kube *kube, const struct jval *object)
	must_check;

/* Append ": <event>; last log: ..." for a doomed pod or owner. */
void inquest_doom(struct kube *kube, struct buf *out, const struct doom *doom,
		  const struct jval *object);

/* Append what keeps a pod from becoming ready that has no doom to tell:
 * "; pod 'x' is not ready: <event>; last log: ...". */
void inquest_unready(struct kube *kube, struct buf *out,
		     const struct jval *pod);

/* "labelSelector=..." of the pods of a Deployment and its like; the
 * caller's; NULL when it selects none. */
char *inquest_pod_query(const struct jval *owner) must_check;

#endif
