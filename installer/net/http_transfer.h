/*
 * http_transfer - what the parts of net/http share; for them only.
 *
 * http.c drives a transfer, http_setup.c tells libcurl what is wanted,
 * http_fault.c what went wrong. Only these files know libcurl.
 */
#ifndef NET_HTTP_TRANSFER_H
#define NET_HTTP_TRANSFER_H

#include "net/http.h"
#include "net/url.h"

#define HTTP_ERROR_SIZE 256 /* CURL_ERROR_SIZE */

struct curl_slist;

struct http_stream {
	struct source source;
	struct http *http;
	char *dst; /* where the reader wants bytes now */
	size_t dst_len;
	size_t dst_got;
	struct buf pending; /* what came when nobody wanted it */
	size_t taken;	    /* of pending */
	uint64_t total;
	bool paused;
};

struct http {
	const struct http_config *config;
	void *multi; /* CURLM: keeps the connections */
	void *easy;  /* CURL */
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	char *origin; /* of the request, for messages */
	char *proxy;  /* "host:port" that may be asked in between, or NULL */

	/* The caller's; NULL once the head of the answer is there. */
	const struct http_request *request;
	struct http_response *response;
	bool follow;
	int64_t answer_timeout_ms;
	bool (*cancelled)(void *ctx);
	void *cancel_ctx;
	bool at_last;
	struct source *body;
	uint64_t body_left;
	struct err body_err;
	bool body_failed;

	bool active;
	bool head_done;
	bool done;
	int result; /* CURLcode */
	int64_t deadline;
	int64_t moved_at; /* when bytes last went either way */
	int64_t sent;
	struct http_stream stream;
	char error[HTTP_ERROR_SIZE];
};

/* libcurl's callbacks, `ctx` being the struct http. */
size_t http_on_body_wanted(char *data, size_t size, size_t nr, void *ctx);
size_t http_on_header(char *line, size_t size, size_t nr, void *ctx);
size_t http_on_body(char *data, size_t size, size_t nr, void *ctx);

/* The error of a transfer that libcurl has given up; returns -1. */
int http_fail(struct http *http, struct err *err);

/* Set all options of http->easy for http->request; `url` is its URL, changed
 * where the configuration has a TLS server name. */
void http_setup(struct http *http, struct url *url);

#endif
