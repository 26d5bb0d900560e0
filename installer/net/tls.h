/*
 * tls - which authorities the host trusts.
 *
 * The HTTP library has no CA certificates of its own; these are what it is
 * given where nothing else was asked for.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/err.h"

/* PEM text of the host's CA bundle, read once: SSL_CERT_FILE if set, else the
 * first there is of the places that SLES, Debian and RHEL use. "" where there
 * is none. Borrowed, thread-safe. */
const char *tls_host_ca(void);

/* The file it is from, or "none found". */
const char *tls_host_ca_name(void);

/* Both PEM texts in one (either may be NULL), owned by the caller. */
char *tls_join(const char *ca_pem, const char *more_pem) must_check;

#endif
