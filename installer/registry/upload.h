/*
 * upload - the requests that send one blob: each a function, none a loop.
 *
 * For blob.c, which decides what follows from their results.
 *
 *	POST  uploads/            upload_begin    there is a Location
 *	PATCH Location            upload_patch    some bytes, or all
 *	GET   Location            upload_where    after a fault: what is there
 *	PUT   Location?digest=    upload_put      the end, or all in one piece
 *	DELETE Location           upload_abort
 *
 * Source: OCI distribution-spec, "Pushing blobs", "POST then PUT", "Pushing a
 * blob in chunks", "Mounting a blob from another repository".
 */
#ifndef REGISTRY_UPLOAD_H
#define REGISTRY_UPLOAD_H

#include "base/io.h"
#include "registry/image.h"
#include "registry/request.h"

struct upload {
	struct registry_session *session;
	const char *repository;
	const struct descriptor *blob;

	/* May be read. */
	char *location;	    /* NULL while none is begun */
	uint64_t offset;    /* bytes that the registry has, as far as known */
	uint64_t min_chunk; /* the registry's wish for all but the last one */
	struct http_response response; /* the last one; status 0 = none */
};

enum upload_result {
	UPLOAD_FAILED = -1,
	UPLOAD_DONE = 0,
	/* `err` says why; what the registry has is to be asked. */
	UPLOAD_AGAIN,
	/* The registry takes no PATCH; `err` says so. */
	UPLOAD_NO_PATCH,
	/* 413: less in one request may do; `err` says so. */
	UPLOAD_TOO_LARGE,
	/* There without being sent. */
	UPLOAD_MOUNTED,
};

/* Begin one, or mount the blob from repository `from` where that is not NULL.
 * DONE (location is set), MOUNTED, FAILED. */
enum upload_result upload_begin(struct upload *upload, const char *from,
				struct err *err) must_check;

/* Send `len` bytes, which belong at `offset`; `body` is read once. */
enum upload_result upload_patch(struct upload *upload, struct source *body,
				uint64_t len, struct err *err) must_check;

/* Commit; with `open` the whole blob is sent with it. DONE, AGAIN, TOO_LARGE,
 * FAILED. ERR_VERIFY where the registry has stored it as something else. */
enum upload_result upload_put(struct upload *upload,
			      int (*open)(void *ctx, struct source **source,
					  struct err *err),
			      void *ctx, struct err *err) must_check;

/* Ask for `offset`. DONE, also when the registry does not know, or has
 * nothing: location is NULL then. AGAIN, FAILED. */
enum upload_result upload_where(struct upload *upload, struct err *err)
	must_check;

/* Leave nothing half-sent behind; whether that works is of no matter. */
void upload_abort(struct upload *upload);

/* No upload is begun any more. */
void upload_forget(struct upload *upload);
void upload_release(struct upload *upload);

#endif
