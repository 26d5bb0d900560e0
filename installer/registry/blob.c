#include "registry/blob.h"

#include "base/log.h"
#include "base/mem.h"
#include "net/url.h"
#include "registry/request.h"

/* After the last byte a registry may copy the whole blob before it answers. */
#define ANSWER_BASE_MS 60000
#define ANSWER_MS_PER_MIB 200

int blob_exists(struct registry_session *session, const char *repository,
		const char *digest, struct err *err)
{
	autofree char *url = mem_printf("/v2/%s/blobs/%s", repository, digest);
	const struct registry_request request = {
		.method = "HEAD",
		.url = url,
		.repository = repository,
		.push = true,
		.follow = true,
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;

	if (registry_ask(session, &request, &response, err) < 0)
		return -1;
	if (response.status == 200)
		return 1;
	if (response.status == 404)
		return 0;
	return registry_fail(session, &response, err,
			     "look for blob '%s' in repository '%s'", digest,
			     repository);
}

/* POST: 1 mounted; 0 and the upload's URL; -1. */
static int upload_begin(struct registry_session *session,
			const struct blob_upload *upload, bool mount,
			char **location, struct err *err)
{
	const char *digest = upload->descriptor->digest;
	autofree char *plain =
		mem_printf("/v2/%s/blobs/uploads/", upload->repository);
	autofree char *wanted = url_add_query(plain, "mount", digest);
	autofree char *url =
		mount ? url_add_query(wanted, "from", upload->from) :
			mem_strdup(plain);
	const struct registry_request request = {
		.method = "POST",
		.url = url,
		.repository = upload->repository,
		.from = mount ? upload->from : NULL,
		.push = true,
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	const char *reference;

	if (registry_ask(session, &request, &response, err) < 0)
		return -1;
	if (mount && response.status == 201)
		return 1;
	if (response.status != 202)
		return registry_fail(session, &response, err,
				     "push blob '%s' to repository '%s'",
				     digest, upload->repository);
	reference = http_header(&response, "location");
	if (reference == NULL)
		return err_set(err, ERR_REGISTRY,
			       "registry '%s' gives no Location for an upload",
			       registry_host(session->registry));
	*location =
		registry_resolve(session->registry, &response, reference, err);
	return *location ? 0 : -1;
}

/* Leave nothing half-sent behind; whether that works is of no matter. */
static void upload_abort(struct registry_session *session,
			 const struct blob_upload *upload, const char *location)
{
	const struct registry_request request = {
		.method = "DELETE",
		.url = location,
		.repository = upload->repository,
		.push = true,
		.once = true,
		.at_last = true,
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	struct err ignored = ERR_INIT;

	if (registry_ask(session, &request, &response, &ignored) < 0)
		log_debug("abort of an upload: %s", ignored.msg);
}

static int check_digest(const struct registry_session *session,
			const struct blob_upload *upload,
			const struct http_response *response, struct err *err)
{
	const char *digest = http_header(response, "docker-content-digest");

	if (digest == NULL || str_eq(digest, upload->descriptor->digest))
		return 0;
	return err_set(err, ERR_VERIFY,
		       "registry '%s' has stored blob '%s' as '%s'",
		       registry_host(session->registry),
		       upload->descriptor->digest, digest);
}

/* PUT: 0 sent; 1 failed, but another try may do; -1. */
static int upload_send(struct registry_session *session,
		       const struct blob_upload *upload, const char *location,
		       struct http_response *response, struct err *err)
{
	const struct descriptor *blob = upload->descriptor;
	autofree char *url = url_add_query(location, "digest", blob->digest);
	auto_strs struct strs headers = STRS_INIT;
	const struct registry_request request = {
		.method = "PUT",
		.url = url,
		.repository = upload->repository,
		.push = true,
		.headers = &headers,
		.open_body = upload->open,
		.ctx = upload->ctx,
		.body_len = blob->size,
		.once = true,
		.answer_timeout_ms =
			ANSWER_BASE_MS +
			(int64_t)(blob->size >> 20) * ANSWER_MS_PER_MIB,
	};

	strs_add(&headers, "Content-Type: application/octet-stream");
	if (registry_ask(session, &request, response, err) < 0)
		return err->transient ? 1 : -1;
	if (response->status == 201 || response->status == 204)
		return check_digest(session, upload, response, err);
	registry_fail(session, response, err,
		      "push blob '%s' to repository '%s'", blob->digest,
		      upload->repository);
	/* A registry that was started anew has forgotten the upload. */
	if (registry_error_is(response, "BLOB_UPLOAD_UNKNOWN"))
		err->transient = true;
	return err->transient ? 1 : -1;
}

static int upload_try(struct registry_session *session,
		      const struct blob_upload *upload, bool mount,
		      struct http_response *response, struct err *err)
{
	autofree char *location = NULL;
	int result = upload_begin(session, upload, mount, &location, err);

	/* Whatever a registry has against a mount, an upload may do. */
	if (result < 0 && mount && err->http) {
		err_clear(err);
		result = upload_begin(session, upload, false, &location, err);
	}
	if (result != 0)
		return result > 0 ? 2 : -1;
	result = upload_send(session, upload, location, response, err);
	if (result < 0)
		upload_abort(session, upload, location);
	return result;
}

/* After a connection that broke: the blob may be there all the same, and only
 * the answer be lost. */
static int was_taken(struct registry_session *session,
		     const struct blob_upload *upload,
		     const struct http_response *response, struct err *err)
{
	if (response->status >= 300)
		return 0;
	return blob_exists(session, upload->repository,
			   upload->descriptor->digest, err);
}

int blob_upload(struct registry_session *session,
		const struct blob_upload *upload, struct err *err)
{
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	bool mount = upload->from != NULL;
	unsigned int attempt = 0;
	int result;

	for (;;) {
		result = upload_try(session, upload, mount, &response, err);
		if (result != 1)
			break;
		/* A 404 of a lost upload is no reason for others to wait. */
		if (!registry_again(
			    session, session->registry->retries, &attempt,
			    registry_status_transient(&response) ? &response :
								   NULL,
			    err))
			return -1;
		err_clear(err);
		result = was_taken(session, upload, &response, err);
		if (result != 0)
			return result < 0 ? -1 : 0;
	}
	return result == 2 ? 1 : result;
}

struct http_stream *blob_open(struct registry_session *session,
			      const char *repository,
			      const struct descriptor *descriptor,
			      struct err *err)
{
	autofree char *url =
		mem_printf("/v2/%s/blobs/%s", repository, descriptor->digest);
	const struct registry_request request = {
		.method = "GET",
		.url = url,
		.repository = repository,
		.follow = true,
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	struct http_stream *stream =
		registry_open(session, &request, &response, err);

	if (stream == NULL && err->kind == ERR_NONE)
		registry_fail(session, &response, err,
			      "pull blob '%s' from repository '%s'",
			      descriptor->digest, repository);
	return stream;
}
