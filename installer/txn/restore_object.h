/*
 * restore_object - one custom resource, as it was saved, into the cluster.
 * Internal to restore.
 */
#ifndef TXN_RESTORE_OBJECT_H
#define TXN_RESTORE_OBJECT_H

#include "txn/restore_owner.h"

enum fate {
	FATE_OPEN,
	FATE_CREATED,
	FATE_EXISTED,
	FATE_ABANDONED,
	FATE_HOMELESS,
};

struct restoring {
	struct owners *owners;
	bool dry_run;
	bool detached; /* see restore.h */
};

/* Only the creation; `*live` is what came of it. A fate, or -1. */
int restore_create(const struct restoring *self, struct kube *kube,
		   const struct jval *crd, const struct jval *object,
		   struct jval **live, struct err *err) must_check;

/* All of it: `object` is what `saved` is to be, with its owners, and taken
 * apart into what is created and its status. A fate, or -1. */
int restore_put(const struct restoring *self, struct kube *kube,
		const struct jval *crd, const struct jval *saved,
		struct jval *object, struct err *err) must_check;

#endif
