/*
 * registry - one registry as its client sees it: address, credentials, auth.
 *
 * `struct registry` holds what threads share (address, CA, credentials,
 * tokens; it locks itself); `struct registry_session` is one thread's
 * connection to it. Requests carry authentication, answer challenges (Basic,
 * Bearer), refresh tokens, and retry what may be retried: 408, 429 (obeying
 * Retry-After), 499, 500, 502-504 and connection faults, with back-off and
 * jitter.
 *
 * Errors are ERR_REGISTRY, with what to do: wrong password, unknown CA,
 * read-only repository, not found, no route. ERR_VERIFY for a digest.
 *
 * Source: OCI distribution-spec; RFC 9110 11 (challenges); Docker "Token
 * Authentication Specification".
 */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "base/err.h"
#include "net/http.h"

struct registry_options {
	const char *host;     /* HOST[:PORT] */
	const char *username; /* or NULL for none */
	const char *password; /* secret */
	/* Where they are from, for the message that they are wrong: "'FILE'",
	 * "Secret nexus/nexus-admin-credential"; NULL = not told. */
	const char *credentials_from;
	const char *ca_pem;   /* added to the host's CAs, or NULL */
	const char *ca_name;  /* file it is from, for messages */
	bool plain_http;      /* only by explicit wish, for loopback */
	unsigned int retries; /* per request; 0 = 5 */
	int64_t retry_max_ms; /* longest pause; 0 = 30 s */
};

struct registry;
struct registry_session;

struct registry *registry_new(const struct registry_options *options,
			      struct err *err) must_check;
void registry_free(struct registry *registry);
const char *registry_host(const struct registry *registry);

/* Remember uploads in flight in the directory `dir` (registry/upload_state.h),
 * so that they go on after this program was killed. Before the first session.
 * Where that cannot be, -v tells why, and no more. */
void registry_keep_uploads(struct registry *registry, const char *dir);

struct registry_session *registry_connect(struct registry *registry) must_check;
void registry_disconnect(struct registry_session *session);

/* Can it be reached, and are the credentials right? GET /v2/ and what its
 * challenge asks for; before any change. */
int registry_check(struct registry_session *session, struct err *err)
	must_check;

#endif
