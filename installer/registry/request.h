/*
 * request - one request to a registry, with authentication and retries.
 *
 * For the files of the registry layer. A status is not an error here, except
 * a 401 that no credential of ours cures: the caller compares and, where the
 * status is none it can use, calls registry_fail.
 */
#ifndef REGISTRY_REQUEST_H
#define REGISTRY_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strs.h"
#include "registry/session.h"

#define REGISTRY_MAX_ERROR_BYTES ((size_t)64 << 10)

struct registry_request {
	const char *method;
	const char *url;	    /* "/v2/...", or an absolute one */
	const char *repository;	    /* for the token; NULL for "/v2/" itself */
	const char *from;	    /* one more that is read, or NULL */
	bool push;		    /* not only pull */
	const struct strs *headers; /* or NULL */

	/* Called for each try: the body from its start, borrowed. */
	int (*open_body)(void *ctx, struct source **body, struct err *err);
	void *ctx;
	uint64_t body_len;

	bool follow;
	bool once;	      /* no retries but for 401 */
	bool body_once;	      /* nor for it: its challenge was met, no more */
	bool at_last;	      /* even after a signal; for 3 s at most */
	unsigned int retries; /* 0 = as the registry has it */
	size_t max_body;      /* of the answer; 0 = 64 KiB */
	int64_t answer_timeout_ms;
};

/* ERR_REGISTRY for what failed on the way; an error of the body as it is. */
int registry_ask(struct registry_session *session,
		 const struct registry_request *request,
		 struct http_response *response, struct err *err) must_check;

/* The same, but the body of a 2xx is left to be read from the stream. NULL
 * with err->kind ERR_NONE: another status, its body read. */
struct http_stream *registry_open(struct registry_session *session,
				  const struct registry_request *request,
				  struct http_response *response,
				  struct err *err) must_check;

/*
 * Whether to try once more after an error or an answer (then `response`):
 * sleeps before it says so. `attempt` counts. False leaves `err` as it was,
 * unless a signal or another thread ended the wait.
 */
bool registry_again(struct registry_session *session, unsigned int retries,
		    unsigned int *attempt, const struct http_response *response,
		    struct err *err);

/* Whether the status says that a later try may do. */
bool registry_status_transient(const struct http_response *response);

/*
 * The URL that a Location or realm in `response` means; owned. Behind a TLS
 * proxy registries name themselves with http: that becomes the registry's own
 * address again. Another host without TLS is refused (ERR_REGISTRY): nothing of
 * ours goes out in the clear.
 */
char *registry_resolve(const struct registry *registry,
		       const struct http_response *response,
		       const char *reference, struct err *err) must_check;

/* ERR_REGISTRY out of an answer: "registry 'H': cannot <what>: <status, code
 * and message of the server>; <remedy>". Returns -1. */
int registry_fail(const struct registry_session *session,
		  const struct http_response *response, struct err *err,
		  const char *fmt, ...) printf_like(4, 5);

/* Whether the server's error list has `code` ("BLOB_UNKNOWN"). */
bool registry_error_is(const struct http_response *response, const char *code);

#endif
