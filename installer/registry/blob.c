#include "registry/blob.h"

#include "base/log.h"
#include "base/mem.h"
#include "registry/request.h"
#include "registry/upload.h"
#include "registry/upload_state.h"

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

/* A fault in between is no failure while each try brings so much more. */
#define PROGRESS_BYTES ((uint64_t)1 << 20)
/* What is tried, one after the other, where a request is too large. */
#define CHUNK_FIRST_BYTES ((uint64_t)64 << 20)
#define CHUNK_DIVISOR 4
#define CHUNK_LEAST_BYTES ((uint64_t)512 << 10)
/* Then the registry does not know where an upload stands. */
#define WHERE_MAX_FAULTS 2

struct sending {
	const struct blob_upload *wish;
	struct upload upload;
	struct upload_key key;
	struct upload_state *state; /* or NULL */

	struct source *source; /* stands at `position`; NULL = to be opened */
	uint64_t position;

	uint64_t chunk; /* most bytes in a request */
	bool no_patch;
	bool unsure;  /* what the registry has is to be asked */
	bool resumed; /* of an earlier run */
	bool committing;
	unsigned int attempt;
	unsigned int where_faults;
	uint64_t reached; /* largest offset when attempts were counted anew */
};

static bool by_patch(const struct sending *self)
{
	return !self->no_patch &&
	       (self->wish->descriptor->size >= BLOB_PATCH_BYTES ||
		self->chunk != UINT64_MAX);
}

/* Read on to where the registry stands. */
static int skip(struct source *source, uint64_t len, struct err *err)
{
	autofree char *block = mem_alloc(SOURCE_BLOCK);
	ssize_t n;

	for (; len > 0; len -= (uint64_t)n) {
		n = source_read(source, block,
				len < SOURCE_BLOCK ? (size_t)len : SOURCE_BLOCK,
				err);
		if (n < 0)
			return -1;
		if (n == 0)
			return err_set(err, ERR_INVALID,
				       "what is to be sent ended early");
	}
	return 0;
}

static int open_source(struct sending *self, struct err *err)
{
	const struct blob_upload *wish = self->wish;
	uint64_t offset = self->upload.offset;
	struct source *source;

	if (self->source && self->position == offset)
		return 0;
	self->source = NULL;
	if (offset > 0 && wish->open_at) {
		if (wish->open_at(wish->ctx, offset, &source, err) < 0)
			return -1;
	} else if (wish->open(wish->ctx, &source, err) < 0 ||
		   skip(source, offset, err) < 0) {
		return -1;
	}
	self->source = source;
	self->position = offset;
	return 0;
}

static enum upload_result send_begin(struct sending *self, struct err *err)
{
	const char *from = self->wish->from;
	enum upload_result result = upload_begin(&self->upload, from, err);

	/* Whatever a registry has against a mount, an upload may do. */
	if (result == UPLOAD_FAILED && from && err->http) {
		err_clear(err);
		result = upload_begin(&self->upload, NULL, err);
	}
	self->resumed = false;
	if (result == UPLOAD_DONE && by_patch(self))
		upload_state_save(self->state, self->upload.location);
	return result;
}

static enum upload_result send_patches(struct sending *self, struct err *err)
{
	struct upload *upload = &self->upload;
	uint64_t size = self->wish->descriptor->size;
	enum upload_result result;

	while (upload->offset < size) {
		uint64_t len = size - upload->offset;

		if (len > self->chunk)
			len = self->chunk;
		if (open_source(self, err) < 0)
			return err->transient ? UPLOAD_AGAIN : UPLOAD_FAILED;
		result = upload_patch(upload, self->source, len, err);
		if (result != UPLOAD_DONE) {
			self->source = NULL;
			return result;
		}
		self->position += len;
		upload_state_save(self->state, upload->location);
	}
	return UPLOAD_DONE;
}

/* The least that is in our way goes first: how large a request may be. */
static enum upload_result send_less(struct sending *self, struct err *err)
{
	uint64_t size = self->wish->descriptor->size;
	uint64_t least = self->upload.min_chunk > CHUNK_LEAST_BYTES ?
				 self->upload.min_chunk :
				 CHUNK_LEAST_BYTES;
	uint64_t chunk = self->chunk == UINT64_MAX ?
				 CHUNK_FIRST_BYTES :
				 self->chunk / CHUNK_DIVISOR;

	while (chunk > 0 && chunk >= size)
		chunk /= CHUNK_DIVISOR;
	if (self->no_patch || chunk < least)
		return UPLOAD_FAILED;
	self->chunk = chunk;
	log_verbose("registry '%s' takes no request that large; trying with "
		    "%llu KiB at once",
		    registry_host(self->upload.session->registry),
		    (unsigned long long)chunk >> 10);
	err_clear(err);
	return UPLOAD_DONE;
}

static enum upload_result send_whole(struct sending *self, struct err *err)
{
	const struct blob_upload *wish = self->wish;
	enum upload_result result =
		upload_put(&self->upload, wish->open, wish->ctx, err);

	/* It is not known what was taken; the next try is another upload. */
	if (result == UPLOAD_AGAIN)
		upload_forget(&self->upload);
	return result;
}

static enum upload_result send_end(struct sending *self, struct err *err)
{
	enum upload_result result;

	self->committing = true;
	result = upload_put(&self->upload, NULL, NULL, err);
	self->unsure = result == UPLOAD_AGAIN;
	if (result != UPLOAD_FAILED)
		return result;
	/* What an earlier run had sent may be damaged; and libcurl asks once
	 * more where the answer to a commit was lost. */
	if (err->http != 404 && !(self->resumed && err->http == 400))
		return result;
	if (err->http == 404)
		upload_forget(&self->upload);
	else
		upload_abort(&self->upload);
	err->transient = true;
	return UPLOAD_AGAIN;
}

static enum upload_result ask_where(struct sending *self, struct err *err)
{
	struct upload *upload = &self->upload;
	enum upload_result result;

	if (upload->location == NULL)
		return UPLOAD_DONE;
	result = upload_where(upload, err);
	if (result == UPLOAD_AGAIN && upload->response.status >= 500 &&
	    ++self->where_faults >= WHERE_MAX_FAULTS) {
		err_clear(err);
		upload_forget(upload);
		result = UPLOAD_DONE;
	}
	if (result != UPLOAD_DONE)
		return result;
	self->unsure = false;
	self->where_faults = 0;
	if (upload->location)
		log_verbose("registry '%s' has %llu of %llu bytes of blob "
			    "'%s'",
			    registry_host(upload->session->registry),
			    (unsigned long long)upload->offset,
			    (unsigned long long)upload->blob->size,
			    upload->blob->digest);
	if (upload->offset >= self->reached + PROGRESS_BYTES) {
		self->reached = upload->offset;
		self->attempt = 0;
	}
	return UPLOAD_DONE;
}

/* One way through; DONE, AGAIN, MOUNTED, FAILED. */
static enum upload_result send_try(struct sending *self, struct err *err)
{
	struct upload *upload = &self->upload;
	enum upload_result result = UPLOAD_DONE;

	self->committing = false;
	if (self->unsure)
		result = ask_where(self, err);
	if (result == UPLOAD_DONE && upload->location == NULL)
		result = send_begin(self, err);
	if (result != UPLOAD_DONE)
		return result;
	self->unsure = by_patch(self);
	if (!by_patch(self))
		result = send_whole(self, err);
	else
		result = send_patches(self, err);
	if (result == UPLOAD_DONE && by_patch(self))
		result = send_end(self, err);
	if (result == UPLOAD_NO_PATCH) {
		log_verbose("registry '%s' takes no PATCH: blob '%s' goes in "
			    "one PUT",
			    registry_host(upload->session->registry),
			    upload->blob->digest);
		err_clear(err);
		self->no_patch = true;
		upload_abort(upload);
		return send_try(self, err);
	}
	if (result == UPLOAD_TOO_LARGE) {
		result = send_less(self, err);
		if (result == UPLOAD_DONE) {
			upload_abort(upload);
			return send_try(self, err);
		}
	}
	return result;
}
/* After a connection that broke: the blob may be there all the same, and only
 * the answer be lost. */
static int was_taken(struct sending *self, struct err *err)
{
	const struct upload *upload = &self->upload;

	if (!self->committing && by_patch(self))
		return 0;
	if (!self->committing && upload->response.status >= 300)
		return 0;
	return blob_exists(upload->session, upload->repository,
			   upload->blob->digest, err);
}

static enum upload_result send_all(struct sending *self, struct err *err)
{
	struct registry_session *session = self->upload.session;
	struct http_response *response = &self->upload.response;
	enum upload_result result;
	int there;

	while ((result = send_try(self, err)) == UPLOAD_AGAIN) {
		/* A 404 of a lost upload is no reason for others to wait. */
		if (!registry_again(
			    session, session->registry->retries, &self->attempt,
			    registry_status_transient(response) ? response :
								  NULL,
			    err))
			return UPLOAD_AGAIN;
		err_clear(err);
		there = was_taken(self, err);
		if (there != 0)
			return there < 0 ? UPLOAD_FAILED : UPLOAD_DONE;
	}
	return result;
}

/* Whether an earlier run has begun it. */
static void take_up(struct sending *self)
{
	int dirfd = self->upload.session->registry->uploads_dirfd;

	if (by_patch(self))
		self->state = upload_state_claim(dirfd, &self->key,
						 &self->upload.location);
	self->unsure = self->resumed = self->upload.location != NULL;
}

int blob_upload(struct registry_session *session,
		const struct blob_upload *wish, struct err *err)
{
	struct sending self = {
		.wish = wish,
		.upload = { .session = session,
			    .repository = wish->repository,
			    .blob = wish->descriptor },
		.key = { .registry = session->registry->base,
			 .repository = wish->repository,
			 .digest = wish->descriptor->digest },
		.chunk = UINT64_MAX,
	};
	enum upload_result result;
	bool keep;

	take_up(&self);
	result = send_all(&self, err);
	/* What may pass is gone on with by the next run. */
	keep = self.state && self.upload.location && by_patch(&self) &&
	       (result == UPLOAD_AGAIN ||
		(result == UPLOAD_FAILED && err->kind == ERR_INTERRUPTED));
	if (result == UPLOAD_FAILED && !keep)
		upload_abort(&self.upload);
	upload_state_close(self.state, keep);
	upload_release(&self.upload);
	if (result == UPLOAD_MOUNTED)
		return 1;
	return result == UPLOAD_DONE ? 0 : -1;
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
