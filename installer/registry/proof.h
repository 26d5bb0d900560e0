/*
 * proof - does the registry check the digest of what it is sent?
 *
 * One that does need not be sent what was hashed here as well: hashing is the
 * largest part of a push's work. None is believed; a blob of a few bytes goes
 * there under a digest that is not its own, and must be refused.
 *
 * Source: OCI distribution-spec, "Pushing blobs" and the error DIGEST_INVALID.
 */
#ifndef REGISTRY_PROOF_H
#define REGISTRY_PROOF_H

#include <stdbool.h>

#include "registry/registry.h"

/* True when it has just refused such a blob for `repository` for its digest.
 * Whatever else happens means false, and is for the upload to find. */
bool registry_checks_digests(struct registry_session *session,
			     const char *repository);

#endif
