/*
 * restore_owner - who owns what is restored, by the uids of now. Internal to
 * restore.
 *
 * Owners that are of DWS are looked up by kind and name; what was found out is
 * kept, within bounds. One that Kubernetes is about to collect counts as not
 * there. Shared by threads (locks itself).
 */
#ifndef TXN_RESTORE_OWNER_H
#define TXN_RESTORE_OWNER_H

#include "kube/client.h"

struct owners;

/* `crds`: objects among which the CRDs of DWS are; borrowed. */
struct owners *owners_new(const struct jval *crds) must_check;
void owners_free(struct owners *owners);

/*
 * Whether the owners of `live` that are of DWS are there by the uids that it
 * names: 1, or 0 when Kubernetes will collect it, as it does with what a CRD's
 * removal has left without owner in another CRD that still stands.
 */
int owners_hold(struct owners *owners, struct kube *kube,
		const struct jval *live, struct err *err) must_check;

/* Those that were not there may have come since. */
void owners_look_again(struct owners *owners);

/*
 * Point the ownerReferences of `object` to what stands there now: 1, or 0 when
 * one is missing. With `drop` the missing ones are taken out, and 0 means that
 * none remained.
 */
int owners_set(struct owners *owners, struct kube *kube, struct jval *object,
	       bool drop, struct err *err) must_check;

#endif
