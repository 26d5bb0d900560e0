/*
 * watch - changes of a collection as they happen.
 *
 * A list gives the state and a resourceVersion, the watch goes on from
 * there; a watch that ends is taken up again, one that is too old (410) begun
 * again by a new list, unnoticed by the caller but for repeated ADDED events:
 * DELETED is told also for what went in between. Source: Kubernetes docs,
 * "Efficient detection of changes".
 */
#ifndef KUBE_WATCH_H
#define KUBE_WATCH_H

#include "kube/client.h"

struct watch;

/* Watch the collection `path` (with `query`, such as a fieldSelector
 * "metadata.name=x", or NULL). `kube` is borrowed and busy until
 * watch_free. */
struct watch *watch_new(struct kube *kube, const char *path, const char *query)
	must_check;
void watch_free(struct watch *watch);

/* The next event within `timeout_ms`: 1, its type in `type` ("ADDED",
 * "MODIFIED", "DELETED", "SYNCED" once after each list; static text) and the
 * object (the caller's; NULL for SYNCED); 0 when the time is over; -1 on an
 * error that lasts. */
int watch_next(struct watch *watch, int64_t timeout_ms, const char **type,
	       struct jval **object, struct err *err) must_check;

#endif
