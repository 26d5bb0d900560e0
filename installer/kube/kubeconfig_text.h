/*
 * kubeconfig_text - a kubeconfig of one user, all embedded, to be written.
 *
 * One cluster, one user, one context that names a namespace and is the
 * current one: it works alone wherever it is copied to.
 *
 * Source: kubeconfig (v1) reference.
 */
#ifndef KUBE_KUBECONFIG_TEXT_H
#define KUBE_KUBECONFIG_TEXT_H

#include <stdbool.h>

#include "base/buf.h"

struct kubeconfig_parts {
	const char *cluster; /* names */
	const char *user;
	const char *ns;
	const char *server; /* URL */
	const char *ca_pem; /* of the server; NULL = whom the host trusts */
	const char *tls_server_name; /* or NULL */
	const char *proxy;	     /* URL, or NULL */
	const char *cert_pem;
	const char *key_pem; /* secret: so is the text */
};

/* Append the text; the context is called USER@CLUSTER. */
void kubeconfig_text(struct buf *out, const struct kubeconfig_parts *parts);

#endif
