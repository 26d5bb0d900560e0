#include "registry/upload.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/url.h"

/* After the last byte a registry may copy the whole blob before it answers. */
#define ANSWER_BASE_MS 150000
#define ANSWER_MS_PER_MIB 200

static int64_t answer_timeout_ms(uint64_t bytes)
{
	return ANSWER_BASE_MS + (int64_t)(bytes >> 20) * ANSWER_MS_PER_MIB;
}

static int fail(struct upload *self, struct err *err)
{
	return registry_fail(self->session, &self->response, err,
			     "push blob '%s' to repository '%s'",
			     self->blob->digest, self->repository);
}

/* Each answer may name another place to go on. */
static int take_location(struct upload *self, struct err *err)
{
	struct http_response *response = &self->response;
	const char *reference = http_header(response, "location");
	char *location;

	if (reference == NULL)
		return 0;
	location = registry_resolve(self->session->registry, response,
				    reference, err);
	if (location == NULL)
		return -1;
	free(self->location);
	self->location = location;
	return 0;
}

enum upload_result upload_begin(struct upload *self, const char *from,
				struct err *err)
{
	autofree char *plain =
		mem_printf("/v2/%s/blobs/uploads/", self->repository);
	autofree char *wanted =
		url_add_query(plain, "mount", self->blob->digest);
	autofree char *url = from ? url_add_query(wanted, "from", from) :
				    mem_strdup(plain);
	const struct registry_request request = {
		.method = "POST",
		.url = url,
		.repository = self->repository,
		.from = from,
		.push = true,
	};
	const char *chunk;
	struct err ignored = ERR_INIT;

	upload_forget(self);
	if (registry_ask(self->session, &request, &self->response, err) < 0)
		return UPLOAD_FAILED;
	if (from && self->response.status == 201)
		return UPLOAD_MOUNTED;
	if (self->response.status != 202) {
		fail(self, err);
		return UPLOAD_FAILED;
	}
	if (take_location(self, err) < 0)
		return UPLOAD_FAILED;
	if (self->location == NULL) {
		err_set(err, ERR_REGISTRY,
			"registry '%s' gives no Location for an upload; has a "
			"proxy before it taken that away?",
			registry_host(self->session->registry));
		return UPLOAD_FAILED;
	}
	self->min_chunk = 0;
	chunk = http_header(&self->response, "oci-chunk-min-length");
	if (chunk && str_u64(chunk, &self->min_chunk, &ignored) < 0)
		self->min_chunk = 0;
	return UPLOAD_DONE;
}

/* The body is opened by the caller: a request with it has one try. */
static int borrow_body(void *ctx, struct source **source, struct err *err)
{
	(void)err;
	*source = ctx;
	return 0;
}

/* The N of "0-N", with the unit that some put before it; 0 = not told. */
static uint64_t range_end(const struct http_response *response)
{
	const char *range = http_header(response, "range");
	const char *text = range ? str_after(range, "bytes=") : NULL;
	struct err ignored = ERR_INIT;
	uint64_t end;

	text = str_after(text ? text : range ? range : "", "0-");
	if (text == NULL || str_u64(text, &end, &ignored) < 0)
		return 0;
	return end;
}

/* What an answer to PATCH or PUT that is no success leads to. */
static enum upload_result refused(struct upload *self, struct err *err)
{
	const struct http_response *response = &self->response;

	fail(self, err);
	/* A registry that was started anew has forgotten the upload. */
	if (registry_error_is(response, "BLOB_UPLOAD_UNKNOWN")) {
		upload_forget(self);
		err->transient = true;
		return UPLOAD_AGAIN;
	}
	if (response->status == 413)
		return UPLOAD_TOO_LARGE;
	return err->transient ? UPLOAD_AGAIN : UPLOAD_FAILED;
}

static enum upload_result patch_refused(struct upload *self, struct err *err)
{
	enum upload_result result = refused(self, err);

	if (result != UPLOAD_FAILED)
		return result;
	switch (self->response.status) {
	case 401: /* the credential ran out in the middle; there is a new one */
	case 416: /* it has more than we knew, or less */
		err->transient = true;
		return UPLOAD_AGAIN;
	case 404:
	case 405:
	case 501:
		return self->offset == 0 ? UPLOAD_NO_PATCH : UPLOAD_FAILED;
	default:
		return UPLOAD_FAILED;
	}
}

enum upload_result upload_patch(struct upload *self, struct source *body,
				uint64_t len, struct err *err)
{
	auto_strs struct strs headers = STRS_INIT;
	const struct registry_request request = {
		.method = "PATCH",
		.url = self->location,
		.repository = self->repository,
		.push = true,
		.headers = &headers,
		.open_body = borrow_body,
		.ctx = body,
		.body_len = len,
		.once = true,
		.body_once = true,
		.answer_timeout_ms = answer_timeout_ms(len),
	};
	uint64_t end;

	strs_add(&headers, "Content-Type: application/octet-stream");
	strs_addf(&headers, "Content-Range: %" PRIu64 "-%" PRIu64, self->offset,
		  self->offset + len - 1);
	if (registry_ask(self->session, &request, &self->response, err) < 0)
		return err->transient ? UPLOAD_AGAIN : UPLOAD_FAILED;
	if (self->response.status < 200 || self->response.status > 204)
		return patch_refused(self, err);
	if (take_location(self, err) < 0)
		return UPLOAD_FAILED;
	self->offset += len;
	/* Taken in part only. Nothing at all is what those say that do not
	 * count. */
	end = range_end(&self->response);
	if (end == 0 || end + 1 >= self->offset)
		return UPLOAD_DONE;
	self->offset = end + 1;
	err_set(err, ERR_REGISTRY,
		"registry '%s' has only %" PRIu64 " bytes of blob '%s'",
		registry_host(self->session->registry), self->offset,
		self->blob->digest);
	err->transient = true;
	return UPLOAD_AGAIN;
}

static int check_digest(const struct upload *self, struct err *err)
{
	const char *digest =
		http_header(&self->response, "docker-content-digest");

	if (digest == NULL || str_eq(digest, self->blob->digest))
		return 0;
	err_set(err, ERR_VERIFY, "registry '%s' has stored blob '%s' as '%s'",
		registry_host(self->session->registry), self->blob->digest,
		digest);
	err_hint(err, "something between us and its storage changes content");
	err->http = self->response.status;
	return -1;
}

enum upload_result upload_put(struct upload *self,
			      int (*open)(void *ctx, struct source **source,
					  struct err *err),
			      void *ctx, struct err *err)
{
	autofree char *url =
		url_add_query(self->location, "digest", self->blob->digest);
	auto_strs struct strs headers = STRS_INIT;
	const struct registry_request request = {
		.method = "PUT",
		.url = url,
		.repository = self->repository,
		.push = true,
		.headers = &headers,
		.open_body = open,
		.ctx = ctx,
		.body_len = open ? self->blob->size : 0,
		.once = true,
		.answer_timeout_ms = answer_timeout_ms(self->blob->size),
	};

	if (open)
		strs_add(&headers, "Content-Type: application/octet-stream");
	if (registry_ask(self->session, &request, &self->response, err) < 0)
		return err->transient ? UPLOAD_AGAIN : UPLOAD_FAILED;
	if (self->response.status != 201 && self->response.status != 204)
		return refused(self, err);
	return check_digest(self, err) < 0 ? UPLOAD_FAILED : UPLOAD_DONE;
}

enum upload_result upload_where(struct upload *self, struct err *err)
{
	const struct registry_request request = {
		.method = "GET",
		.url = self->location,
		.repository = self->repository,
		.push = true,
		.once = true,
	};
	uint64_t end;

	if (registry_ask(self->session, &request, &self->response, err) < 0)
		return err->transient ? UPLOAD_AGAIN : UPLOAD_FAILED;
	if (registry_status_transient(&self->response)) {
		fail(self, err);
		return UPLOAD_AGAIN;
	}
	/* "0-0" is one byte or none. */
	end = range_end(&self->response);
	if (self->response.status < 200 || self->response.status > 204) {
		upload_forget(self);
		return UPLOAD_DONE;
	}
	if (end == 0 || end >= self->blob->size) {
		/* Or it lies there for days. */
		upload_abort(self);
		return UPLOAD_DONE;
	}
	self->offset = end + 1;
	return take_location(self, err) < 0 ? UPLOAD_FAILED : UPLOAD_DONE;
}

void upload_abort(struct upload *self)
{
	const struct registry_request request = {
		.method = "DELETE",
		.url = self->location,
		.repository = self->repository,
		.push = true,
		.once = true,
		.at_last = true,
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	struct err ignored = ERR_INIT;

	if (self->location &&
	    registry_ask(self->session, &request, &response, &ignored) < 0)
		log_debug("abort of an upload: %s", ignored.msg);
	upload_forget(self);
}

void upload_forget(struct upload *self)
{
	free(mem_steal(&self->location));
	self->offset = 0;
}

void upload_release(struct upload *self)
{
	upload_forget(self);
	http_response_release(&self->response);
}
