/*
 * stuck - pods that an earlier run left waiting in a back-off.
 *
 * The kubelet waits up to 5 min before it tries again, though the cause may
 * have been mended a moment ago. A new pod is tried at once.
 */
#ifndef KUBE_STUCK_H
#define KUBE_STUCK_H

#include "kube/client.h"

/* Delete those among `pods` (name -> pod) that belong to a ReplicaSet of
 * `deployment` and cannot pull or crash again and again; says how many.
 * What must not be done is left. */
unsigned int stuck_retry(struct kube *kube, const struct jval *deployment,
			 const struct jval *pods);

#endif
