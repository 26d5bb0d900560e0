/*
 * image - where images come from, one face for all: archive, layout,
 * directory or registry.
 *
 * An image_source knows the images it holds and gives manifests as bytes and
 * blobs as sources. It is shared by threads: each opens its own blobs.
 *
 *	oci:DIR[:TAG]             OCI image layout
 *	oci-archive:FILE[:TAG]    the same in a tar, such as a bundle: also in
 *	                          parts, or behind an executable
 *	docker-archive:FILE[:TAG] podman save, docker save
 *	dir:DIR                   skopeo's directory
 *	docker://HOST/REPO:TAG    a registry (also without "docker://")
 */
#ifndef REGISTRY_IMAGE_H
#define REGISTRY_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strs.h"
#include "base/volume.h"
#include "format/jval.h"

/* A blob or manifest by content. Source: OCI image-spec descriptor.md. */
struct descriptor {
	char *media_type;
	char *digest;
	uint64_t size;
};

struct image_source;
struct image_blob; /* an opened blob */

/* For docker://; NULL = all default. Strings are borrowed for the call. */
struct image_source_options {
	const char *authfile; /* as auth_file_lookup takes it, or NULL */
	const char *ca_pem;   /* added to the host's CAs, or NULL */
	const char *ca_name;
};

/* Open `spec` as in the table above. Several names in an archive: each can
 * be asked for. ERR_INVALID or ERR_NOT_FOUND names file and remedy;
 * a truncated archive is found here. */
struct image_source *
image_source_open(const char *spec, const struct image_source_options *options,
		  struct err *err) must_check;
/* The layout in the tar [start, start + len) of `volume`, which is borrowed;
 * `name` is for messages. */
struct image_source *image_source_of_layout(const char *name,
					    const struct volume *volume,
					    uint64_t start, uint64_t len,
					    struct err *err) must_check;
void image_source_free(struct image_source *source);

/* For messages: the spec. */
const char *image_source_name(const struct image_source *source);

/* The names it knows (RepoTags, annotations org.opencontainers.image.ref.name
 * and io.containerd.image.name), maybe none. Borrowed. */
const struct strs *image_source_names(const struct image_source *source);

/*
 * The manifest or index called `reference` (a full or short image name, a
 * tag, a digest; NULL = the only one), byte for byte. An archive of docker
 * save has none: one is made that names its layers as they are. Owned by the
 * caller; `descriptor` is filled and to be released.
 */
int image_source_manifest(struct image_source *source, const char *reference,
			  struct descriptor *descriptor, char **bytes,
			  struct err *err) must_check;

/* Until it is set to NULL again, no wait for a registry goes on when
 * `cancelled` says true. To be called while no blob is open. */
void image_source_cancel_by(struct image_source *source,
			    bool (*cancelled)(void *ctx), void *ctx);

/* Open a blob for reading; one thread's. The digest is not checked here. */
struct image_blob *image_source_blob(struct image_source *source,
				     const struct descriptor *descriptor,
				     struct err *err) must_check;
struct source *image_blob_source(struct image_blob *blob);
/* Before the first read: go on from byte `offset`, without reading what is
 * before; false where it cannot. */
bool image_blob_seek(struct image_blob *blob, uint64_t offset);
void image_blob_close(struct image_blob *blob);

void descriptor_release(struct descriptor *descriptor);

#endif
