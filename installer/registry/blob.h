/*
 * blob - one blob of a repository: is it there, mount it, send it.
 *
 * A small blob goes in one PUT. A large one goes by PATCH, so that after a
 * fault, or after this program was killed (registry_keep_uploads), the
 * registry can be asked what it has, and only the rest is sent. A server in
 * front that limits requests gets smaller ones; a registry that knows no PATCH
 * gets one PUT.
 *
 * Source: OCI distribution-spec, "Pushing blobs", "Pushing a blob in chunks",
 * "Mounting a blob from another repository", "Pulling blobs".
 */
#ifndef REGISTRY_BLOB_H
#define REGISTRY_BLOB_H

#include <stdbool.h>

#include "base/io.h"
#include "registry/image.h"
#include "registry/registry.h"

/* 1 when the repository has it, 0 when not. */
int blob_exists(struct registry_session *session, const char *repository,
		const char *digest, struct err *err) must_check;

/* Blobs of at least so many bytes are sent by PATCH. */
#define BLOB_PATCH_BYTES ((uint64_t)4 << 20)

struct blob_upload {
	const char *repository;
	const char *from; /* repository to mount it from, or NULL */
	const struct descriptor *descriptor;
	/* Called for each try: the content from its start, borrowed. An
	 * error of it ends the upload and is returned as it is. */
	int (*open)(void *ctx, struct source **source, struct err *err);
	/* The same from byte `offset` on. Where this is NULL, or it leaves
	 * `*source` at NULL, `open` is called, and the bytes before are read
	 * and thrown away: for a source that checks its digest. */
	int (*open_at)(void *ctx, uint64_t offset, struct source **source,
		       struct err *err);
	void *ctx;
};

/* Send it, with as many tries without progress as the registry's options say;
 * 1 when it was mounted instead, 0 when it was sent. ERR_VERIFY when the
 * content does not have its digest, ERR_REGISTRY. */
int blob_upload(struct registry_session *session,
		const struct blob_upload *upload, struct err *err) must_check;

/* Read a blob, redirects followed. The stream is closed by the caller. */
struct http_stream *blob_open(struct registry_session *session,
			      const char *repository,
			      const struct descriptor *descriptor,
			      struct err *err) must_check;

#endif
