/*
 * gate - no new Workflow while DWS is taken away or replaced.
 *
 * A ValidatingWebhookConfiguration on CREATE of workflows whose Service does
 * not exist: the API server refuses such calls at once, and the name of the
 * webhook tells the user why. Everything else on Workflows goes on, so that
 * those that are there can end. One mechanism for every Kubernetes.
 *
 * Source: Kubernetes docs, "Dynamic Admission Control" (failure policy,
 * matching requests: objectSelector).
 */
#ifndef TXN_GATE_H
#define TXN_GATE_H

#include "kube/client.h"

#define GATE_NAME "dws-csm-gate"

/* Close it and wait until the API server obeys. `operation` ("upgrade",
 * "rollback", "uninstall") goes into the name that users see. `pass` is what a
 * Workflow's label PROBE_LABEL must say to be let through: a word that only
 * the transaction knows, so that it can try the new webhook. */
int gate_close(struct kube *kube, const char *operation, const char *pass,
	       struct err *err) must_check;

/* Open it; fine when it is not there. 1 when it was. */
int gate_open(struct kube *kube, struct err *err) must_check;

/* 1 when it is closed. */
int gate_is_closed(struct kube *kube, struct err *err) must_check;

#endif
