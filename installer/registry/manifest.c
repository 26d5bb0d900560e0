#include "registry/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "registry/request.h"

static void accept_all(struct strs *headers)
{
	strs_add(headers, "Accept: " MEDIA_OCI_INDEX ", " MEDIA_DOCKER_LIST
			  ", " MEDIA_OCI_MANIFEST ", " MEDIA_DOCKER_MANIFEST);
}

static char *manifest_url(const char *repository, const char *reference)
{
	return mem_printf("/v2/%s/manifests/%s", repository, reference);
}

/* "type/subtype" without parameters. */
static char *content_type(const struct http_response *response)
{
	const char *value = http_header(response, "content-type");

	return value ? mem_strndup(value, strcspn(value, "; \t")) : NULL;
}

static int ask(struct registry_session *session, const char *method,
	       const char *repository, const char *reference,
	       struct http_response *response, struct err *err)
{
	autofree char *url = manifest_url(repository, reference);
	auto_strs struct strs headers = STRS_INIT;
	const struct registry_request request = {
		.method = method,
		.url = url,
		.repository = repository,
		.headers = &headers,
		.follow = true,
		.max_body = MANIFEST_MAX_BYTES,
	};

	accept_all(&headers);
	return registry_ask(session, &request, response, err);
}

static int read_answer(const struct http_response *response,
		       const char *reference, struct descriptor *descriptor,
		       struct err *err)
{
	autofree char *said = content_type(response);
	autofree char *inside = manifest_media_type(buf_str(&response->body),
						    response->body.len);
	const char *told = http_header(response, "docker-content-digest");

	const char *media_type = said;

	/* Nginx and friends may say "text/plain" in the registry's place. */
	if (!media_type_is_manifest(said) && inside)
		media_type = inside;
	descriptor_of(descriptor, media_type ? media_type : "unknown",
		      buf_str(&response->body), response->body.len);
	if (str_starts(reference, "sha256:"))
		told = reference;
	if (told == NULL || str_eq(told, descriptor->digest))
		return 0;
	err_set(err, ERR_VERIFY, "manifest '%s' is corrupt: its digest is '%s'",
		told, descriptor->digest);
	descriptor_release(descriptor);
	return -1;
}

int manifest_get(struct registry_session *session, const char *repository,
		 const char *reference, struct descriptor *descriptor,
		 char **bytes, struct err *err)
{
	auto_response struct http_response response = HTTP_RESPONSE_INIT;

	if (ask(session, "GET", repository, reference, &response, err) < 0)
		return -1;
	if (response.status == 404)
		return err_set(err, ERR_NOT_FOUND,
			       "registry '%s' has no '%s' in repository '%s'",
			       registry_host(session->registry), reference,
			       repository);
	if (response.status != 200)
		return registry_fail(session, &response, err,
				     "pull manifest '%s' of repository '%s'",
				     reference, repository);
	if (read_answer(&response, reference, descriptor, err) < 0)
		return err_wrap(err, "registry '%s', repository '%s'",
				registry_host(session->registry), repository);
	*bytes = buf_steal(&response.body);
	return 0;
}

int manifest_head(struct registry_session *session, const char *repository,
		  const char *reference, struct descriptor *found,
		  struct err *err)
{
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	autofree char *bytes = NULL;
	const char *digest;

	if (ask(session, "HEAD", repository, reference, &response, err) < 0)
		return -1;
	if (response.status == 404)
		return 0;
	if (response.status != 200)
		return registry_fail(session, &response, err,
				     "look for manifest '%s' of repository "
				     "'%s'",
				     reference, repository);
	digest = http_header(&response, "docker-content-digest");
	if (digest == NULL)
		return manifest_get(session, repository, reference, found,
				    &bytes, err) < 0 ?
			       -1 :
			       1;
	if (digest_check(digest, err) < 0)
		return -1;
	found->digest = mem_strdup(digest);
	found->media_type = content_type(&response);
	found->size = response.content_length > 0 ?
			      (uint64_t)response.content_length :
			      0;
	return 1;
}

int manifest_referrers(struct registry_session *session, const char *repository,
		       const char *digest, struct jval **index, struct err *err)
{
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	autofree char *url =
		mem_printf("/v2/%s/referrers/%s", repository, digest);
	auto_strs struct strs headers = STRS_INIT;
	const struct registry_request request = {
		.method = "GET",
		.url = url,
		.repository = repository,
		.headers = &headers,
		.follow = true,
		.max_body = MANIFEST_MAX_BYTES,
	};
	autofree char *type = NULL;

	strs_add(&headers, "Accept: " MEDIA_OCI_INDEX);
	if (registry_ask(session, &request, &response, err) < 0)
		return -1;
	type = content_type(&response);
	/* Some servers answer what they do not know with a page of theirs. */
	if (response.status == 404 ||
	    (response.status == 200 && !media_type_is_index(type)))
		return err_set(err, ERR_NOT_FOUND,
			       "registry '%s' lists no referrers",
			       registry_host(session->registry));
	if (response.status != 200)
		return registry_fail(session, &response, err,
				     "list what refers to '%s' in repository "
				     "'%s'",
				     digest, repository);
	if (http_header(&response, "link"))
		log_warn("registry '%s' lists more than one page of what "
			 "refers to '%s': only the first is taken",
			 registry_host(session->registry), digest);
	*index = jval_parse(buf_str(&response.body), response.body.len, err);
	return *index ? 0 :
			err_wrap(err, "registry '%s'",
				 registry_host(session->registry));
}

struct manifest_body {
	struct source_mem source;
	const char *bytes;
	size_t len;
};

static int manifest_body_open(void *ctx, struct source **source,
			      struct err *err)
{
	struct manifest_body *body = ctx;

	(void)err;
	source_mem_init(&body->source, body->bytes, body->len);
	*source = &body->source.source;
	return 0;
}

static int put_answer(const struct registry_session *session,
		      const char *repository, const char *reference,
		      const struct descriptor *descriptor,
		      const struct http_response *response,
		      struct manifest_answer *answer, struct err *err)
{
	const char *digest = http_header(response, "docker-content-digest");

	if (response->status != 201 && response->status != 200 &&
	    response->status != 202 && response->status != 204) {
		answer->blob_unknown =
			registry_error_is(response, "BLOB_UNKNOWN") ||
			registry_error_is(response, "MANIFEST_BLOB_UNKNOWN");
		return registry_fail(session, response, err,
				     "push manifest '%s' to repository '%s'",
				     reference, repository);
	}
	answer->subject = http_header(response, "oci-subject") != NULL;
	if (digest && !str_eq(digest, descriptor->digest))
		return err_set(err, ERR_VERIFY,
			       "registry '%s' has stored manifest '%s' of "
			       "repository '%s' as '%s'",
			       registry_host(session->registry),
			       descriptor->digest, repository, digest);
	return 0;
}

int manifest_put(struct registry_session *session, const char *repository,
		 const char *reference, const struct descriptor *descriptor,
		 const char *bytes, struct manifest_answer *answer,
		 struct err *err)
{
	struct manifest_body body = { .bytes = bytes,
				      .len = (size_t)descriptor->size };
	autofree char *url = manifest_url(repository, reference);
	auto_strs struct strs headers = STRS_INIT;
	const struct registry_request request = {
		.method = "PUT",
		.url = url,
		.repository = repository,
		.push = true,
		.headers = &headers,
		.open_body = manifest_body_open,
		.ctx = &body,
		.body_len = descriptor->size,
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;

	*answer = (struct manifest_answer){ .blob_unknown = false };
	strs_addf(&headers, "Content-Type: %s", descriptor->media_type);
	if (registry_ask(session, &request, &response, err) < 0)
		return -1;
	return put_answer(session, repository, reference, descriptor, &response,
			  answer, err);
}
