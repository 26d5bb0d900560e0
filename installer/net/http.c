#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/http_transfer.h"

#define HTTP_IDLE_TIMEOUT_MS 60000
#define HTTP_POLL_MS 200
/* Held for a slow reader before the connection is made to wait. */
#define HTTP_PENDING_BYTES ((size_t)256 << 10)
#define HTTP_PENDING_MAX ((size_t)4 << 20)
#define HTTP_MAX_HEADERS 512

_Static_assert(HTTP_ERROR_SIZE >= CURL_ERROR_SIZE, "room for its messages");

size_t http_on_body_wanted(char *data, size_t size, size_t nr, void *ctx)
{
	struct http *http = ctx;
	size_t len = size * nr;
	ssize_t n;

	if (len > http->body_left)
		len = (size_t)http->body_left;
	if (len == 0)
		return 0;
	n = source_read(http->body, data, len, &http->body_err);
	http->moved_at = clock_now_ms();
	if (n == 0) {
		n = -1;
		err_set(&http->body_err, ERR_INVALID,
			"what is to be sent ended %llu bytes early",
			(unsigned long long)http->body_left);
	}
	if (n < 0) {
		http->body_failed = true;
		return CURL_READFUNC_ABORT;
	}
	http->body_left -= (uint64_t)n;
	return (size_t)n;
}

/* "Name:  value\r\n" -> "name: value" */
static void http_add_header(struct strs *headers, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const char *value, *end = line + len;
	char *name;

	if (colon == NULL)
		return;
	value = colon + 1;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && isspace((unsigned char)end[-1]))
		end--;
	name = mem_strndup(line, (size_t)(colon - line));
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	strs_addf(headers, "%s: %.*s", name, (int)(end - value), value);
	free(name);
}

static bool http_is_final(const struct http *http, long status)
{
	if (status < 200)
		return false;
	return !(http->follow && status >= 300 && status < 400 &&
		 http_header(http->response, "location"));
}

size_t http_on_header(char *line, size_t size, size_t nr, void *ctx)
{
	struct http *http = ctx;
	struct strs *headers;
	size_t len = size * nr;
	long status = 0;

	http->moved_at = clock_now_ms();
	/* Trailers of a body: nobody wants them. */
	if (http->response == NULL)
		return len;
	headers = &http->response->headers;
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		strs_clear(headers);
		return len;
	}
	if (headers->nr >= HTTP_MAX_HEADERS)
		return 0;
	if (line[0] != '\r' && line[0] != '\n') {
		http_add_header(headers, line, len);
		return len;
	}
	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	if (http_is_final(http, status))
		http->head_done = true;
	return len;
}

size_t http_on_body(char *data, size_t size, size_t nr, void *ctx)
{
	struct http *http = ctx;
	struct http_stream *stream = &http->stream;
	size_t len = size * nr, room, direct = 0;

	http->moved_at = clock_now_ms();
	http->head_done = true;
	if (stream->pending.len == 0) {
		room = stream->dst_len - stream->dst_got;
		direct = len < room ? len : room;
		if (direct > 0)
			memcpy(stream->dst + stream->dst_got, data, direct);
	} else if (stream->pending.len >= HTTP_PENDING_BYTES) {
		stream->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	stream->dst_got += direct;
	stream->total += len;
	buf_add(&stream->pending, data + direct, len - direct);
	return stream->pending.overflow ? 0 : len;
}

static void http_end(struct http *http)
{
	if (http->active)
		curl_multi_remove_handle(http->multi, http->easy);
	http->active = false;
	curl_slist_free_all(http->headers);
	curl_slist_free_all(http->connect_to);
	http->headers = NULL;
	http->connect_to = NULL;
	http->request = NULL;
	http->response = NULL;
	free(mem_steal(&http->origin));
	free(mem_steal(&http->proxy));
	buf_release(&http->stream.pending);
}

static int http_start(struct http *http, const struct http_request *request,
		      struct http_response *response, struct err *err)
{
	auto_url struct url url = { 0 };

	http_end(http);
	http_response_release(response);
	if (url_parse(&url, request->url, err) < 0)
		return -1;
	http->request = request;
	http->response = response;
	http->follow = request->follow;
	http->answer_timeout_ms = request->answer_timeout_ms;
	http->cancelled = request->cancelled;
	http->cancel_ctx = request->cancel_ctx;
	http->at_last = request->at_last;
	http->body = request->body;
	http->body_left = request->body ? request->body_len : 0;
	err_clear(&http->body_err);
	http->body_failed = http->head_done = http->done = false;
	http->result = CURLE_OK;
	http->error[0] = '\0';
	http->sent = 0;
	http->moved_at = clock_now_ms();
	http->deadline = deadline_in_ms(
		request->timeout_ms > 0 ? request->timeout_ms : -1);
	http->stream = (struct http_stream){ .source = http->stream.source,
					     .http = http };
	buf_init(&http->stream.pending, HTTP_PENDING_MAX);
	http->origin = url_origin(request->url);

	http_setup(http, &url);
	if (curl_multi_add_handle(http->multi, http->easy) != CURLM_OK)
		abort();
	http->active = true;
	return 0;
}

static void http_collect(struct http *http)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(http->multi, &left)))
		if (msg->msg == CURLMSG_DONE) {
			http->done = true;
			http->result = msg->data.result;
		}
}

static int http_check_wish(const struct http *http, struct err *err)
{
	if (http->at_last)
		return 0;
	if (clock_check_interrupt(err) < 0)
		return -1;
	if (http->cancelled && http->cancelled(http->cancel_ctx))
		return err_set(err, ERR_INTERRUPTED, "cancelled");
	return 0;
}

/* Too long without a byte, or the whole call too long? */
static int http_check_time(struct http *http, bool idle, struct err *err)
{
	int64_t limit = http->config->idle_timeout_ms;
	int64_t now = clock_now_ms();
	curl_off_t sent = 0;

	if (http_check_wish(http, err) < 0)
		return -1;
	curl_easy_getinfo(http->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	if (sent != http->sent)
		http->moved_at = now;
	http->sent = sent;
	if (limit == 0)
		limit = HTTP_IDLE_TIMEOUT_MS;
	if (http->body_left == 0 && http->answer_timeout_ms > limit)
		limit = http->answer_timeout_ms;
	if (now > http->deadline)
		return err_set(err, ERR_TIMEOUT, "no answer from '%s' in time",
			       http->origin);
	if (idle && now - http->moved_at > limit) {
		err_set(err, ERR_TIMEOUT, "'%s' has been silent for %lld s",
			http->origin, (long long)limit / 1000);
		err->transient = true;
		return -1;
	}
	return 0;
}

/* One turn: move what can be moved, or wait a little until something can. */
static int http_turn(struct http *http, int64_t wait_ms, bool idle,
		     struct err *err)
{
	int64_t before = http->moved_at;
	size_t got = http->stream.dst_got;
	bool head = http->head_done;
	int running, events;

	if (curl_multi_perform(http->multi, &running) != CURLM_OK)
		abort();
	http_collect(http);
	if (http->done || head != http->head_done ||
	    got != http->stream.dst_got)
		return 0;
	if (before == http->moved_at || http->stream.paused) {
		int64_t ms = wait_ms < HTTP_POLL_MS ? wait_ms : HTTP_POLL_MS;

		curl_multi_poll(http->multi, NULL, 0, (int)ms, &events);
	}
	return http_check_time(http, idle, err);
}

static void http_read_head(struct http *http)
{
	struct http_response *response = http->response;
	curl_off_t length = -1;
	const char *url = NULL;
	long status = 0;

	curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(http->easy, CURLINFO_EFFECTIVE_URL, &url);
	curl_easy_getinfo(http->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
			  &length);
	response->status = (int)status;
	response->content_length = length;
	response->url = mem_strdup(http->config->tls_server_name || !url ?
					   http->request->url :
					   url);
	if (log_enabled(LOG_DEBUG)) {
		autofree char *shown = url_without_query(response->url);

		log_debug("%s %s: %d", http->request->method, shown,
			  response->status);
	}
}

struct http_stream *http_open(struct http *http,
			      const struct http_request *request,
			      struct http_response *response, struct err *err)
{
	if (http_start(http, request, response, err) < 0)
		return NULL;
	while (!http->head_done && !http->done)
		if (http_turn(http, HTTP_POLL_MS, true, err) < 0)
			goto fail;
	/* A server that refuses an upload early may cut the connection too;
	 * what it said first is its answer. */
	if (http->body_failed || !http->head_done) {
		http_fail(http, err);
		goto fail;
	}
	http_read_head(http);
	http->request = NULL;
	http->response = NULL;
	return &http->stream;
fail:
	http_end(http);
	return NULL;
}

/* Bytes that came while nobody waited; 0 when there are none. */
static size_t http_take_pending(struct http_stream *stream, void *data,
				size_t len)
{
	size_t have = stream->pending.len - stream->taken;

	if (len > have)
		len = have;
	if (len == 0)
		return 0;
	memcpy(data, stream->pending.data + stream->taken, len);
	stream->taken += len;
	if (stream->taken == stream->pending.len) {
		buf_clear(&stream->pending);
		stream->taken = 0;
	}
	return len;
}

static int http_resume(struct http_stream *stream)
{
	if (!stream->paused)
		return 0;
	stream->paused = false;
	stream->http->moved_at = clock_now_ms();
	return curl_easy_pause(stream->http->easy, CURLPAUSE_CONT) == CURLE_OK ?
		       0 :
		       -1;
}

ssize_t http_stream_read(struct http_stream *stream, void *data, size_t len,
			 int64_t timeout_ms, struct err *err)
{
	struct http *http = stream->http;
	int64_t deadline = deadline_in_ms(timeout_ms);
	size_t got = http_take_pending(stream, data, len);

	if (got > 0 || len == 0)
		return (ssize_t)got;
	stream->dst = data;
	stream->dst_len = len;
	stream->dst_got = 0;
	if (!http->done)
		http->moved_at = clock_now_ms();
	if (http_resume(stream) < 0) {
		http->result = CURLE_RECV_ERROR;
		http->done = true;
	}
	while (stream->dst_got == 0 && !http->done) {
		int64_t left = deadline_left_ms(deadline);

		if (left == 0)
			break;
		if (http_turn(http, left, timeout_ms < 0, err) < 0) {
			stream->dst_len = stream->dst_got = 0;
			return -1;
		}
	}
	got = stream->dst_got;
	stream->dst_len = stream->dst_got = 0;
	if (got > 0)
		return (ssize_t)got;
	if (!http->done)
		return -2;
	return http->result == CURLE_OK ? 0 : http_fail(http, err);
}

static ssize_t http_source_read(struct source *source, void *data, size_t len,
				struct err *err)
{
	return http_stream_read((struct http_stream *)source, data, len, -1,
				err);
}

struct source *http_stream_source(struct http_stream *stream)
{
	return &stream->source;
}

void http_stream_close(struct http_stream *stream)
{
	if (stream)
		http_end(stream->http);
}

struct http *http_new(const struct http_config *config)
{
	struct http *http = mem_alloc(sizeof(*http));

	http->config = config;
	http->easy = curl_easy_init();
	http->multi = curl_multi_init();
	if (http->easy == NULL || http->multi == NULL)
		abort();
	http->stream.source.read = http_source_read;
	return http;
}

void http_free(struct http *http)
{
	if (http == NULL)
		return;
	http_end(http);
	curl_easy_cleanup(http->easy);
	curl_multi_cleanup(http->multi);
	free(http);
}

void http_global_init(void)
{
	crypto_init();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
}
