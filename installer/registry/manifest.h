/*
 * manifest - manifests and indexes: in a registry, and what they list.
 *
 * They go byte for byte, since their digest names them. The four media types
 * of Docker schema 2 and OCI are known.
 *
 * Source: OCI distribution-spec "Pulling manifests", "Pushing Manifests"; OCI
 * image-spec manifest.md, image-index.md; Docker "Image Manifest V 2, Schema
 * 2".
 */
#ifndef REGISTRY_MANIFEST_H
#define REGISTRY_MANIFEST_H

#include <stdbool.h>

#include "registry/image.h"
#include "registry/registry.h"

#define MANIFEST_MAX_BYTES ((size_t)4 << 20)

#define MEDIA_DOCKER_MANIFEST \
	"application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LIST \
	"application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIA_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"
#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"

/* In a registry. `reference` is a tag or a digest. */

/* 1 and its descriptor, 0 when there is none. */
int manifest_head(struct registry_session *session, const char *repository,
		  const char *reference, struct descriptor *found,
		  struct err *err) must_check;

/* Its bytes, owned; ERR_NOT_FOUND. A digest in `reference` is checked. */
int manifest_get(struct registry_session *session, const char *repository,
		 const char *reference, struct descriptor *descriptor,
		 char **bytes, struct err *err) must_check;

/* An index of the manifests whose subject is `digest`. ERR_NOT_FOUND, also
 * where the registry keeps no such list. Source: OCI distribution-spec 1.1
 * "Listing Referrers". */
int manifest_referrers(struct registry_session *session, const char *repository,
		       const char *digest, struct jval **index, struct err *err)
	must_check;

struct manifest_answer {
	bool blob_unknown; /* it misses a blob of it */
	bool subject;	   /* it keeps a list of what refers to its subject */
};

/* Store it. ERR_REGISTRY, with the status in err->http; `answer` is filled in
 * either case. Source: OCI distribution-spec "Pushing Manifests", "Pushing
 * Manifests with Subject". */
int manifest_put(struct registry_session *session, const char *repository,
		 const char *reference, const struct descriptor *descriptor,
		 const char *bytes, struct manifest_answer *answer,
		 struct err *err) must_check;

/* What it lists. */

struct manifest_part {
	struct descriptor descriptor;
	char *platform; /* of an index: "linux/arm64/v8", or NULL */
};

struct manifest {
	bool is_index;
	/* Of an index its manifests; else config and layers, without those
	 * that must not be distributed. */
	struct manifest_part *part;
	size_t nr;
};

/* ERR_INVALID for other media types, digests that are none, sizes below 0. */
int manifest_parse(struct manifest *manifest,
		   const struct descriptor *descriptor, const char *bytes,
		   struct err *err) must_check;
void manifest_release(struct manifest *manifest);

/* The part of an index for `platform` ("os/arch" or "os/arch/variant"), or
 * NULL and ERR_NOT_FOUND, which names those there are. */
const struct manifest_part *
manifest_for_platform(const struct manifest *manifest, const char *platform,
		      struct err *err) must_check;

/* Whether it is one of the four media types. */
bool media_type_is_manifest(const char *media_type);
bool media_type_is_index(const char *media_type);

/* The media type that manifest bytes say they have, or what their form tells,
 * or NULL. Owned. */
char *manifest_media_type(const char *bytes, size_t len) must_check;

/* Fill a descriptor for bytes in hand. */
void descriptor_of(struct descriptor *descriptor, const char *media_type,
		   const void *bytes, size_t len);

#define auto_manifest __attribute__((cleanup(manifest_release)))
#define auto_descriptor __attribute__((cleanup(descriptor_release)))

#endif
