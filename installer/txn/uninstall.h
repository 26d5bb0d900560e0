/*
 * uninstall - DWS out of the cluster, whoever put it there.
 *
 *	Workflows? -> custom resources -> CRDs -> webhook configurations ->
 *	the rest, and what the manual way leaves behind
 *
 * The controllers stay alive until the custom resources with their
 * finalizers are gone, the conversion webhook until the CRDs are. Every step
 * waits for the one before; run again it goes on where it stopped.
 */
#ifndef TXN_UNINSTALL_H
#define TXN_UNINSTALL_H

#include "bundle/catalogue.h"
#include "kube/discovery.h"
#include "txn/plan.h"

struct uninstall_options {
	struct kube *kube;
	struct discovery *discovery;
	const struct catalogue *catalogue; /* names of what upstream makes */
	bool delete_namespace;
	/* Custom resources other than Workflows may be destroyed; else they are
	 * ERR_BLOCKED, and in the result, for a question. */
	bool destroy_resources;
	int64_t timeout_ms;
	bool dry_run;
	struct progress *progress;
};

struct uninstall_result {
	struct plan plan;
	char *version;		/* of what stood there, or NULL */
	struct jval *workflows; /* those in the way, with ERR_BLOCKED */
	struct jval *resources; /* others that go, or are in the way */
	size_t removed;
};

/* ERR_BLOCKED while a Workflow remains, or when they cannot be listed. */
int uninstall_run(const struct uninstall_options *options,
		  struct uninstall_result *result, struct err *err) must_check;
void uninstall_result_release(struct uninstall_result *result);

#endif
