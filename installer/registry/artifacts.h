/*
 * artifacts - what belongs to an image without being part of it: signatures,
 * attestations, SBOMs.
 *
 * They are found in two ways: under tags that cosign makes of the image's
 * digest (sha256-<hex>.sig, .att, .sbom), and as referrers, whose manifests
 * name the image as their subject. A source that knows no such thing, or lets
 * nobody ask (401, 403, 404, 405), has none.
 *
 * Source: OCI distribution-spec 1.1 "Listing Referrers", "Referrers Tag
 * Schema"; cosign, SIGNATURE_SPEC.md "Storage".
 */
#ifndef REGISTRY_ARTIFACTS_H
#define REGISTRY_ARTIFACTS_H

#include "registry/image.h"

struct artifact {
	char *tag; /* or NULL: a referrer */
	char *digest;
	char *media_type;
	char *artifact_type; /* or NULL */
};

struct artifacts {
	struct artifact *item;
	size_t nr;
};

/* Add those of the manifest or index `digest`; each comes once, by its tag
 * where it has one. */
int artifacts_find(struct artifacts *list, struct image_source *source,
		   const char *digest, struct err *err) must_check;
void artifacts_release(struct artifacts *list);

#define auto_artifacts __attribute__((cleanup(artifacts_release)))

#endif
