/*
 * referrers - the list of what refers to a manifest, for registries that keep
 * none themselves: an index under the tag "sha256-<hex>".
 *
 * Source: OCI distribution-spec, "Pushing Manifests with Subject", "Referrers
 * Tag Schema".
 */
#ifndef REGISTRY_REFERRERS_H
#define REGISTRY_REFERRERS_H

#include "registry/manifest.h"

/*
 * Put the manifest, which the repository has, on the list of its subject,
 * whatever else stands there; nothing where it has no subject or is on it. Two at
 * a time lose one of them: that is the caller's matter.
 */
int referrers_add(struct registry_session *session, const char *repository,
		  const struct descriptor *descriptor, const char *bytes,
		  struct err *err) must_check;

#endif
