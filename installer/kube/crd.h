/*
 * crd - the kinds that CustomResourceDefinitions bring.
 */
#ifndef KUBE_CRD_H
#define KUBE_CRD_H

#include "kube/client.h"
#include "kube/discovery.h"

/* Whether a CRD among `objects` brings the kind of `object`. */
bool crd_brings(const struct jval *objects, const struct jval *object);

/* Wait until discovery shows every served version of the CRDs among
 * `objects`, which it does once they are Established. ERR_FAILED when the
 * server refuses a CRD's names, ERR_TIMEOUT. */
int crd_wait(struct kube *kube, struct discovery *discovery,
	     const struct jval *objects, int64_t timeout_ms, struct err *err)
	must_check;

#endif
