/*
 * csr - a client certificate from the cluster's own signer.
 *
 * Asks, approves, and fetches at once (what was approved is collected after
 * an hour), then deletes the request, whatever came of it. The user must be
 * allowed to approve for the signer.
 *
 * Source: Kubernetes docs, "Certificates and Certificate Signing Requests",
 * signer kubernetes.io/kube-apiserver-client.
 */
#ifndef KUBE_CSR_H
#define KUBE_CSR_H

#include <stdbool.h>
#include <stdint.h>

#include "kube/client.h"

struct csr {
	const char *name;	 /* the object's begins so: "slurm-dws-" */
	const char *request_pem; /* PKCS #10 */
	bool rsa;		 /* the key is one */
	int64_t seconds;	 /* of validity wished for, at least 600 */
	int64_t timeout_ms;	 /* how long the signer may take */
};

/* Whether the user may make and approve a request, ERR_BLOCKED if not; nothing
 * is made. */
int csr_check(struct kube *kube, struct err *err) must_check;

/* *cert_pem is the caller's. *heard says whether the server knows such
 * wishes (from 1.22): if not, validity is what its signer gives, as it is
 * where that gives no more. ERR_TIMEOUT where no signer signs. */
int csr_issue(struct kube *kube, const struct csr *csr, char **cert_pem,
	      bool *heard, struct err *err) must_check;

#endif
