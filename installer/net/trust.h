/*
 * trust - CA certificates, parsed once and shared by all connections.
 *
 * A host's bundle of CAs takes a megabyte and ten milliseconds; each of
 * several connections to one registry would pay for it anew.
 */
#ifndef NET_TRUST_H
#define NET_TRUST_H

#include "base/err.h"

struct trust;

/* Parse PEM text; NULL when there is no certificate in it, or one that cannot
 * be read. Thread-safe from then on. */
struct trust *trust_new(const char *pem) must_check;
void trust_free(struct trust *trust);

/* Have connections of this SSL_CTX verify against it (NULL: what the SSL_CTX has
 * already), and send no client certificates but those that it was given. */
void trust_use(struct trust *trust, void *ssl_ctx);

#endif
