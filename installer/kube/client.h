/*
 * client - calls to the API server: one thread's, with retries.
 *
 * Paths are absolute ("/api/v1/namespaces/x"). 429, 500, 502-504, 408 and
 * connection faults are retried with back-off within the call's deadline
 * (429 obeys Retry-After; a POST that may have arrived is retried only when
 * it cannot harm: 409 AlreadyExists is then told to the caller). A change
 * that waits for a webhook which cannot be reached is tried for 5 s. Errors
 * are ERR_API with `http` set and the message of the Status object (reason,
 * details.causes), and name verb, resource and what to do (401, 403, unknown
 * CA, refused connection). 404 is ERR_API with http 404: kube_is_not_found.
 */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "format/jval.h"
#include "kube/config.h"
#include "net/http.h"

struct kube;

/* `config` is borrowed. One `struct kube` a thread. */
struct kube *kube_new(struct kube_config *config) must_check;
void kube_free(struct kube *kube);
struct kube_config *kube_config_of(const struct kube *kube);

/* How long calls are retried while the server is away; default that of the
 * configuration. Returns what it was. */
int64_t kube_set_patience(struct kube *kube, int64_t ms);

/* How long one try may take; default 70 s. */
void kube_set_call_timeout(struct kube *kube, int64_t ms);

/* Its changes are not asked for at the guard of the configuration: for who is
 * the guard. */
void kube_set_unguarded(struct kube *kube);

/* GET `path`; the object is the caller's. */
struct jval *kube_get(struct kube *kube, const char *path, struct err *err)
	must_check;

/* Any verb; `content_type` NULL = application/json; `body` NULL = none.
 * `answer` NULL = not wanted. */
int kube_call(struct kube *kube, const char *method, const char *path,
	      const char *content_type, const struct jval *body,
	      struct jval **answer, struct err *err) must_check;

/* The same with more to choose and to know. */
struct kube_request {
	const char *method; /* NULL = GET */
	const char *path;
	const char *content_type;
	const struct jval *body;
	const char *as; /* user in whose name it is asked; NULL = our own */
	/* Answer with metadata only: cheap where an object is large. A server
	 * that cannot answers with the whole. */
	enum kube_answer { KUBE_WHOLE, KUBE_METADATA, KUBE_METADATA_LIST } form;
};

/* The status (200, 201, 202), or -1. */
int kube_request(struct kube *kube, const struct kube_request *request,
		 struct jval **answer, struct err *err) must_check;

/* GET `path` whose answer does not end (a watch). No retries but one after
 * a 401. Close the stream before `kube` is used again. */
struct http_stream *kube_open(struct kube *kube, const char *path,
			      struct err *err) must_check;

/* Text that is not JSON (logs, /readyz), at most `max_bytes`. */
char *kube_get_text(struct kube *kube, const char *path, size_t max_bytes,
		    struct err *err) must_check;

/* All items of a list, read page by page (`limit`, `continue`; a 410 starts
 * again) before the first is told: calls `item` for each, with apiVersion and
 * kind filled in, whose value is borrowed; a negative result ends it. `query`
 * such as "labelSelector=..." or NULL. */
int kube_list(struct kube *kube, const char *path, const char *query,
	      int (*item)(void *ctx, struct jval *object, struct err *err),
	      void *ctx, struct err *err) must_check;

/* The same page by page, for lists that are longer than memory is wide: what
 * was told before `restart` counts for nothing, all are told anew (the list
 * expired: 410). Both end it with a negative result. `kube` must not be used
 * for anything that changes what is listed. */
struct kube_visitor {
	int (*item)(void *ctx, struct jval *object, struct err *err);
	int (*restart)(void *ctx, struct err *err);
	void *ctx;
};
int kube_list_each(struct kube *kube, const char *path, const char *query,
		   const struct kube_visitor *visitor, struct err *err)
	must_check;

/* All items into an array. */
struct jval *kube_list_all(struct kube *kube, const char *path,
			   const char *query, struct err *err) must_check;

/* The same with nothing but the metadata of each: for CRDs, which are large.
 * Their kind is PartialObjectMetadata. */
struct jval *kube_list_names(struct kube *kube, const char *path,
			     const char *query, struct err *err) must_check;

/* All items whole, telling the resourceVersion of the list (the caller's). */
struct jval *kube_list_version(struct kube *kube, const char *path,
			       const char *query, char **version,
			       struct err *err) must_check;

/* "&name=value" with what a query does not take percent-encoded; `name` NULL
 * = the value alone, as a segment of a path. */
void kube_add_query(struct buf *out, const char *name, const char *value);

bool kube_is_not_found(const struct err *err); /* 404 */
bool kube_is_conflict(const struct err *err);  /* 409 */

static inline void kube_autofree(struct kube **kube)
{
	kube_free(*kube);
}

#define autokube __attribute__((cleanup(kube_autofree)))

#endif
