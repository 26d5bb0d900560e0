/*
 * apply - objects into the cluster by server-side apply, and out of it.
 *
 * Kinds are all mapped before anything is changed: an unknown kind refuses
 * the whole. What need not wait for each other goes in parallel on a few
 * connections. CRDs are waited for until discovery shows them, which it does once they are
 * Established: before the first object of a kind of theirs, else at the end.
 * Fields that an earlier `kubectl apply` (client side) owns are taken over,
 * and dropped where our objects no longer have them. An object that says
 * what stands there already is not touched: its resourceVersion stays.
 *
 * Source: Kubernetes docs, "Server-Side Apply" (field manager, force,
 * "Upgrading from client-side apply").
 */
#ifndef KUBE_APPLY_H
#define KUBE_APPLY_H

#include "base/progress.h"
#include "kube/client.h"
#include "kube/discovery.h"

#define APPLY_FIELD_MANAGER "dws-csm"

enum apply_result { APPLY_CREATED, APPLY_CHANGED, APPLY_UNCHANGED };

struct apply_options {
	struct kube_config *config;
	struct discovery *discovery;
	bool dry_run;	    /* server side: dryRun=All */
	unsigned int jobs;  /* connections; 0 = 6 */
	int64_t timeout_ms; /* of each wait; 0 = 120 s */
	bool crds_later; /* wait for CRDs only where an object of theirs comes */
	bool expect_new; /* nothing of it is there: do not look first */
	/* Told of each object once all is done, or would be: what stood (NULL
	 * where nothing did, or nobody looked) and what the server made of it.
	 * Borrowed. NULL = answers are kept short. */
	void (*seen)(void *ctx, size_t index, const struct jval *live,
		     const struct jval *made);
	void *seen_ctx;
	struct progress *progress;
};

/* Apply the array `objects` in order; `results` has room for each, or NULL. */
int apply_objects(const struct apply_options *options,
		  const struct jval *objects, enum apply_result *results,
		  struct err *err) must_check;

/* Delete one object and do not wait: 1 when it was there, 2 when the server
 * says that it has gone already, 0 when it was not there. Foreground
 * propagation for what owns others. */
int delete_object(struct kube *kube, struct discovery *discovery,
		  const struct jval *object, struct err *err) must_check;

/* Wait by watch until each of the array is gone (404, or another uid).
 * ERR_TIMEOUT names what remains and its finalizers. */
int wait_gone(struct kube *kube, struct discovery *discovery,
	      const struct jval *objects, int64_t timeout_ms,
	      struct progress *progress, struct err *err) must_check;

#endif
