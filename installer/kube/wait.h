/*
 * wait - until objects are ready, by watch, or can never be.
 *
 * Readiness by the rules of kstatus. What can never become ready ends the
 * wait early with reason, event and last log lines of the pod:
 * ImagePullBackOff, ErrImageNeverPull, InvalidImageName, CrashLoopBackOff,
 * CreateContainerConfigError, Unschedulable, ReplicaFailure (quota,
 * admission), ProgressDeadlineExceeded. Much of this heals by itself: each
 * must have lasted `doom_ms`, or longer where its cause is not sure (see
 * trouble.h). What an earlier run left behind does not count: pods of a
 * Deployment that wait in a back-off at the first look are deleted once, and
 * a failure that was told before must last `doom_ms` as well.
 */
#ifndef KUBE_WAIT_H
#define KUBE_WAIT_H

#include "base/progress.h"
#include "kube/client.h"
#include "kube/discovery.h"

enum ready_state {
	READY_YES,
	READY_PROGRESSING,
	READY_FAILED,
	READY_TERMINATING
};

/* Pure: what the object itself says; `why` of at least 256 bytes. */
enum ready_state object_ready(const struct jval *object, char *why,
			      size_t size);

struct wait_options {
	struct kube_config *config;
	struct discovery *discovery;
	int64_t timeout_ms; /* for each object */
	int64_t doom_ms;    /* 0 = 10 s; for tests smaller */
	struct progress *progress;
};

/* Wait for all objects of the array (kinds without a notion of readiness
 * are ready when they exist). ERR_TIMEOUT says what is missing; ERR_FAILED
 * why it can never be. */
int wait_ready(const struct wait_options *options, const struct jval *objects,
	       struct err *err) must_check;

#endif
