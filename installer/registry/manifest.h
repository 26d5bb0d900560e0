/*
 * manifest - manifests and indexes in a registry.
 *
 * Source: OCI distribution-spec, "Pulling manifests", "Pushing Manifests".
 */
#ifndef REGISTRY_MANIFEST_H
#define REGISTRY_MANIFEST_H

#include "registry/image.h"
#include "registry/registry.h"

/* Ask for `reference` (tag or digest) of `repository`: 1 and `found` (media
 * type, digest, size; to be released), 0 when it is not there, -1. */
int manifest_head(struct registry_session *session, const char *repository,
		  const char *reference, struct descriptor *found,
		  struct err *err) must_check;

#endif
