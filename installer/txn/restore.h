/*
 * restore - custom resources out of a backup, as a release takes them.
 *
 * Each is rewritten (see carry.h), its owners that are of DWS are pointed to
 * by their new uids (owners come first; what is owned by something that is
 * gone is left out with a warning, as Kubernetes would collect it), created,
 * and its status written through the status subresource where the CRD has one.
 * What was being deleted is deleted again. What lay in a namespace that is gone
 * is left out with a warning: it would have gone with it. Workflows are never
 * restored, their jobs know nothing of it (counted as abandoned). Several at a
 * time. Safe to run again after a kill: what is there already stays, with its
 * status completed, but for what names an owner of DWS that is gone: Kubernetes
 * would collect that, so it is deleted and created anew.
 */
#ifndef TXN_RESTORE_H
#define TXN_RESTORE_H

#include "base/progress.h"
#include "kube/discovery.h"
#include "txn/carry.h"
#include "txn/state.h"

struct restore_options {
	struct kube_config *config;
	struct kube *kube;
	const struct state *state;
	const char *id; /* of the backup */
	struct carry carry;
	unsigned int jobs; /* 0 = 6 */
	/* Nothing is written; the server is asked what it would say. Owners
	 * are not looked for. */
	bool dry_run;
	/* They were detached since the backup, and nobody had them since: what
	 * stands with its uid of then gets its finalizers back, and what was
	 * being deleted is deleted. */
	bool detached;
	struct progress *progress;
};

struct restore_result {
	size_t created;
	size_t existed;
	size_t abandoned;
	size_t orphans;	 /* left out: their owner is gone */
	size_t homeless; /* left out: their namespace is gone */
};

/* Whether the release takes all of it, before anything is written: ERR_BLOCKED
 * names the first that it does not take. */
int restore_check(const struct restore_options *options, struct err *err)
	must_check;

int restore_run(const struct restore_options *options,
		struct restore_result *result, struct err *err) must_check;

#endif
