/*
 * x509 - keys and certificates: the webhook's, when no cert-manager is there,
 * and those of clients of the API server.
 *
 * Keys are EC P-256, or RSA of 2048 bits; signatures with SHA-256. PEM text,
 * owned by the caller; private keys are secrets: free with mem_free_secret.
 *
 * Source: RFC 5280; Kubernetes docs, "Contacting the webhook" (caBundle).
 */
#ifndef BASE_X509_H
#define BASE_X509_H

#include <time.h>

#include "base/err.h"
#include "base/strs.h"

struct x509_pair {
	char *cert_pem;
	char *key_pem; /* secret */
};

/* A self-signed CA called `common_name`, valid for `days` from an hour ago
 * (clocks differ). */
int x509_make_ca(struct x509_pair *ca, const char *common_name, int days,
		 struct err *err) must_check;

/* A serving certificate for `dns_names` (the first is the common name),
 * signed by `ca`. */
int x509_issue_server(struct x509_pair *server, const struct x509_pair *ca,
		      const struct strs *dns_names, int days, struct err *err)
	must_check;

enum x509_key_type { X509_KEY_RSA, X509_KEY_EC };

/* A new key and a certificate by which its holder is the user `common_name`
 * (of no group) to a server that trusts `ca`. It ends with that of the CA
 * where `days` are longer; one that has expired signs nothing (ERR_INVALID).
 * Source: Kubernetes docs, "X509 client
 * certificates". */
int x509_issue_client(struct x509_pair *client, const struct x509_pair *ca,
		      enum x509_key_type type, const char *common_name,
		      int days, struct err *err) must_check;

/* A new key (secret) and a request (PKCS #10, RFC 2986) for such a
 * certificate; both are the caller's. */
int x509_make_request(char **request_pem, char **key_pem,
		      enum x509_key_type type, const char *common_name,
		      struct err *err) must_check;

/* Whether certificate and key belong together, else ERR_VERIFY; and what kind
 * of key it is. */
int x509_pair_check(const struct x509_pair *pair, enum x509_key_type *type,
		    struct err *err) must_check;

void x509_pair_release(struct x509_pair *pair);

/* End of validity of the first certificate in PEM text. */
int x509_not_after(const char *cert_pem, time_t *not_after, struct err *err)
	must_check;

/* 1 when `cert_pem` is for `dns_name` and signed by `ca_pem` and valid at
 * `now`; 0 when not, with the reason in err->msg. */
int x509_verify(const char *cert_pem, const char *ca_pem, const char *dns_name,
		time_t now, struct err *err) must_check;

#define auto_x509_pair __attribute__((cleanup(x509_pair_release)))

#endif
