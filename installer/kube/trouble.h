/*
 * trouble - what is wrong with each of some pods, for how long, how often.
 *
 * Much of what doom.h tells heals by itself: a registry that was away for a
 * moment, a program that waits for another by crashing. So it is believed
 * only when it has lasted `doom_ms`, and, where its cause is not sure, when
 * it was seen to fail again or has lasted TROUBLE_LASTING_MS.
 *
 * Pure: the caller tells the time.
 */
#ifndef KUBE_TROUBLE_H
#define KUBE_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "kube/doom.h"

/* The kubelet has tried again by then: its first back-off is 10 s. */
#define TROUBLE_LASTING_MS 25000

struct troubles; /* by uid */

struct troubles *troubles_new(int64_t doom_ms) must_check;
void troubles_free(struct troubles *troubles);

/* What `object` (a pod, or its owner) says at `now`. Every state that it goes
 * through counts, also several at one moment. */
void troubles_note(struct troubles *troubles, const struct jval *object,
		   const struct doom *doom, int64_t now);

/* Whether what was noted last is to be believed. */
bool troubles_believe(const struct troubles *troubles,
		      const struct jval *object, int64_t now);

/* Whether events might tell more of it: a pull that lasts for no sure
 * cause. */
bool troubles_doubt(const struct troubles *troubles, const struct jval *object,
		    int64_t now);

/* The events of a pod in doubt. */
void troubles_hear(struct troubles *troubles, const struct jval *object,
		   const struct jval *events);

/* Neither believe nor doubt it until then. */
void troubles_rest(struct troubles *troubles, const struct jval *object,
		   int64_t until);
void troubles_forget(struct troubles *troubles, const struct jval *object);

#endif
