#include "kube/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "kube/status.h"

/* A server that never answered is not waited for that long. */
#define FIRST_PATIENCE_MS 2000
#define BACKOFF_MS 100
#define BACKOFF_MAX_MS 5000
/* An internal error may be a hiccup; it seldom goes away by waiting. */
#define INTERNAL_ERROR_TRIES 3
/* The pods of a webhook may just be starting. */
#define WEBHOOK_PAUSE_MS 1500
#define ANSWER_MAX_BYTES ((size_t)64 << 20)
#define CALL_TIMEOUT_MS 70000

struct kube {
	struct kube_config *config;
	struct kube_access access;
	struct http *http;
	const struct http_config *http_config; /* what `http` was made with */
	int64_t patience_ms;
	int64_t timeout_ms;
	bool unguarded;
};

#define METADATA_AS(kind)                   \
	"Accept: application/json;as=" kind \
	";g=meta.k8s.io;v=v1,application/json"

static const char *const accepts[] = {
	[KUBE_WHOLE] = "Accept: application/json, */*;q=0.5",
	[KUBE_METADATA] = METADATA_AS("PartialObjectMetadata"),
	[KUBE_METADATA_LIST] = METADATA_AS("PartialObjectMetadataList"),
};

/* One call on its way. */
struct call {
	const struct kube_request *request;
	struct http_request http;
	struct strs headers;
	char *url;
	char *body;
	size_t body_len;
	int64_t deadline;
	int64_t begun;
	unsigned int tries;
	bool authenticated_again;
};

struct kube *kube_new(struct kube_config *config)
{
	struct kube *kube = mem_alloc(sizeof(*kube));

	kube->config = config;
	kube->patience_ms = kube_config_patience(config);
	kube->timeout_ms = CALL_TIMEOUT_MS;
	return kube;
}

void kube_free(struct kube *kube)
{
	if (kube == NULL)
		return;
	kube_access_release(&kube->access);
	http_free(kube->http);
	free(kube);
}

struct kube_config *kube_config_of(const struct kube *kube)
{
	return kube->config;
}

int64_t kube_set_patience(struct kube *kube, int64_t ms)
{
	int64_t before = kube->patience_ms;

	kube->patience_ms = ms;
	return before;
}

void kube_set_call_timeout(struct kube *kube, int64_t ms)
{
	kube->timeout_ms = ms;
}

void kube_set_unguarded(struct kube *kube)
{
	kube->unguarded = true;
}

/* The credential of this moment, and a connection that carries it. */
static int refresh_access(struct kube *kube, struct err *err)
{
	if (kube_config_access(kube->config, &kube->access, err) < 0)
		return -1;
	if (kube->http && kube->http_config == kube->access.http)
		return 0;
	http_free(kube->http);
	kube->http = http_new(kube->access.http);
	kube->http_config = kube->access.http;
	return 0;
}

static void call_init(struct call *call, struct kube *kube,
		      const struct kube_request *request)
{
	const struct strs *more = kube_config_headers(kube->config);

	memset(call, 0, sizeof(*call));
	call->request = request;
	call->url = mem_printf("%s%s", kube_config_server(kube->config),
			       request->path);
	strs_add(&call->headers, accepts[request->form]);
	strs_addf(&call->headers, "User-Agent: dws-csm/%s", version_string());
	for (size_t i = 0; i < more->nr; i++)
		strs_add(&call->headers, more->item[i]);
	if (request->as)
		strs_addf(&call->headers, "Impersonate-User: %s", request->as);
	if (request->body) {
		const char *type = request->content_type;

		call->body = jval_text(request->body, false);
		call->body_len = strlen(call->body);
		strs_addf(&call->headers, "Content-Type: %s",
			  type ? type : "application/json");
	}
	call->http.method = request->method ? request->method : "GET";
	call->http.url = call->url;
	call->http.headers = &call->headers;
	call->http.timeout_ms = kube->timeout_ms;
	call->begun = clock_now_ms();
	call->deadline = call->begun + kube->patience_ms;
}

static void call_release(struct call *call)
{
	strs_release(&call->headers);
	free(call->url);
	mem_free_secret(call->body); /* it may be a Secret */
}

/* A create whose name the server makes up would make a second object. */
static bool may_repeat(const struct kube_request *request)
{
	return !(jval_str(request->body, "metadata.generateName") &&
		 jval_str(request->body, "metadata.name") == NULL);
}

/* Sleep before the next try: 1 to go on, 0 when patience is over. */
static int call_pause(struct kube *kube, struct call *call, int64_t at_least,
		      struct err *err)
{
	int64_t left = deadline_left_ms(call->deadline);
	int64_t pause;

	if (!kube_config_reached(kube->config)) {
		int64_t early = call->begun + FIRST_PATIENCE_MS;

		if (deadline_left_ms(early) < left)
			left = deadline_left_ms(early);
	}
	call->tries++;
	pause = clock_backoff_ms(call->tries, BACKOFF_MS, BACKOFF_MAX_MS);
	if (pause < at_least)
		pause = at_least;
	if (left == 0 || at_least > left || !may_repeat(call->request))
		return 0;
	return clock_sleep(pause < left ? pause : left, err) < 0 ? -1 : 1;
}

static int unreachable(struct kube *kube, struct err *err)
{
	bool transient = err->transient;

	if (err->kind == ERR_INTERRUPTED)
		return -1;
	/* Not the server's fault: a key or a CA that cannot be used. */
	if (err->kind == ERR_INVALID) {
		err->kind = ERR_API;
		err_wrap(err, "user '%s', cluster '%s' in %s",
			 kube_config_user(kube->config),
			 kube_config_cluster(kube->config),
			 kube_config_origin(kube->config));
		return -1;
	}
	err->kind = ERR_API;
	err_wrap(err, "API server '%s' cannot be reached",
		 kube_config_server(kube->config));
	if (transient)
		err_hint(err, "check 'server' of cluster '%s' in %s",
			 kube_config_cluster(kube->config),
			 kube_config_origin(kube->config));
	return -1;
}

static int64_t retry_after_ms(const struct http_response *response)
{
	const char *text = http_header(response, "retry-after");
	struct err unused = ERR_INIT;
	uint64_t seconds;

	if (text == NULL || str_u64(text, &seconds, &unused) < 0 ||
	    seconds > 3600)
		return 0;
	return (int64_t)seconds * 1000;
}

/* Whether the answer is worth another try: 1 yes (after a pause), 0 no. */
static int call_again(struct kube *kube, struct call *call,
		      const struct http_response *response, struct err *err)
{
	const char *text = buf_str(&response->body);
	int64_t pause_ms = retry_after_ms(response);
	int status = response->status;

	if (status == 401 && !call->authenticated_again) {
		call->authenticated_again = true;
		return kube_config_refused(kube->config, kube->access.serial);
	}
	/* Not for what is read: a dead conversion webhook would cost that
	 * much for each kind. */
	if (strcmp(call->http.method, "GET") != 0 &&
	    status_is_webhook_away(status, text))
		pause_ms = WEBHOOK_PAUSE_MS;
	else if (!status_is_transient(status, text))
		return 0;
	if (status == 500 && call->tries >= INTERNAL_ERROR_TRIES)
		return 0;
	log_verbose("%s %s: status %d, trying again", call->http.method,
		    call->request->path, status);
	return call_pause(kube, call, pause_ms, err);
}

/* One try. */
static int call_send(struct kube *kube, struct call *call, size_t max_bytes,
		     struct http_response *response, struct err *err)
{
	struct source_mem body;

	if (refresh_access(kube, err) < 0)
		return -1;
	if (!kube->unguarded && strcmp(call->http.method, "GET") != 0 &&
	    kube_config_guard(kube->config, err) < 0)
		return -1;
	call->http.authorization = kube->access.authorization;
	if (call->body) {
		source_mem_init(&body, call->body, call->body_len);
		call->http.body = &body.source;
		call->http.body_len = call->body_len;
	}
	if (http_do(kube->http, &call->http, max_bytes, response, err) < 0)
		return -2;
	kube_config_set_reached(kube->config);
	return 0;
}

/* Until an answer that is no fault of the moment; -1 or 0. */
static int call_loop(struct kube *kube, struct call *call, size_t max_bytes,
		     struct http_response *response, struct err *err)
{
	for (;;) {
		struct err failure = ERR_INIT;
		int sent = call_send(kube, call, max_bytes, response, &failure);
		int again;

		if (sent == -1) {
			*err = failure;
			return -1;
		}
		if (sent == 0)
			again = call_again(kube, call, response, err);
		else if (failure.transient || failure.kind == ERR_TIMEOUT)
			again = call_pause(kube, call, 0, err);
		else
			again = 0;
		if (again < 0)
			return -1;
		if (again == 0 && sent < 0) {
			*err = failure;
			return unreachable(kube, err);
		}
		if (again == 0)
			return 0;
		if (sent < 0)
			log_verbose("%s %s: %s; trying again",
				    call->http.method, call->request->path,
				    failure.msg);
	}
}

/* The status when it is of the 200s, else -1. */
static int kube_exchange(struct kube *kube, const struct kube_request *request,
			 size_t max_bytes, struct http_response *response,
			 struct err *err)
{
	struct call call;
	int result;

	call_init(&call, kube, request);
	result = call_loop(kube, &call, max_bytes, response, err);
	call_release(&call);
	if (result < 0)
		return -1;
	if (response->status / 100 != 2)
		return status_error(kube->config, request, response->status,
				    buf_str(&response->body),
				    response->body.len, err);
	return response->status;
}

int kube_request(struct kube *kube, const struct kube_request *request,
		 struct jval **answer, struct err *err)
{
	struct http_response auto_response response = HTTP_RESPONSE_INIT;
	struct buf auto_buf what = BUF_INIT(BUF_TEXT_MAX);
	int status =
		kube_exchange(kube, request, ANSWER_MAX_BYTES, &response, err);

	if (status < 0 || answer == NULL)
		return status;
	*answer = jval_parse(buf_str(&response.body), response.body.len, err);
	if (*answer)
		return status;
	status_describe(&what, request);
	err->kind = ERR_API;
	return err_wrap(err,
			"%s: the answer is not JSON; is '%s' an API server?",
			buf_str(&what), kube_config_server(kube->config));
}

int kube_call(struct kube *kube, const char *method, const char *path,
	      const char *content_type, const struct jval *body,
	      struct jval **answer, struct err *err)
{
	struct kube_request request = {
		.method = method,
		.path = path,
		.content_type = content_type,
		.body = body,
	};

	return kube_request(kube, &request, answer, err) < 0 ? -1 : 0;
}

struct jval *kube_get(struct kube *kube, const char *path, struct err *err)
{
	struct kube_request request = { .path = path };
	struct jval *answer = NULL;

	return kube_request(kube, &request, &answer, err) < 0 ? NULL : answer;
}

char *kube_get_text(struct kube *kube, const char *path, size_t max_bytes,
		    struct err *err)
{
	struct http_response auto_response response = HTTP_RESPONSE_INIT;
	struct kube_request request = { .path = path };

	if (kube_exchange(kube, &request, max_bytes, &response, err) < 0)
		return NULL;
	return buf_steal(&response.body);
}

/* The rest of a stream that is an error, for its message. */
static int stream_error(struct kube *kube, const struct kube_request *request,
			struct http_stream *stream, int status, struct err *err)
{
	struct err unused = ERR_INIT;
	autofree char *text = NULL;
	size_t len = 0;

	if (source_read_all(http_stream_source(stream), (size_t)1 << 20, &text,
			    &len, &unused) < 0)
		len = 0;
	return status_error(kube->config, request, status, text, len, err);
}

struct http_stream *kube_open(struct kube *kube, const char *path,
			      struct err *err)
{
	struct kube_request request = { .path = path };
	struct http_response auto_response response = HTTP_RESPONSE_INIT;
	struct http_stream *stream = NULL;
	struct call call;
	int result;

	call_init(&call, kube, &request);
	call.http.timeout_ms = 0;
	do {
		result = refresh_access(kube, err);
		if (result < 0)
			break;
		call.http.authorization = kube->access.authorization;
		http_stream_close(mem_steal(&stream));
		http_response_release(&response);
		stream = http_open(kube->http, &call.http, &response, err);
		if (stream == NULL) {
			result = unreachable(kube, err);
			break;
		}
	} while (response.status == 401 &&
		 call_again(kube, &call, &response, err) == 1);
	if (result == 0 && response.status != 200)
		result = stream_error(kube, &request, stream, response.status,
				      err);
	call_release(&call);
	if (result < 0)
		http_stream_close(mem_steal(&stream));
	return stream;
}

bool kube_is_not_found(const struct err *err)
{
	return err->kind == ERR_API && err->http == 404;
}

bool kube_is_conflict(const struct err *err)
{
	return err->kind == ERR_API && err->http == 409;
}
