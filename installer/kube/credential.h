/*
 * credential - who we are to the API server, at this moment.
 *
 * Made from a user of a kubeconfig: client certificate, token, tokenFile
 * (read again each minute), exec plugin (asked again when its answer
 * expires). Not thread-safe: config.c holds a lock around it.
 */
#ifndef KUBE_CREDENTIAL_H
#define KUBE_CREDENTIAL_H

#include "base/err.h"
#include "base/strs.h"
#include "kube/kubeconfig.h"

struct credential;

struct credential_now {
	const char *cert_pem; /* or NULL; both live as long as the credential */
	const char *key_pem;
	const char *token; /* or NULL; until the next call */
	unsigned int serial;
};

/* `cluster` is what an exec plugin may be told. Borrowed. */
struct credential *credential_new(const struct kubeconfig_entry *user,
				  const struct jval *cluster, struct err *err)
	must_check;

/* The service account of a pod. */
struct credential *credential_from_token_file(const char *path) must_check;

/* A client certificate and its key; both are copied. */
struct credential *credential_from_pair(const char *cert_pem,
					const char *key_pem) must_check;

/* Nobody: an anonymous caller. */
struct credential *credential_none(void) must_check;
void credential_free(struct credential *self);

int credential_get(struct credential *self, struct credential_now *now,
		   struct err *err) must_check;

/* See kube_config_refused. */
bool credential_refused(struct credential *self, unsigned int serial);

/* "Impersonate-User: x" and its like, added to `headers`. */
void credential_impersonation(const struct jval *user, struct strs *headers);

#endif
