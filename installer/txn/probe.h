/*
 * probe - would the API server take a Workflow?
 *
 * A server-side dry run of a create, which every webhook of DWS takes part in:
 * it proves certificate, Service and endpoints at once, and leaves nothing.
 */
#ifndef TXN_PROBE_H
#define TXN_PROBE_H

#include "kube/client.h"

#define PROBE_LABEL "dws-csm.io/probe"

/* One try at `version` of Workflows, without retries; `pass` (see gate.h) or
 * NULL. 0, or ERR_API with the server's words. */
int probe_once(struct kube *kube, const char *version, const char *pass,
	       struct err *err) must_check;

/* Until it is taken; ERR_TIMEOUT tells the last refusal. */
int probe_wait(struct kube *kube, const char *version, const char *pass,
	       int64_t timeout_ms, struct err *err) must_check;

#endif
