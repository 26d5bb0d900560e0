/*
 * token - the Authorization of a request, and what follows from a challenge.
 *
 * For request.c. Tokens are kept in the registry, by scope, until shortly
 * before they expire; one thread fetches while the others wait.
 *
 * Source: Docker "Token Authentication Specification".
 */
#ifndef REGISTRY_TOKEN_H
#define REGISTRY_TOKEN_H

#include "registry/request.h"

/* The header's value for this request (secret, owned), or NULL in it: none is
 * known to be needed, or the URL is another server's. */
int token_authorize(struct registry_session *session,
		    const struct registry_request *request, const char *url,
		    char **authorization, struct err *err) must_check;

/*
 * Learn from a 401. `used` is what was sent, or NULL; `round` counts the 401s
 * of this request. 0: ask again. ERR_REGISTRY: nothing of ours will do, with
 * the remedy.
 */
int token_challenged(struct registry_session *session,
		     const struct http_response *response, const char *used,
		     unsigned int round, struct err *err) must_check;

#endif
