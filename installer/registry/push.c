#include "registry/push.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "registry/blob.h"
#include "registry/manifest.h"
#include "registry/copy.h"
#include "registry/session.h"
#include "registry/workers.h"

#define PUSH_JOBS 4

struct push {
	const struct push_options *options;
	struct push_item *items;
	struct copy copy; /* image i is item i */
	struct workers *workers;
};

/* A blob on its way; opened anew for each try. */
struct transfer {
	const struct copy_blob *blob;
	struct copy_meter meter;
	struct image_blob *opened;
	struct source_verify verify;
	struct source_count count;
};

static bool push_cancelled(void *ctx)
{
	struct push *self = ctx;

	return workers_cancelled(self->workers);
}

static void transfer_close(struct transfer *self)
{
	if (self->opened == NULL)
		return;
	source_verify_release(&self->verify);
	image_blob_close(self->opened);
	self->opened = NULL;
}

static int transfer_open(void *ctx, struct source **source, struct err *err)
{
	struct transfer *self = ctx;
	const struct descriptor *blob = &self->blob->descriptor;

	transfer_close(self);
	copy_meter_back(&self->meter);
	self->opened = image_source_blob(self->meter.image->source, blob, err);
	if (self->opened == NULL)
		return -1;
	source_verify_init(&self->verify, image_blob_source(self->opened),
			   blob->digest, blob->size);
	source_count_init(&self->count, &self->verify.source, copy_meter_seen,
			  &self->meter);
	*source = &self->count.source;
	return 0;
}

/* 1 mounted, 0 sent. */
static int push_upload(struct push *self, struct registry_session *session,
		       const struct copy_blob *blob, const char *repository,
		       const char *from, struct copy_image *image,
		       struct err *err)
{
	struct transfer transfer = {
		.blob = blob,
		.meter = { .image = image, .workers = self->workers },
	};
	const struct blob_upload upload = {
		.repository = repository,
		.from = from,
		.descriptor = &blob->descriptor,
		.open = transfer_open,
		.ctx = &transfer,
	};
	int mounted = blob_upload(session, &upload, err);

	transfer_close(&transfer);
	if (mounted == 0) {
		atomic_fetch_add(&image->sent, blob->descriptor.size);
		/* Someone else may have sent the rest. */
		copy_advance(image,
			     blob->descriptor.size - transfer.meter.counted);
	} else {
		copy_meter_back(&transfer.meter);
	}
	if (mounted < 0 && err->kind == ERR_VERIFY)
		err_hint(err, "the source is damaged: get it anew");
	if (mounted < 0 && err->kind != ERR_REGISTRY)
		return err_wrap(err, "push '%s' from '%s'", repository,
				image_source_name(image->source));
	return mounted;
}

static const struct push_item *item_of(const struct push *self,
				       const struct copy_blob *blob, size_t k)
{
	return &self->items[blob->image[k]];
}

/* Whether an earlier image of the blob has the same repository. */
static bool seen_repository(const struct push *self,
			    const struct copy_blob *blob, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (str_eq(item_of(self, blob, i)->repository,
			   item_of(self, blob, k)->repository))
			return true;
	return false;
}

/* Bring a blob into the repository of its image number `k`: 0 sent now. */
static int push_blob_to(struct push *self, struct registry_session *session,
			const struct copy_blob *blob, size_t k, struct err *err)
{
	const char *repository = item_of(self, blob, k)->repository;
	const char *first = item_of(self, blob, 0)->repository;
	int there = 1;

	if (!seen_repository(self, blob, k))
		there = blob_exists(session, repository,
				    blob->descriptor.digest, err);
	if (there != 0)
		return there;
	return push_upload(self, session, blob, repository,
			   k > 0 ? first : NULL,
			   &self->copy.image[blob->image[k]], err);
}

/* Nexus may say that it has a blob and miss it all the same. */
static int push_blobs_anyway(struct push *self,
			     struct registry_session *session, size_t index,
			     struct err *err)
{
	struct copy_image *image = &self->copy.image[index];

	for (size_t i = 0; i < image->nr_blobs; i++)
		if (push_upload(self, session, &self->copy.blob[image->blob[i]],
				self->items[index].repository, NULL, image,
				err) < 0)
			return -1;
	return 0;
}

static int push_manifests(struct push *self, struct registry_session *session,
			  size_t index, bool *blob_unknown, struct err *err)
{
	const struct copy_image *image = &self->copy.image[index];
	const struct push_item *item = &self->items[index];

	for (size_t i = 0; i < image->nr_manifests; i++) {
		const struct copy_manifest *manifest = &image->manifest[i];
		bool last = i + 1 == image->nr_manifests;

		if (manifest_put(session, item->repository,
				 last ? item->tag : manifest->descriptor.digest,
				 &manifest->descriptor, manifest->bytes,
				 blob_unknown, err) < 0)
			return -1;
	}
	return 0;
}

static int push_image(struct push *self, struct registry_session *session,
		      size_t index, struct err *err)
{
	struct copy_image *image = &self->copy.image[index];
	bool blob_unknown = false;
	int result = push_manifests(self, session, index, &blob_unknown, err);

	if (result < 0 && blob_unknown) {
		err_clear(err);
		result = push_blobs_anyway(self, session, index, err);
		if (result == 0)
			result = push_manifests(self, session, index,
						&blob_unknown, err);
	}
	if (result < 0)
		progress_end(image->progress, PROGRESS_FAILED, NULL);
	else
		progress_end(image->progress, PROGRESS_DONE, "pushed");
	image->progress = NULL;
	return result;
}

/* Whoever waits for a source need not, once another thread has failed. */
static void push_cancel_sources(struct push *self, bool with_workers)
{
	for (size_t i = 0; i < self->copy.nr_images; i++)
		image_source_cancel_by(self->items[i].source,
				       with_workers ? push_cancelled : NULL,
				       self);
}

static void *push_begin(void *ctx)
{
	struct push *self = ctx;
	struct registry_session *session =
		registry_connect(self->options->registry);

	session_cancel_by(session, push_cancelled, self);
	return session;
}

static void push_end(void *ctx, void *own)
{
	(void)ctx;
	registry_disconnect(own);
}

static int push_run(void *ctx, void *own, size_t job, struct err *err)
{
	struct push *self = ctx;
	const struct copy_blob *blob = &self->copy.blob[job];

	for (size_t k = 0; k < blob->nr_images; k++) {
		struct copy_image *image = &self->copy.image[blob->image[k]];
		int there = push_blob_to(self, own, blob, k, err);

		if (there < 0)
			return -1;
		/* What was sent has been counted on its way. */
		if (there)
			copy_advance(image, blob->descriptor.size);
		if (atomic_fetch_sub(&image->blobs_left, 1) == 1 &&
		    push_image(self, own, blob->image[k], err) < 0)
			return -1;
	}
	return 0;
}

/* Read an image's manifests, and see whether its tag is right already. */
static int push_plan(struct push *self, struct registry_session *session,
		     size_t index, struct err *err)
{
	const struct push_options *options = self->options;
	struct push_item *item = &self->items[index];
	auto_descriptor struct descriptor found = { 0 };
	int there;

	if (copy_add(&self->copy, item->source, item->reference,
		     options->platform, options->all_platforms, err) < 0)
		return -1;
	item->digest = mem_strdup(
		copy_root(&self->copy.image[index])->descriptor.digest);
	item->bytes = self->copy.image[index].bytes;
	there = manifest_head(session, item->repository, item->tag, &found,
			      err);
	if (there < 0)
		return -1;
	item->present = there && str_eq(found.digest, item->digest);
	if (item->present)
		return 0;
	if (copy_add_blobs(&self->copy, index, err) < 0)
		return -1;
	item->bytes = self->copy.image[index].bytes;
	return 0;
}

static void push_show(struct push *self, size_t index)
{
	const struct push_item *item = &self->items[index];
	struct progress_item *progress =
		progress_add(self->options->progress, PROGRESS_BYTES,
			     item->bytes, "%s:%s", item->repository, item->tag);

	if (item->present)
		progress_end(progress, PROGRESS_SKIPPED, "already there");
	else
		self->copy.image[index].progress = progress;
}

static int push_all(struct push *self, struct registry_session *session,
		    size_t nr, struct err *err)
{
	unsigned int jobs = self->options->jobs;
	const struct workers_options workers = {
		.nr_jobs = self->copy.nr_blobs,
		.threads = jobs ? jobs : PUSH_JOBS,
		.ctx = self,
		.handle = &self->workers,
		.begin = push_begin,
		.end = push_end,
		.run = push_run,
	};
	int result = 0;

	copy_sort(&self->copy);
	for (size_t i = 0; i < nr; i++)
		push_show(self, i);
	/* Those that are manifests only. */
	for (size_t i = 0; result == 0 && i < nr; i++)
		if (!self->items[i].present &&
		    self->copy.image[i].nr_blobs == 0)
			result = push_image(self, session, i, err);
	push_cancel_sources(self, true);
	if (result == 0)
		result = workers_run(&workers, err);
	push_cancel_sources(self, false);
	for (size_t i = 0; i < nr; i++) {
		struct copy_image *image = &self->copy.image[i];

		self->items[i].sent = atomic_load(&image->sent);
		progress_end(image->progress, PROGRESS_FAILED, NULL);
	}
	return result;
}

int push_images(const struct push_options *options, struct push_item *items,
		size_t nr, struct err *err)
{
	struct push self = { .options = options, .items = items };
	struct registry_session *session = registry_connect(options->registry);
	int result = 0;

	copy_init(&self.copy, nr);
	for (size_t i = 0; result == 0 && i < nr; i++)
		result = push_plan(&self, session, i, err);
	if (result == 0 && !options->dry_run)
		result = push_all(&self, session, nr, err);
	registry_disconnect(session);
	copy_release(&self.copy);
	return result;
}

void push_item_release(struct push_item *item)
{
	free(item->digest);
	item->digest = NULL;
}
