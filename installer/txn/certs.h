/*
 * certs - who issues the webhook's certificate, and the objects made for it.
 */
#ifndef TXN_CERTS_H
#define TXN_CERTS_H

#include "txn/install.h"
#include "txn/survey.h"

/* Refuse cert-manager where it is not served. */
int certs_check(const struct survey *survey, enum webhook_certs certs,
		struct err *err) must_check;

/* Objects adapted to the cluster (see bundle/adapt). Without cert-manager a
 * certificate of ours that still holds is kept, else a new one is issued. */
struct jval *certs_adapt(struct kube *kube, const struct survey *survey,
			 enum webhook_certs certs, const struct jval *objects,
			 struct strs *notes, struct err *err) must_check;

#endif
