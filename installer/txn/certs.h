/*
 * certs - who issues the webhook's certificate, and the objects made for it.
 */
#ifndef TXN_CERTS_H
#define TXN_CERTS_H

#include "txn/survey.h"

enum webhook_certs { CERTS_AUTO, CERTS_CERT_MANAGER, CERTS_SELF_SIGNED };

/* Refuse cert-manager where it is not served. */
int certs_check(const struct survey *survey, enum webhook_certs certs,
		struct err *err) must_check;

/* Objects adapted to the cluster (see bundle/adapt). Without cert-manager a
 * certificate of ours that still holds is kept, else a new one is issued. */
struct jval *certs_adapt(struct kube *kube, const struct survey *survey,
			 enum webhook_certs certs, const struct jval *objects,
			 struct strs *notes, struct err *err) must_check;

/* Objects of a record as they can be applied: a record withholds the data of
 * Secrets. Where our own certificate is among them it is put back, with its
 * caBundle wherever the webhook's Service is named: the one in the cluster, if
 * it still holds, else a new one. Other Secrets are left out, so that they stay
 * as they are. */
struct jval *certs_revive(struct kube *kube, const struct jval *objects,
			  struct err *err) must_check;

#endif
