/*
 * doom - why a pod, or what makes pods, will not become ready by itself.
 *
 * Pure: what the objects say at one moment. Much of it heals now and then:
 * trouble.h decides when to believe it.
 *
 * Source: Kubernetes docs, "Pod Lifecycle" (waiting reasons of the kubelet),
 * "Debug Pods".
 */
#ifndef KUBE_DOOM_H
#define KUBE_DOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/jval.h"

enum doom_kind {
	DOOM_NONE,
	DOOM_PULL,     /* the image cannot be had */
	DOOM_CRASH,    /* it starts and ends, again and again */
	DOOM_CONFIG,   /* the container cannot be made */
	DOOM_SCHEDULE, /* no node takes it */
	DOOM_REPLICAS, /* the pod cannot even be created */
};

struct doom {
	enum doom_kind kind;
	/* Borrowed from the object. */
	const char *container;
	const char *image;
	const char *reason;  /* "ImagePullBackOff" */
	const char *message; /* what the kubelet or scheduler says, or NULL */
	int exit_code;
	int64_t restarts;
};

/* The first trouble of a pod. */
void doom_of_pod(struct doom *doom, const struct jval *pod);

/* ReplicaFailure of a Deployment or ReplicaSet. */
void doom_of_owner(struct doom *doom, const struct jval *owner);

/* Whether its cause will not go away by itself: what a registry that answers
 * says of an image, a program that ended more than twice. */
bool doom_is_sure(const struct doom *doom);

/* The same of what an event says about a pull. */
bool doom_is_sure_pull(const char *message);

/* How often `events` say that an image could not be pulled. */
int64_t doom_pull_failures(const struct jval *events);

/* "pod 'x' cannot pull image 'y': ImagePullBackOff". */
void doom_describe(struct buf *out, const struct doom *doom,
		   const struct jval *object);

/* The message of the newest Warning among `events` that says more than that
 * it was tried again, or NULL. Borrowed. */
const char *doom_event(const struct jval *events);

#endif
