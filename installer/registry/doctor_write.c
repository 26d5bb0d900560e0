#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/url.h"
#include "registry/doctor_part.h"

#define SCRATCH "dws-csm-doctor"
#define CHUNK ((size_t)64 << 10)
/* A registry may take a moment to see that a connection is gone. */
#define CUT_PAUSE_MS 300

/* A body in memory that may end in a fault. */
struct body {
	struct source source;
	const struct question *question;
	size_t at;
};

static ssize_t body_read(struct source *source, void *data, size_t len,
			 struct err *err)
{
	struct body *self = (struct body *)source;
	const struct question *question = self->question;
	size_t end = question->cut ? question->cut : question->len;

	if (self->at == end && question->cut)
		return err_set(err, ERR_FAILED, "cut on purpose");
	if (len > end - self->at)
		len = end - self->at;
	memcpy(data, question->body + self->at, len);
	self->at += len;
	return (ssize_t)len;
}

static int body_open(void *ctx, struct source **source, struct err *err)
{
	struct body *self = ctx;

	(void)err;
	self->at = 0;
	*source = &self->source;
	return 0;
}

int doctor_ask(struct doctor_run *run, enum check check,
	       const struct question *question, struct http_response *response)
{
	struct body body = { .source.read = body_read, .question = question };
	auto_strs struct strs headers = STRS_INIT;
	struct err err = ERR_INIT;
	const struct registry_request request = {
		.method = question->method,
		.url = question->url,
		.repository = question->repository,
		.from = question->from,
		.push = true,
		.headers = &headers,
		.open_body = question->body ? body_open : NULL,
		.ctx = &body,
		.body_len = question->len,
		.follow = str_eq(question->method, "GET"),
		.once = true,
		.at_last = str_eq(question->method, "DELETE") &&
			   clock_interrupted(),
		.max_body = question->max_body,
	};

	if (question->content_type)
		strs_addf(&headers, "Content-Type: %s", question->content_type);
	if (question->range)
		strs_addf(&headers, "Content-Range: %s", question->range);
	if (question->accept)
		strs_addf(&headers, "Accept: %s", question->accept);
	if (registry_ask(run->session, &request, response, &err) == 0)
		return response->status;
	if (question->cut == 0)
		doctor_note_err(run->doctor, check, &err);
	return 0;
}

char *doctor_begin(struct doctor_run *run, enum check check,
		   const char *repository, struct http_response *response)
{
	autofree char *url = mem_printf("/v2/%s/blobs/uploads/", repository);
	autofree char *what =
		mem_printf("cannot begin an upload to '%s'", repository);
	const struct question question = {
		.method = "POST",
		.url = url,
		.repository = repository,
	};
	int status = doctor_ask(run, check, &question, response);
	const char *reference = http_header(response, "location");
	struct err err = ERR_INIT;
	char *location;

	if (status == 0)
		return NULL;
	if (status != 202) {
		doctor_note_answer(run, check, FINDING_FAULT, response, what);
		return NULL;
	}
	if (reference == NULL) {
		doctor_note(run->doctor, CHECK_LOCATION, FINDING_FAULT,
			    "a proxy before the registry may have taken it "
			    "away",
			    "the answer to an upload has no Location");
		return NULL;
	}
	location = registry_resolve(run->session->registry, response, reference,
				    &err);
	if (location == NULL)
		doctor_note_err(run->doctor, CHECK_LOCATION, &err);
	return location;
}

static void look_at_location(struct doctor_run *run,
			     const struct http_response *response,
			     const char *location)
{
	const char *base = run->session->registry->base;
	const char *raw = http_header(response, "location");
	autofree char *origin = url_origin(location);
	autofree char *shown = url_without_query(raw);

	if (!strstr(raw, "://"))
		doctor_note(run->doctor, CHECK_LOCATION, FINDING_OK, NULL,
			    "relative");
	else if (str_starts(raw, "http:") && str_starts(base, "https:"))
		doctor_note(run->doctor, CHECK_LOCATION, FINDING_WARNING,
			    "let the TLS proxy before the registry set "
			    "'X-Forwarded-Proto: https'; dws-csm mends it, "
			    "others may not",
			    "uploads are sent to '%s', without TLS", shown);
	else if (!url_same_origin(location, base))
		doctor_note(run->doctor, CHECK_LOCATION, FINDING_WARNING,
			    "let the proxy before the registry keep the Host "
			    "header; passwords are not sent to another host",
			    "uploads are sent to another host, '%s'", origin);
	else
		doctor_note(run->doctor, CHECK_LOCATION, FINDING_OK, NULL,
			    "absolute, of this host");
}

/* PATCH; the next URL of the upload, owned, or NULL with the answer. */
static char *patch(struct doctor_run *run, const char *repository,
		   const char *location, const char *chunk,
		   struct http_response *response)
{
	autofree char *range = mem_printf("0-%zu", CHUNK - 1);
	const struct question question = {
		.method = "PATCH",
		.url = location,
		.repository = repository,
		.content_type = "application/octet-stream",
		.range = range,
		.body = chunk,
		.len = CHUNK,
	};
	struct err ignored = ERR_INIT;
	const char *reference;

	if (doctor_ask(run, CHECK_RESUME, &question, response) != 202)
		return NULL;
	reference = http_header(response, "location");
	return reference ? registry_resolve(run->session->registry, response,
					    reference, &ignored) :
			   mem_strdup(location);
}

/* A second piece that breaks off half way. */
static void patch_and_cut(struct doctor_run *run, const char *repository,
			  const char *location, const char *chunk)
{
	autofree char *range = mem_printf("%zu-%zu", CHUNK, CHUNK * 2 - 1);
	const struct question question = {
		.method = "PATCH",
		.url = location,
		.repository = repository,
		.content_type = "application/octet-stream",
		.range = range,
		.body = chunk,
		.len = CHUNK,
		.cut = CHUNK / 2,
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	struct err interrupted = ERR_INIT;

	doctor_ask(run, CHECK_RESUME, &question, &response);
	if (clock_sleep(CUT_PAUSE_MS, &interrupted) < 0)
		return;
}

/* Whether it tells how much of the upload it has: then `range`, owned. */
static bool ask_progress(struct doctor_run *run, const char *repository,
			 const char *location, char **range)
{
	const struct question question = {
		.method = "GET",
		.url = location,
		.repository = repository,
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	int status = doctor_ask(run, CHECK_RESUME, &question, &response);
	const char *value = http_header(&response, "range");

	if (status != 204 || value == NULL)
		return false;
	*range = mem_strdup(value);
	return true;
}

static void look_at_resume(struct doctor_run *run, const char *repository,
			   const char *location, const char *chunk)
{
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	autofree char *next =
		patch(run, repository, location, chunk, &response);
	autofree char *range = NULL, *after = NULL;

	if (next == NULL && response.status == 0)
		return;
	if (next == NULL) {
		doctor_note_answer(run, CHECK_RESUME, FINDING_WARNING,
				   &response,
				   "takes no upload in pieces, so one that "
				   "breaks off begins anew");
		return;
	}
	if (!ask_progress(run, repository, next, &range)) {
		doctor_note(run->doctor, CHECK_RESUME, FINDING_WARNING, NULL,
			    "does not tell what it has of an upload, so one "
			    "that breaks off begins anew");
		return;
	}
	patch_and_cut(run, repository, next, chunk);
	if (!ask_progress(run, repository, next, &after))
		doctor_note(run->doctor, CHECK_RESUME, FINDING_WARNING,
			    "distribution can from release 3.0 on",
			    "forgets an upload that breaks off in the middle "
			    "of a request, so it begins anew");
	else
		doctor_note(run->doctor, CHECK_RESUME, FINDING_OK, NULL,
			    "an upload that broke off goes on (at %s)", after);
}

static void abort_upload(struct doctor_run *run, const char *repository,
			 const char *location)
{
	const struct question question = {
		.method = "DELETE",
		.url = location,
		.repository = repository,
		.cut = 1, /* whether it works is of no matter */
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;

	doctor_ask(run, CHECK_LEFT, &question, &response);
}

static void probe_upload(struct doctor_run *run, const char *repository)
{
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	autofree char *chunk = mem_alloc(CHUNK);
	autofree char *location =
		doctor_begin(run, CHECK_WRITE, repository, &response);

	if (location == NULL)
		return;
	doctor_note(run->doctor, CHECK_WRITE, FINDING_OK, NULL,
		    "takes uploads to '%s'", repository);
	look_at_location(run, &response, location);
	look_at_resume(run, repository, location, chunk);
	abort_upload(run, repository, location);
}

int doctor_write(struct doctor_run *run, struct err *err)
{
	const char *prefix = run->options->prefix;
	const char *slash = *prefix ? "/" : "";
	autofree char *repository = mem_printf("%s%s" SCRATCH, prefix, slash);
	autofree char *second =
		mem_printf("%s%s" SCRATCH "-mount", prefix, slash);

	probe_upload(run, repository);
	if (run->doctor->finding[CHECK_WRITE].status == FINDING_OK)
		doctor_image(run, repository, second);
	doctor_skip(run->doctor, CHECK_LOCATION, CHECK_LEFT,
		    "nothing can be written");
	return clock_check_interrupt(err);
}
