#include "registry/push.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "registry/blob.h"
#include "registry/proof.h"
#include "registry/push_plan.h"
#include "registry/referrers.h"

/* From this size on a blob is worth the three requests of a proof. */
#define PROOF_BYTES ((uint64_t)32 << 20)

/* A blob on its way; opened anew for each try. */
struct transfer {
	const struct copy_blob *blob;
	struct copy_meter meter;
	/* Not to be hashed, unless all goes again: it has been already, or the
	 * registry does. */
	bool verified;
	unsigned int begun; /* from the start */
	bool hashing;
	struct image_blob *opened;
	struct source_verify verify;
	struct source_count count;
};

static void transfer_close(struct transfer *self)
{
	if (self->opened == NULL)
		return;
	if (self->hashing)
		source_verify_release(&self->verify);
	self->hashing = false;
	image_blob_close(self->opened);
	self->opened = NULL;
}

static int transfer_begin(struct transfer *self, struct err *err)
{
	transfer_close(self);
	copy_meter_back(&self->meter);
	self->opened = image_source_blob(self->meter.image->source,
					 &self->blob->descriptor, err);
	return self->opened ? 0 : -1;
}

static int transfer_open(void *ctx, struct source **source, struct err *err)
{
	struct transfer *self = ctx;
	const struct descriptor *blob = &self->blob->descriptor;
	struct source *from;

	if (transfer_begin(self, err) < 0)
		return -1;
	from = image_blob_source(self->opened);
	/* If all goes once more, let it be seen whose fault it is; for that, it
	 * must be possible to read it twice. */
	if (!self->verified || self->begun++ > 0 ||
	    !image_blob_seek(self->opened, 0)) {
		source_verify_init(&self->verify, from, blob->digest,
				   blob->size);
		self->hashing = true;
		from = &self->verify.source;
	}
	source_count_init(&self->count, from, copy_meter_seen, &self->meter);
	*source = &self->count.source;
	return 0;
}

/* What was verified need not be read from its start. */
static int transfer_open_at(void *ctx, uint64_t offset, struct source **source,
			    struct err *err)
{
	struct transfer *self = ctx;

	if (!self->verified || self->begun > 1)
		return 0;
	if (transfer_begin(self, err) < 0)
		return -1;
	if (!image_blob_seek(self->opened, offset))
		return 0;
	if (copy_meter_seen(&self->meter, (size_t)offset, err) < 0)
		return -1;
	source_count_init(&self->count, image_blob_source(self->opened),
			  copy_meter_seen, &self->meter);
	*source = &self->count.source;
	return 0;
}

/* The registry has got something else than it should: is it the source, which
 * may read differently the second time, or the way there? */
static void transfer_blame(struct transfer *self, struct err *err)
{
	autofree char *block = mem_alloc(SOURCE_BLOCK);
	struct err found = ERR_INIT;
	struct source *source;
	ssize_t n = 1;

	self->verified = false;
	if (transfer_open(self, &source, &found) < 0)
		n = -1;
	while (n > 0)
		n = source_read(source, block, SOURCE_BLOCK, &found);
	if (n < 0)
		*err = found;
}

/* Asked once, by whoever is the first with a large blob. */
static bool push_proven(struct push *self, struct registry_session *session,
			const struct copy_blob *blob, const char *repository)
{
	bool given;

	if (blob->descriptor.size < PROOF_BYTES)
		return false;
	pthread_mutex_lock(&self->proof_lock);
	if (self->proof == PROOF_WANTED)
		self->proof = registry_checks_digests(session, repository) ?
				      PROOF_GIVEN :
				      PROOF_FAILED;
	given = self->proof == PROOF_GIVEN;
	pthread_mutex_unlock(&self->proof_lock);
	return given;
}

/* 1 mounted, 0 sent. */
static int push_upload(struct push *self, struct registry_session *session,
		       const struct copy_blob *blob, const char *repository,
		       const char *from, struct copy_image *image,
		       struct err *err)
{
	const struct look *look =
		self->look ? &self->look[blob - self->copy.blob] : NULL;
	struct transfer transfer = {
		.blob = blob,
		.verified = (look && look->verified) ||
			    push_proven(self, session, blob, repository),
		.meter = { .image = image, .workers = self->workers },
	};
	const struct blob_upload upload = {
		.repository = repository,
		.from = from,
		.descriptor = &blob->descriptor,
		.open = transfer_open,
		.open_at = transfer_open_at,
		.ctx = &transfer,
	};
	int mounted = blob_upload(session, &upload, err);

	if (mounted < 0 && err->http == 400 && transfer.opened &&
	    transfer.verified)
		transfer_blame(&transfer, err);
	transfer_close(&transfer);
	if (mounted == 0) {
		atomic_fetch_add(&image->sent, blob->descriptor.size);
		/* Someone else may have sent the rest. */
		copy_advance(image,
			     blob->descriptor.size - transfer.meter.counted);
	} else {
		copy_meter_back(&transfer.meter);
	}
	/* With a status it is the registry's doing. */
	if (mounted < 0 && err->kind == ERR_VERIFY && !err->http)
		err_hint(err, "the source is damaged: get it anew");
	if (mounted < 0 && err->kind != ERR_REGISTRY && !err->http)
		return err_wrap(err, "push '%s' from '%s'", repository,
				image_source_name(image->source));
	return mounted;
}

/* 1 when the repository of its image number `k` has it. An image before may
 * have brought it there. */
static int blob_is_there(struct push *self, struct registry_session *session,
			 const struct copy_blob *blob, size_t k,
			 struct err *err)
{
	if (push_seen_repository(self, blob, k))
		return 1;
	if (self->look)
		return self->look[blob - self->copy.blob].there[k];
	return blob_exists(session, push_item_of(self, blob, k)->repository,
			   blob->descriptor.digest, err);
}

/* Bring a blob into the repository of its image number `k`: 0 sent now. */
static int push_blob_to(struct push *self, struct registry_session *session,
			const struct copy_blob *blob, size_t k, struct err *err)
{
	const char *repository = push_item_of(self, blob, k)->repository;
	const char *first = push_item_of(self, blob, 0)->repository;
	int there = blob_is_there(self, session, blob, k, err);

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

/* A registry that knows what refers to what says so. */
static int push_list(struct push *self, struct registry_session *session,
		     const char *repository,
		     const struct copy_manifest *manifest, struct err *err)
{
	int result;

	pthread_mutex_lock(&self->lock);
	result = referrers_add(session, repository, &manifest->descriptor,
			       manifest->bytes, err);
	pthread_mutex_unlock(&self->lock);
	return result;
}

static int push_manifests(struct push *self, struct registry_session *session,
			  size_t index, bool *blob_unknown, struct err *err)
{
	const struct copy_image *image = &self->copy.image[index];
	const struct push_item *item = &self->items[index];
	struct manifest_answer answer = { .subject = true };

	for (size_t i = 0; i < image->nr_manifests; i++) {
		const struct copy_manifest *manifest = &image->manifest[i];
		bool last = i + 1 == image->nr_manifests;
		int result = manifest_put(session, item->repository,
					  last && item->tag ?
						  item->tag :
						  manifest->descriptor.digest,
					  &manifest->descriptor,
					  manifest->bytes, &answer, err);

		*blob_unknown = answer.blob_unknown;
		if (result < 0)
			return -1;
	}
	if (!item->artifact || answer.subject)
		return 0;
	return push_list(self, session, item->repository, copy_root(image),
			 err);
}

/* Not that it cannot be reached, or asks for a password. */
static bool is_refusal(const struct err *err)
{
	return err->kind == ERR_REGISTRY &&
	       (err->http == 400 || err->http == 404 || err->http == 405 ||
		err->http == 406 || err->http == 415 || err->http == 422);
}

/* An artifact that is refused, or a blob of it, is no failure: true. */
static bool push_forgo(struct push *self, size_t index, struct err *err)
{
	struct push_item *item = &self->items[index];

	if (!item->artifact || !is_refusal(err))
		return false;
	pthread_mutex_lock(&self->lock);
	if (!item->refused)
		log_warn("the registry does not take '%s', which belongs to "
			 "image '%s:%s'; the image goes without it: %s",
			 item->tag ? item->tag : item->digest, item->repository,
			 self->items[item->of].tag, err->msg);
	item->refused = true;
	pthread_mutex_unlock(&self->lock);
	err_clear(err);
	return true;
}

static void push_end_item(struct push *self, size_t index, int result)
{
	struct copy_image *image = &self->copy.image[index];

	if (self->items[index].refused)
		progress_end(image->progress, PROGRESS_SKIPPED, "refused");
	else if (result < 0)
		progress_end(image->progress, PROGRESS_FAILED, NULL);
	else
		progress_end(image->progress, PROGRESS_DONE, "pushed");
	image->progress = NULL;
}

static int push_image(struct push *self, struct registry_session *session,
		      size_t index, struct err *err)
{
	bool blob_unknown = false;
	int result = 0;

	/* With the last of its blobs nobody writes that any more. */
	if (!self->items[index].refused)
		result = push_manifests(self, session, index, &blob_unknown,
					err);
	if (result < 0 && blob_unknown) {
		err_clear(err);
		result = push_blobs_anyway(self, session, index, err);
		if (result == 0)
			result = push_manifests(self, session, index,
						&blob_unknown, err);
	}
	if (result < 0 && push_forgo(self, index, err))
		result = 0;
	push_end_item(self, index, result);
	return result;
}

/* One thing less that the item waits for; with the last of them it goes, and
 * an artifact is what its image waits for. */
static int push_arrived(struct push *self, struct registry_session *session,
			size_t index, struct err *err)
{
	while (!push_is_settled(&self->items[index]) &&
	       atomic_fetch_sub(&self->copy.image[index].blobs_left, 1) == 1) {
		if (push_image(self, session, index, err) < 0)
			return -1;
		if (!self->items[index].artifact)
			break;
		index = self->items[index].of;
	}
	return 0;
}

/* Whoever waits for a source need not, once another thread has failed. */
static void push_cancel_sources(struct push *self, bool with_workers)
{
	for (size_t i = 0; i < self->copy.nr_images; i++)
		image_source_cancel_by(self->items[i].source,
				       with_workers ? push_cancelled : NULL,
				       self);
}

static int push_run(void *ctx, void *own, size_t job, struct err *err)
{
	struct push *self = ctx;
	const struct copy_blob *blob = &self->copy.blob[job];

	for (size_t k = 0; k < blob->nr_images; k++) {
		struct copy_image *image = &self->copy.image[blob->image[k]];
		int there = push_blob_to(self, own, blob, k, err);

		if (there < 0 && !push_forgo(self, blob->image[k], err))
			return -1;
		/* What was sent has been counted on its way. */
		if (there)
			copy_advance(image, blob->descriptor.size);
		if (push_arrived(self, own, blob->image[k], err) < 0)
			return -1;
	}
	return 0;
}

static void push_show(struct push *self, size_t index)
{
	const struct push_item *item = &self->items[index];
	struct progress_item *progress = progress_add(
		self->options->progress, PROGRESS_BYTES, item->bytes,
		item->tag ? "%s:%s" : "%s@%s", item->repository,
		item->tag ? item->tag : item->digest);

	if (push_is_settled(item))
		progress_end(progress, PROGRESS_SKIPPED,
			     item->present ? "already there" :
					     "another one is there");
	else
		self->copy.image[index].progress = progress;
}

static int push_all(struct push *self, struct registry_session *session,
		    size_t nr, struct err *err)
{
	struct workers_options workers = push_workers(self);
	int result = 0;

	workers.run = push_run;
	for (size_t i = 0; i < nr; i++)
		push_show(self, i);
	/* Those that are manifests only go at once. */
	for (size_t i = 0; result == 0 && i < nr; i++)
		result = push_arrived(self, session, i, err);
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

static void push_release(struct push *self)
{
	for (size_t i = 0; self->look && i < self->copy.nr_blobs; i++)
		free(self->look[i].there);
	free(self->look);
	copy_release(&self->copy);
	pthread_mutex_destroy(&self->lock);
	pthread_mutex_destroy(&self->proof_lock);
}

int push_images(const struct push_options *options, struct push_item *items,
		size_t nr, struct err *err)
{
	struct push self = { .options = options,
			     .items = items,
			     .lock = PTHREAD_MUTEX_INITIALIZER,
			     .proof_lock = PTHREAD_MUTEX_INITIALIZER };
	struct registry_session *session = registry_connect(options->registry);
	int result = 0;

	copy_init(&self.copy, nr);
	for (size_t i = 0; result == 0 && i < nr; i++)
		result = push_plan_item(&self, session, i, err);
	copy_sort(&self.copy);
	if (result == 0 && options->verify)
		result = push_look(&self, err);
	if (result == 0 && !options->dry_run)
		result = push_all(&self, session, nr, err);
	registry_disconnect(session);
	push_release(&self);
	return result;
}

void push_item_release(struct push_item *item)
{
	free(item->digest);
	item->digest = NULL;
}
