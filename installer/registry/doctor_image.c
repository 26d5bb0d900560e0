#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/jval.h"
#include "net/url.h"
#include "registry/doctor_part.h"
#include "registry/manifest.h"

#define BLOB_BYTES ((size_t)4 << 20)
/* Where nothing can be deleted, little is left behind. */
#define BLOB_BYTES_KEPT ((size_t)64 << 10)
#define SLOW_BYTES_PER_S ((uint64_t)1 << 20)
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"

/* What lies in the registry because of us. */
struct written {
	char *url; /* "/v2/REPOSITORY/blobs/DIGEST" */
	const char *repository;
	struct written *next;
};

struct image {
	struct doctor_run *run;
	const char *repository, *second;
	char *layer, *config;
	size_t layer_len, config_len;
	char layer_digest[DIGEST_SIZE], config_digest[DIGEST_SIZE];
	struct written *written; /* the last one first */
	bool keeps;		 /* deletes nothing */
};

static void remember(struct image *self, const char *repository,
		     const char *kind, const char *digest)
{
	struct written *written = mem_alloc(sizeof(*written));

	written->url = mem_printf("/v2/%s/%s/%s", repository, kind, digest);
	written->repository = repository;
	written->next = self->written;
	self->written = written;
}

static uint64_t per_second(size_t bytes, int64_t ms)
{
	return (uint64_t)bytes * 1000 / (uint64_t)(ms > 0 ? ms : 1);
}

/* Random, so that no registry has it. */
static void fill(char *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = getrandom(data + at, len - at, 0);

		if (n <= 0)
			abort();
		at += (size_t)n;
	}
}

static void make_content(struct image *self)
{
	self->layer_len = self->keeps ? BLOB_BYTES_KEPT : BLOB_BYTES;
	self->layer = mem_alloc(self->layer_len);
	fill(self->layer, self->layer_len);
	digest_of(self->layer, self->layer_len, self->layer_digest);
	self->config = mem_printf(
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":"
		"{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
		self->layer_digest);
	self->config_len = strlen(self->config);
	digest_of(self->config, self->config_len, self->config_digest);
}

/* Of a blob that is not there: a registry that deletes says 404. */
static bool deletes_nothing(struct doctor_run *run, const char *repository)
{
	char digest[DIGEST_SIZE], noise[16];
	autofree char *url = NULL;
	const struct question question = {
		.method = "DELETE",
		.repository = repository,
		.cut = 1,
	};
	struct question asked = question;
	auto_response struct http_response response = HTTP_RESPONSE_INIT;

	fill(noise, sizeof(noise));
	digest_of(noise, sizeof(noise), digest);
	url = mem_printf("/v2/%s/blobs/%s", repository, digest);
	asked.url = url;
	return doctor_ask(run, CHECK_DELETE, &asked, &response) == 405;
}

static bool is_stored(int status)
{
	return status == 201 || status == 204;
}

/* The last request of an upload, with the blob or without. */
static bool finish(struct image *self, const char *location, const char *digest,
		   const char *body, size_t len)
{
	autofree char *url = url_add_query(location, "digest", digest);
	const struct question question = {
		.method = "PUT",
		.url = url,
		.repository = self->repository,
		.content_type = "application/octet-stream",
		.body = body,
		.len = len,
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	int status = doctor_ask(self->run, CHECK_BLOB, &question, &response);
	const char *named = http_header(&response, "docker-content-digest");

	if (status == 0)
		return false;
	if (!is_stored(status)) {
		doctor_note_answer(self->run, CHECK_BLOB, FINDING_FAULT,
				   &response, "cannot store a blob (PUT)");
		return false;
	}
	remember(self, self->repository, "blobs", digest);
	if (named && !str_eq(named, digest))
		doctor_note(self->run->doctor, CHECK_BLOB, FINDING_FAULT,
			    "something between us and the registry changes "
			    "what is sent",
			    "a blob was stored as '%s'", named);
	return true;
}

/* PATCH of the whole, then PUT, which says its digest. */
static bool send_layer(struct image *self)
{
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	autofree char *location = doctor_begin(self->run, CHECK_BLOB,
					       self->repository, &response);
	autofree char *next = NULL;
	struct question question = {
		.method = "PATCH",
		.url = location,
		.repository = self->repository,
		.content_type = "application/octet-stream",
		.body = self->layer,
		.len = self->layer_len,
	};
	struct err ignored = ERR_INIT;
	const char *reference;

	if (location == NULL)
		return false;
	if (self->run->doctor->finding[CHECK_RESUME].status ==
		    FINDING_WARNING &&
	    strstr(self->run->doctor->finding[CHECK_RESUME].seen, "pieces"))
		return finish(self, location, self->layer_digest, self->layer,
			      self->layer_len);
	if (doctor_ask(self->run, CHECK_BLOB, &question, &response) != 202) {
		if (response.status)
			doctor_note_answer(self->run, CHECK_BLOB, FINDING_FAULT,
					   &response,
					   "cannot store a blob (PATCH)");
		return false;
	}
	reference = http_header(&response, "location");
	next = reference ? registry_resolve(self->run->session->registry,
					    &response, reference, &ignored) :
			   mem_strdup(location);
	return next && finish(self, next, self->layer_digest, "", 0);
}

static bool send_config(struct image *self)
{
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	autofree char *location = doctor_begin(self->run, CHECK_BLOB,
					       self->repository, &response);

	return location && finish(self, location, self->config_digest,
				  self->config, self->config_len);
}

/* It is there, and it is what was sent. */
static bool read_back(struct image *self)
{
	struct doctor *doctor = self->run->doctor;
	autofree char *url = mem_printf("/v2/%s/blobs/%s", self->repository,
					self->layer_digest);
	struct question question = {
		.method = "HEAD",
		.url = url,
		.repository = self->repository,
		.max_body = self->layer_len,
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;

	if (doctor_ask(self->run, CHECK_BLOB, &question, &response) != 200) {
		if (response.status)
			doctor_note_answer(self->run, CHECK_BLOB, FINDING_FAULT,
					   &response,
					   "cannot find a blob that it took");
		return false;
	}
	if (response.content_length != (int64_t)self->layer_len)
		doctor_note(doctor, CHECK_BLOB, FINDING_WARNING,
			    "a proxy before the registry may have taken it "
			    "away; it must leave answers as they are",
			    "does not tell how long a blob is");
	question.method = "GET";
	if (doctor_ask(self->run, CHECK_BLOB, &question, &response) != 200) {
		if (response.status)
			doctor_note_answer(self->run, CHECK_BLOB, FINDING_FAULT,
					   &response,
					   "cannot give back a blob");
		return false;
	}
	if (response.body.len == self->layer_len &&
	    memcmp(response.body.data, self->layer, self->layer_len) == 0)
		return true;
	doctor_note(doctor, CHECK_BLOB, FINDING_FAULT,
		    "something between us and the registry, or its storage, "
		    "changes content",
		    "a blob that was read again is not what was sent");
	return false;
}

static void note_speed(struct image *self, int64_t up_ms, int64_t down_ms)
{
	struct doctor *doctor = self->run->doctor;
	uint64_t up = per_second(self->layer_len, up_ms);
	char up_text[32], down_text[32];

	if (self->keeps) {
		doctor_skip(doctor, CHECK_SPEED, CHECK_SPEED,
			    "it deletes nothing, so only little was written");
		return;
	}
	str_bytes(up_text, sizeof(up_text), up);
	str_bytes(down_text, sizeof(down_text),
		  per_second(self->layer_len, down_ms));
	doctor_note(doctor, CHECK_SPEED,
		    up < SLOW_BYTES_PER_S ? FINDING_WARNING : FINDING_OK,
		    up < SLOW_BYTES_PER_S ?
			    "look at the registry's storage and at the "
			    "network; pushes will take their time" :
			    NULL,
		    "%s/s there, %s/s back, by one connection", up_text,
		    down_text);
}

static bool probe_blobs(struct image *self)
{
	int64_t start = clock_now_ms(), sent_ms;

	if (!send_layer(self))
		return false;
	sent_ms = clock_now_ms() - start;
	start = clock_now_ms();
	if (!read_back(self))
		return false;
	note_speed(self, sent_ms, clock_now_ms() - start);
	if (!send_config(self))
		return false;
	doctor_note(self->run->doctor, CHECK_BLOB, FINDING_OK, NULL,
		    "%zu KiB sent, read again and the same",
		    self->layer_len >> 10);
	return true;
}

static void probe_mount(struct image *self)
{
	struct doctor *doctor = self->run->doctor;
	autofree char *plain =
		mem_printf("/v2/%s/blobs/uploads/", self->second);
	autofree char *wanted =
		url_add_query(plain, "mount", self->layer_digest);
	autofree char *url = url_add_query(wanted, "from", self->repository);
	const struct question question = {
		.method = "POST",
		.url = url,
		.repository = self->second,
		.from = self->repository,
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	int status = doctor_ask(self->run, CHECK_MOUNT, &question, &response);

	if (status == 201) {
		remember(self, self->second, "blobs", self->layer_digest);
		doctor_note(doctor, CHECK_MOUNT, FINDING_OK, NULL,
			    "a blob of another repository is taken over");
	} else if (status == 202) {
		doctor_note(doctor, CHECK_MOUNT, FINDING_OK, NULL,
			    "not known: what images share is sent for each");
	} else if (status) {
		doctor_note_answer(self->run, CHECK_MOUNT, FINDING_WARNING,
				   &response,
				   "not allowed: what images share is sent "
				   "for each");
	}
}

static struct jval *part(const char *media_type, const char *digest, size_t len)
{
	return jval_pack("{s:s, s:I, s:s}", "mediaType", media_type, "size",
			 (int64_t)len, "digest", digest);
}

/* With a layer that comes `layers` times, so that there are two of them. */
static char *manifest_text(const struct image *self, const char *media_type,
			   int layers)
{
	bool oci = str_eq(media_type, MEDIA_OCI_MANIFEST);
	struct jval *list = jval_new_array();
	autojval struct jval *manifest = NULL;

	while (layers-- > 0)
		jval_append(list, part(oci ? OCI_LAYER : MEDIA_DOCKER_LAYER,
				       self->layer_digest, self->layer_len));
	manifest = jval_pack("{s:i, s:s, s:o, s:o}", "schemaVersion", 2,
			     "mediaType", media_type, "config",
			     part(oci ? OCI_CONFIG : MEDIA_DOCKER_CONFIG,
				  self->config_digest, self->config_len),
			     "layers", list);
	return jval_text(manifest, false);
}

static bool put_manifest(struct image *self, enum check check, const char *tag,
			 const char *media_type, int layers, const char *what)
{
	autofree char *text = manifest_text(self, media_type, layers);
	autofree char *url =
		mem_printf("/v2/%s/manifests/%s", self->repository, tag);
	struct question question = {
		.method = "PUT",
		.url = url,
		.repository = self->repository,
		.content_type = media_type,
		.body = text,
		.len = strlen(text),
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	char digest[DIGEST_SIZE];

	if (!is_stored(doctor_ask(self->run, check, &question, &response))) {
		if (response.status)
			doctor_note_answer(self->run, check, FINDING_FAULT,
					   &response, what);
		return false;
	}
	digest_of(text, strlen(text), digest);
	remember(self, self->repository, "manifests", digest);
	question.method = "GET";
	question.accept = media_type;
	question.content_type = question.body = NULL;
	if (doctor_ask(self->run, check, &question, &response) == 200 &&
	    response.body.len == strlen(text) &&
	    memcmp(response.body.data, text, response.body.len) == 0)
		return true;
	doctor_note(self->run->doctor, check, FINDING_FAULT,
		    "a registry must keep a manifest byte for byte: is there "
		    "a cache in between?",
		    "a tag does not give back the manifest that was sent");
	return false;
}

static void probe_manifests(struct image *self)
{
	struct doctor *doctor = self->run->doctor;
	/* Another doctor may be at work at the same time. */
	autofree char *tag =
		mem_printf("probe-%.12s", digest_hex(self->layer_digest));
	autofree char *oci_tag = mem_printf("%s-oci", tag);

	if (!put_manifest(self, CHECK_MANIFEST, tag, MEDIA_DOCKER_MANIFEST, 1,
			  "takes no image (Docker schema 2)"))
		return;
	if (put_manifest(self, CHECK_MANIFEST, oci_tag, MEDIA_OCI_MANIFEST, 1,
			 "takes no image of OCI's form"))
		doctor_note(doctor, CHECK_MANIFEST, FINDING_OK, NULL,
			    "takes images, Docker's and OCI's");
	if (put_manifest(self, CHECK_REPLACE, tag, MEDIA_DOCKER_MANIFEST, 2,
			 "a tag cannot be given to another image"))
		doctor_note(doctor, CHECK_REPLACE, FINDING_OK, NULL,
			    "a tag can be given to another image");
}

/* Whether it is gone. */
static bool take_away(struct image *self, const struct written *written)
{
	const struct question question = {
		.method = "DELETE",
		.url = written->url,
		.repository = written->repository,
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	int status = doctor_ask(self->run, CHECK_DELETE, &question, &response);

	if (status == 200 || status == 202 || status == 204 || status == 404)
		return true;
	if (status == 405)
		doctor_note(self->run->doctor, CHECK_DELETE, FINDING_OK, NULL,
			    "deletes nothing (405); only its administrator "
			    "can");
	else if (status)
		doctor_note_answer(self->run, CHECK_DELETE, FINDING_WARNING,
				   &response,
				   "what was pushed cannot be "
				   "deleted");
	return false;
}

static void clean_up(struct image *self)
{
	struct doctor *doctor = self->run->doctor;
	auto_strs struct strs left = STRS_INIT;
	autofree char *list = NULL;
	struct written *written;

	while ((written = self->written)) {
		self->written = written->next;
		if (!take_away(self, written))
			strs_add(&left, written->url);
		free(written->url);
		free(written);
	}
	if (left.nr == 0) {
		doctor_note(doctor, CHECK_DELETE, FINDING_OK, NULL,
			    "images and blobs can be deleted");
		doctor_note(doctor, CHECK_LEFT, FINDING_OK, NULL, "nothing");
		return;
	}
	list = strs_join(&left, " ");
	/* Then nobody looks at the findings. */
	if (clock_interrupted())
		log_warn("left behind in the registry: %s; they may be deleted "
			 "by its administrator",
			 list);
	doctor_note(doctor, CHECK_LEFT, FINDING_WARNING,
		    "they may be deleted by the registry's administrator", "%s",
		    list);
}

void doctor_image(struct doctor_run *run, const char *repository,
		  const char *second)
{
	struct image self = {
		.run = run,
		.repository = repository,
		.second = second,
		.keeps = deletes_nothing(run, repository),
	};

	make_content(&self);
	if (probe_blobs(&self)) {
		probe_mount(&self);
		probe_manifests(&self);
	}
	doctor_skip(run->doctor, CHECK_SPEED, CHECK_MANIFEST,
		    "no blob could be stored");
	doctor_skip(run->doctor, CHECK_REPLACE, CHECK_REPLACE,
		    "no image could be stored");
	clean_up(&self);
	free(self.layer);
	free(self.config);
}
