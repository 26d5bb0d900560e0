/*
 * http - requests over HTTP/1.1 and TLS, bodies as sources.
 *
 * A `struct http` is one client with its connections kept alive; it belongs
 * to one thread. Settings are borrowed from a `struct http_config` that
 * outlives it, so that many threads share one. Certificates are always
 * verified, unless the configuration says otherwise (a kubeconfig may).
 *
 * Two ways to ask: http_do reads the answer's body into memory, with a
 * limit; http_open gives the head, and the body as a source that is pulled.
 * A status is never an error here: the caller decides. What fails is the
 * connection (ERR_NET with `transient`), TLS (ERR_NET, not transient, saying
 * which CA was used and how to give another), a client key or CA that cannot
 * be used (ERR_INVALID), a deadline (ERR_TIMEOUT) or a signal
 * (ERR_INTERRUPTED). Retries are the caller's as well.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/strs.h"

struct http_config {
	/* PEM text of the CA certificates to trust; NULL = those of the host
	 * (see tls_host_ca in net/tls.h). All strings are borrowed. */
	const char *ca_pem;
	const char *ca_name;   /* for messages: file or kubeconfig it is from */
	struct trust *trust;   /* ca_pem, parsed (net/trust.h); or NULL */
	const char *ca_remedy; /* what to do about an unknown CA, or NULL */
	const char *client_cert_pem; /* or NULL */
	const char *client_key_pem;  /* secret */
	const char *tls_server_name; /* name to send and verify, or NULL */
	bool insecure;		     /* no verification at all */
	/* NULL: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment, with
	 * CIDR and leading-dot entries; "" = none. */
	const char *proxy;
	int64_t connect_timeout_ms; /* 0 = 10 s */
	/* Longest silence in either direction before ERR_TIMEOUT; 0 = 60 s. */
	int64_t idle_timeout_ms;
};

struct http;

struct http *http_new(const struct http_config *config) must_check;
void http_free(struct http *http);

struct http_request {
	const char *method; /* "GET", ... */
	const char *url;
	const struct strs *headers; /* "Name: value", or NULL */
	/* Sent as "Authorization: <this>", never logged, and never sent to
	 * another host or scheme on a redirect; NULL = none. */
	const char *authorization;
	struct source *body; /* or NULL */
	uint64_t body_len;   /* always known: Content-Length is sent */
	/* Redirects of GET and HEAD, at most 5, never from https to http. */
	bool follow;
	/* Whole call; 0 = none beyond the idle timeout. */
	int64_t timeout_ms;
	/* How long the server may take to answer once all is sent, before
	 * idle_timeout_ms counts as silence; for commits of large blobs. */
	int64_t answer_timeout_ms;
	/* Asked while something is awaited, until the stream is closed: true
	 * ends it with ERR_INTERRUPTED. NULL = only a signal does. */
	bool (*cancelled)(void *ctx);
	void *cancel_ctx;
	/* Last words, to clean up: sent although a signal came or others
	 * failed. To be short, see timeout_ms. */
	bool at_last;
};

struct http_response {
	int status;
	char *url;		/* of the last request: redirects followed */
	struct strs headers;	/* "name: value", names in lower case */
	int64_t content_length; /* -1 when not told */
	struct buf body;
};

#define HTTP_RESPONSE_INIT  \
	{                   \
		.status = 0 \
	}

void http_response_release(struct http_response *response);

/* Value of the first header `name` (lower case), or NULL. Borrowed. */
const char *http_header(const struct http_response *response, const char *name);

/* Value of header number `*at` or later called `name`; advances `*at`. For
 * headers that come several times. */
const char *http_header_next(const struct http_response *response,
			     const char *name, size_t *at);

/* Ask and read the whole body, at most `max_body` bytes: what is more fails
 * with ERR_INVALID for 2xx and is cut off for other statuses. An error of the
 * body's source is returned as it is. `response` is released first, so that a
 * loop may reuse it. */
int http_do(struct http *http, const struct http_request *request,
	    size_t max_body, struct http_response *response, struct err *err)
	must_check;

struct http_stream; /* the body of an answer, on its way */

/* Read the rest of a body into response->body, as http_do does. */
int http_read_body(struct http_stream *stream, size_t max_body,
		   struct http_response *response, struct err *err) must_check;

/* Ask and read the head only. `request` and `response` may go away after it,
 * but not the request's body. The stream must be closed before `http` is used
 * again; closing it early drops the connection. */
struct http_stream *http_open(struct http *http,
			      const struct http_request *request,
			      struct http_response *response, struct err *err)
	must_check;

/* Pull from it. A body that ends before its Content-Length is a transient
 * ERR_NET. */
struct source *http_stream_source(struct http_stream *stream);

/* Read with a time limit: 0 bytes at the end, -2 when `timeout_ms` passed
 * with nothing to read (for watches). */
ssize_t http_stream_read(struct http_stream *stream, void *data, size_t len,
			 int64_t timeout_ms, struct err *err) must_check;
void http_stream_close(struct http_stream *stream);

/* Once, before any thread starts. */
void http_global_init(void);

const char *http_library_version(void);

static inline void http_autofree(struct http **http)
{
	http_free(*http);
}

#define autohttp __attribute__((cleanup(http_autofree)))
#define auto_response __attribute__((cleanup(http_response_release)))

#endif
