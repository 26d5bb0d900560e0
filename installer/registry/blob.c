#include "registry/blob.h"

#include "base/log.h"
#include "base/mem.h"
#include "registry/request.h"
#include "registry/upload.h"
#include "registry/upload_state.h"

static int ask_blob(struct registry_session *session, const char *repository,
		    const char *digest, bool once,
		    struct http_response *response, struct err *err)
{
	autofree char *url = mem_printf("/v2/%s/blobs/%s", repository, digest);
	const struct registry_request request = {
		.method = "HEAD",
		.url = url,
		.repository = repository,
		.push = true,
		.follow = true,
		.once = once,
	};

	return registry_ask(session, &request, response, err);
}

int blob_exists(struct registry_session *session, const char *repository,
		const char *digest, struct err *err)
{
	auto_response struct http_response response = HTTP_RESPONSE_INIT;

	if (ask_blob(session, repository, digest, false, &response, err) < 0)
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
/* So often nobody tells where an upload stands, though the registry is up. */
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
	struct source *source = NULL;

	if (self->source && self->position == offset)
		return 0;
	self->source = NULL;
	if (offset > 0 && wish->open_at &&
	    wish->open_at(wish->ctx, offset, &source, err) < 0)
		return -1;
	if (source == NULL && (wish->open(wish->ctx, &source, err) < 0 ||
			       skip(source, offset, err) < 0))
		return -1;
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

/* The least that is in our way goes first: how large a request may be. What
 * the registry has already is not lost by that. */
static bool send_less(struct sending *self, struct err *err)
{
	/* That many bytes, or a chunk, were too many. */
	uint64_t left = self->wish->descriptor->size - self->upload.offset;
	uint64_t least = self->upload.min_chunk > CHUNK_LEAST_BYTES ?
				 self->upload.min_chunk :
				 CHUNK_LEAST_BYTES;
	uint64_t chunk = self->chunk == UINT64_MAX ?
				 CHUNK_FIRST_BYTES :
				 self->chunk / CHUNK_DIVISOR;

	while (chunk > 0 && chunk >= left)
		chunk /= CHUNK_DIVISOR;
	if (self->no_patch || chunk < least)
		return false;
	self->chunk = chunk;
	log_verbose("registry '%s' takes no request that large; trying with "
		    "%llu KiB at once",
		    registry_host(self->upload.session->registry),
		    (unsigned long long)chunk >> 10);
	err_clear(err);
	if (self->upload.offset == 0)
		upload_abort(&self->upload);
	else
		self->unsure = true;
	return true;
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

/* Nobody answers for this upload; is there nobody at all? */
static bool registry_is_up(const struct upload *upload)
{
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	struct err ignored = ERR_INIT;

	return ask_blob(upload->session, upload->repository,
			upload->blob->digest, true, &response, &ignored) == 0 &&
	       !registry_status_transient(&response);
}

/* Whether another upload is to be begun. The place that an earlier run was
 * told may be one that is no more. */
static bool is_lost(struct sending *self, enum upload_result result,
		    const struct err *err)
{
	if (err->kind == ERR_INTERRUPTED)
		return false;
	if (result == UPLOAD_FAILED)
		return self->resumed;
	if (!registry_is_up(&self->upload))
		return false;
	return ++self->where_faults >= WHERE_MAX_FAULTS ||
	       self->attempt >= self->upload.session->registry->retries;
}

static enum upload_result ask_where(struct sending *self, struct err *err)
{
	struct upload *upload = &self->upload;
	enum upload_result result;

	if (upload->location == NULL)
		return UPLOAD_DONE;
	result = upload_where(upload, err);
	if (result != UPLOAD_DONE && is_lost(self, result, err)) {
		log_verbose("an upload is begun anew, since nobody knows it "
			    "any more: %s",
			    err->msg);
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

/* One way through. */
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
	return result;
}

/* Whether there is another way of sending, to be gone at once. */
static bool adapt(struct sending *self, enum upload_result result,
		  struct err *err)
{
	struct upload *upload = &self->upload;

	if (result == UPLOAD_TOO_LARGE)
		return send_less(self, err);
	if (result != UPLOAD_NO_PATCH)
		return false;
	log_verbose("registry '%s' takes no PATCH: blob '%s' goes in one PUT",
		    registry_host(upload->session->registry),
		    upload->blob->digest);
	err_clear(err);
	self->no_patch = true;
	upload_abort(upload);
	return true;
}

static enum upload_result send_adapted(struct sending *self, struct err *err)
{
	enum upload_result result;

	do
		result = send_try(self, err);
	while (adapt(self, result, err));
	return result == UPLOAD_TOO_LARGE ? UPLOAD_FAILED : result;
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

	while ((result = send_adapted(self, err)) == UPLOAD_AGAIN) {
		/* A 404 of a lost upload is no reason for others to wait. */
		if (!registry_again(
			    session, session->registry->retries, &self->attempt,
			    registry_status_transient(response) ? response :
								  NULL,
			    err))
			return UPLOAD_AGAIN;
		err_clear(err);
		there = was_taken(self, err);
		if (there > 0)
			return UPLOAD_DONE;
		/* What is there all the same must not be taken back. */
		if (there < 0)
			return err->transient ? UPLOAD_AGAIN : UPLOAD_FAILED;
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
