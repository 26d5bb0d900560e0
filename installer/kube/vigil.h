/*
 * vigil - one object watched, with its pods, until it is ready or doomed.
 *
 * A part of wait.c; runs in a thread of its own with its own connections.
 */
#ifndef KUBE_VIGIL_H
#define KUBE_VIGIL_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/progress.h"
#include "kube/client.h"
#include "kube/discovery.h"

struct vigil {
	/* All borrowed, set by the caller. */
	struct kube_config *config;
	struct discovery *discovery;
	const struct jval *object;
	int64_t timeout_ms; /* for the message */
	int64_t deadline;
	int64_t doom_ms; /* 0 = 10 s */
	struct progress_item *item;
	atomic_bool *stop; /* set by another that failed */
};

/* 0 ready, 1 stopped by another one that has failed; ERR_TIMEOUT says what is
 * missing, ERR_FAILED why it can never be. */
int vigil_keep(const struct vigil *vigil, struct err *err) must_check;

#endif
