#include "registry/request.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/url.h"
#include "registry/fault.h"
#include "registry/token.h"

#define RETRY_BASE_MS 500
#define RETRY_AFTER_MAX_MS (5 * 60 * 1000)
#define RETRY_SLICE_MS 100
#define LAST_WORDS_MS 3000

/* Remembers whether it was the body that failed, not the connection. */
struct body_tap {
	struct source source;
	struct source *from;
	bool failed;
};

static ssize_t body_tap_read(struct source *source, void *data, size_t len,
			     struct err *err)
{
	struct body_tap *self = (struct body_tap *)source;
	ssize_t n = source_read(self->from, data, len, err);

	if (n < 0)
		self->failed = true;
	return n;
}

bool registry_status_transient(const struct http_response *response)
{
	switch (response->status) {
	case 408:
	case 429:
	case 499:
	case 500:
	case 502:
	case 503:
	case 504:
		/* Some have no better status for what will not change. */
		return !registry_fault_lasts(response);
	default:
		return false;
	}
}

/* Seconds or a date. Source: RFC 9110 10.2.3. */
static int64_t retry_after_ms(const struct http_response *response)
{
	const char *value = http_header(response, "retry-after");
	struct err ignored = ERR_INIT;
	struct tm tm = { 0 };
	uint64_t seconds;
	int64_t ms;

	if (value == NULL)
		return 0;
	if (str_u64(value, &seconds, &ignored) == 0)
		ms = seconds > RETRY_AFTER_MAX_MS / 1000 ?
			     RETRY_AFTER_MAX_MS :
			     (int64_t)seconds * 1000;
	else if (strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		ms = (int64_t)(timegm(&tm) - clock_wall()) * 1000;
	else
		ms = 0;
	if (ms > RETRY_AFTER_MAX_MS)
		ms = RETRY_AFTER_MAX_MS;
	return ms > 0 ? ms : 0;
}

static int retry_sleep(const struct registry_session *session, int64_t ms,
		       struct err *err)
{
	int64_t deadline = deadline_in_ms(ms), left;

	while ((left = deadline_left_ms(deadline)) > 0) {
		if (session->cancelled &&
		    session->cancelled(session->cancel_ctx))
			return err_set(err, ERR_INTERRUPTED, "cancelled");
		if (clock_sleep(left < RETRY_SLICE_MS ? left : RETRY_SLICE_MS,
				err) < 0)
			return -1;
	}
	return 0;
}

bool registry_again(struct registry_session *session, unsigned int retries,
		    unsigned int *attempt, const struct http_response *response,
		    struct err *err)
{
	const struct registry *registry = session->registry;
	int64_t wait_ms, told_ms;

	if (response ? !registry_status_transient(response) : !err->transient)
		return false;
	if (*attempt >= retries)
		return false;
	(*attempt)++;
	wait_ms = clock_backoff_ms(*attempt, RETRY_BASE_MS,
				   registry->retry_max_ms);
	told_ms = response ? retry_after_ms(response) : 0;
	if (told_ms > wait_ms)
		wait_ms = told_ms;
	if (response)
		log_verbose("registry '%s' answered %d; trying again in "
			    "%.1f s (%u of %u)",
			    registry->host, response->status,
			    (double)wait_ms / 1000, *attempt, retries);
	else
		log_verbose("%s; trying again in %.1f s (%u of %u)", err->msg,
			    (double)wait_ms / 1000, *attempt, retries);
	return retry_sleep(session, wait_ms, err) == 0;
}

/* One try. 1: an answer; 0: it failed on the way, `err` says how, and
 * err->transient whether that may pass; -1: no use. */
static int try_once(struct registry_session *session,
		    const struct registry_request *request,
		    struct http_request *http, struct body_tap *tap,
		    struct http_response *response, struct http_stream **stream,
		    struct err *err)
{
	size_t max = request->max_body ? request->max_body :
					 REGISTRY_MAX_ERROR_BYTES;
	bool success;

	tap->failed = false;
	if (request->open_body &&
	    request->open_body(request->ctx, &tap->from, err) < 0)
		return -1;
	*stream = http_open(session->http, http, response, err);
	if (*stream == NULL) {
		if (tap->failed)
			return err->transient ? 0 : -1;
		goto failed;
	}
	success = response->status >= 200 && response->status < 300;
	if (success && request->max_body == SIZE_MAX)
		return 1;
	if (!success && max > REGISTRY_MAX_ERROR_BYTES)
		max = REGISTRY_MAX_ERROR_BYTES;
	if (http_read_body(*stream, max, response, err) < 0)
		goto failed;
	http_stream_close(*stream);
	*stream = NULL;
	return 1;
failed:
	http_stream_close(*stream);
	*stream = NULL;
	if (err->kind == ERR_INTERRUPTED)
		return -1;
	err->kind = ERR_REGISTRY;
	err_wrap(err, "registry '%s'", session->registry->host);
	return 0;
}

char *registry_resolve(const struct registry *registry,
		       const struct http_response *response,
		       const char *reference, struct err *err)
{
	autofree char *text = url_resolve(response->url, reference, err);
	auto_url struct url url = { 0 }, base = { 0 };

	if (text == NULL || url_parse(&url, text, err) < 0 ||
	    url_parse(&base, registry->base, err) < 0)
		return NULL;
	if (!str_eq(url.scheme, "http") || !str_eq(base.scheme, "https"))
		return mem_steal(&text);
	if (!str_eq(url.host, base.host)) {
		err_set(err, ERR_REGISTRY,
			"registry '%s' sends us to '%s' without TLS; nothing "
			"of ours goes there",
			registry->host, url.host);
		return NULL;
	}
	return mem_printf("%s%s%s%s", registry->base, url.path,
			  url.query ? "?" : "", url.query ? url.query : "");
}

static char *absolute_url(const struct registry *registry, const char *url)
{
	return mem_printf("%s%s", *url == '/' ? registry->base : "", url);
}

static unsigned int retries_of(const struct registry_session *session,
			       const struct registry_request *request)
{
	return request->retries ? request->retries : session->registry->retries;
}

static int registry_send(struct registry_session *session,
			 const struct registry_request *request,
			 struct http_response *response,
			 struct http_stream **stream, struct err *err)
{
	autofree char *url = absolute_url(session->registry, request->url);
	unsigned int attempt = 0, round = 0;
	struct body_tap tap = { .source.read = body_tap_read };
	char *authorization = NULL;
	int result = 0;

	for (;;) {
		struct http_request http = {
			.method = request->method,
			.url = url,
			.headers = request->headers,
			.body = request->open_body ? &tap.source : NULL,
			.body_len = request->body_len,
			.follow = request->follow,
			.answer_timeout_ms = request->answer_timeout_ms,
			.cancelled = session->cancelled,
			.cancel_ctx = session->cancel_ctx,
			.at_last = request->at_last,
			.timeout_ms = request->at_last ? LAST_WORDS_MS : 0,
		};

		err_clear(err);
		mem_free_secret(authorization);
		result = token_authorize(session, request, url, &authorization,
					 err);
		if (result < 0)
			break;
		http.authorization = authorization;
		result = try_once(session, request, &http, &tap, response,
				  stream, err);
		if (result < 0)
			break;
		if (result > 0 && response->status == 401) {
			result = token_challenged(session, response,
						  authorization, ++round, err);
			if (result < 0 || request->body_once)
				break;
			continue;
		}
		if (request->once ||
		    !registry_again(session, retries_of(session, request),
				    &attempt, result ? response : NULL, err)) {
			result = result && err->kind == ERR_NONE ? 0 : -1;
			break;
		}
	}
	mem_free_secret(authorization);
	/* It was about this request. */
	free(mem_steal(&session->scope_hint));
	return result;
}

int registry_ask(struct registry_session *session,
		 const struct registry_request *request,
		 struct http_response *response, struct err *err)
{
	struct http_stream *stream;

	return registry_send(session, request, response, &stream, err);
}

struct http_stream *registry_open(struct registry_session *session,
				  const struct registry_request *request,
				  struct http_response *response,
				  struct err *err)
{
	struct registry_request streaming = *request;
	struct http_stream *stream = NULL;

	streaming.max_body = SIZE_MAX;
	if (registry_send(session, &streaming, response, &stream, err) < 0)
		return NULL;
	return stream;
}
