/*
 * apply_object - one object into the cluster.
 */
#ifndef KUBE_APPLY_OBJECT_H
#define KUBE_APPLY_OBJECT_H

#include "kube/apply.h"

/* A copy fit for server-side apply: without status, every port with its
 * protocol, which is a part of its key. */
struct jval *apply_prepare(const struct jval *object) must_check;

struct apply_one {
	const struct jval *object; /* prepared */
	const char *path;
	bool dry_run;
	/* Its namespace or CRD was made a moment ago: another API server may
	 * not know it yet, so 404 is waited for. */
	bool fresh;
	/* Its namespace was created a moment ago, so all of it is probably
	 * new: no look at what was there before. */
	bool probably_new;
	/* What stood there (or NULL) and what the server made of it, whole;
	 * the caller's. NULL = not wanted. */
	struct jval **live, **made;
};

/* 0; 1 when it went onto an object that is being deleted, and will go with it
 * (not in a dry run, where the answer is what would be). */
int apply_object(struct kube *kube, const struct apply_one *one,
		 enum apply_result *result, struct err *err) must_check;

#endif
