/*
 * push_plan - what a push would send, before it does; for push.c only.
 */
#ifndef REGISTRY_PUSH_PLAN_H
#define REGISTRY_PUSH_PLAN_H

#include <pthread.h>

#include "registry/copy.h"
#include "registry/push.h"

/* What was found out of a blob before anything is sent. */
struct look {
	bool *there;   /* in the repository of its image number k */
	bool verified; /* by options->verify: not hashed again */
};

struct push {
	const struct push_options *options;
	struct push_item *items;
	struct copy copy;  /* image i is item i */
	struct look *look; /* one a blob, or NULL: look just before it goes */
	struct workers *workers;
	pthread_mutex_t lock; /* one list of referrers at a time; `refused` */
	pthread_mutex_t proof_lock;
	enum { PROOF_WANTED, PROOF_GIVEN, PROOF_FAILED } proof; /* proof.h */
};

/* Item of the blob's image number `k`. */
const struct push_item *push_item_of(const struct push *self,
				     const struct copy_blob *blob, size_t k);

/* Whether an image of the blob before its number `k` has the same
 * repository. */
bool push_seen_repository(const struct push *self, const struct copy_blob *blob,
			  size_t k);

/* Whether the plan has nothing to send of the item. */
bool push_is_settled(const struct push_item *item);

/* Workers of a session each, one job a blob; `run` is left to the caller. */
struct workers_options push_workers(struct push *self);

/* Whether another worker failed; of a struct push. */
bool push_cancelled(void *ctx);

/* Read an item's manifests, and see whether its tag is right already. */
int push_plan_item(struct push *self, struct registry_session *session,
		   size_t index, struct err *err) must_check;

/* Which blobs will be sent, and are they whole? Fills in self->look. */
int push_look(struct push *self, struct err *err) must_check;

#endif
