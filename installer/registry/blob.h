/*
 * blob - one blob of a repository: is it there, mount it, send it.
 *
 * Source: OCI distribution-spec, "Pushing blobs", "Mounting a blob from
 * another repository", "Pulling blobs".
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

struct blob_upload {
	const char *repository;
	const char *from; /* repository to mount it from, or NULL */
	const struct descriptor *descriptor;
	/* Called for each try: the content from its start, borrowed. An
	 * error of it ends the upload and is returned as it is. */
	int (*open)(void *ctx, struct source **source, struct err *err);
	void *ctx;
};

/* Send it, in one piece, with as many tries as the registry's options say;
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
