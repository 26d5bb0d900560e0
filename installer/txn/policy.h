/*
 * policy - what the cluster's admission forbids, found by asking it.
 */
#ifndef TXN_POLICY_H
#define TXN_POLICY_H

#include "base/strs.h"
#include "kube/discovery.h"

enum host_time { HOST_TIME_AUTO, HOST_TIME_KEEP, HOST_TIME_STRIP };

/* "auto", "keep", "strip"; NULL = auto. The option table has checked it. */
enum host_time host_time_of(const char *text);

/*
 * hostPath mounts of the host's time zone out of the Deployments among
 * `objects` (changed in place), with a note that says why, where `host_time`
 * wants it or, with auto, where Pod Security or a policy engine (Kyverno)
 * refuses pods that have them: a server-side dry run of such a pod (in the
 * name of the controller that makes pods, where we may) and Deployment is
 * asked, in the namespace if it exists, and must go well without them. Pods
 * run in UTC then.
 * With keep and a refusal the note warns.
 */
int policy_host_time(struct kube *kube, struct discovery *discovery,
		     enum host_time host_time, struct jval *objects,
		     struct strs *notes, struct err *err) must_check;

#endif
