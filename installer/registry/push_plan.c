#include "registry/push_plan.h"

#include "base/log.h"
#include "base/mem.h"
#include "registry/blob.h"
#include "registry/session.h"

#define PUSH_JOBS 6

const struct push_item *push_item_of(const struct push *self,
				     const struct copy_blob *blob, size_t k)
{
	return &self->items[blob->image[k]];
}

bool push_seen_repository(const struct push *self, const struct copy_blob *blob,
			  size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (str_eq(push_item_of(self, blob, i)->repository,
			   push_item_of(self, blob, k)->repository))
			return true;
	return false;
}

bool push_is_settled(const struct push_item *item)
{
	return item->present || item->kept;
}

bool push_cancelled(void *ctx)
{
	struct push *self = ctx;

	return workers_cancelled(self->workers);
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

/* What is under a tag of an artifact may be the site's own: all signatures of
 * an image are under one tag. */
static bool is_taken(const struct push *self, const struct push_item *item,
		     const struct descriptor *found)
{
	if (!item->artifact || item->tag == NULL || found->digest == NULL)
		return false;
	if (!self->options->dry_run)
		log_warn("'%s:%s' is another one in the registry, '%s', and "
			 "stays: '%s' is not pushed; if nobody needs the one "
			 "that is there, delete its tag, and run this again",
			 item->repository, item->tag, found->digest,
			 item->digest);
	return true;
}

int push_plan_item(struct push *self, struct registry_session *session,
		   size_t index, struct err *err)
{
	const struct push_options *options = self->options;
	struct push_item *item = &self->items[index];
	struct copy_image *image = &self->copy.image[index];
	auto_descriptor struct descriptor found = { 0 };

	if (copy_add(&self->copy, item->source, item->reference,
		     options->platform,
		     options->all_platforms || item->artifact, err) < 0)
		return -1;
	item->digest = mem_strdup(copy_root(image)->descriptor.digest);
	item->bytes = image->bytes;
	if (manifest_head(session, item->repository,
			  item->tag ? item->tag : item->digest, &found,
			  err) < 0)
		return -1;
	/* One without a tag may have come without its place on the list, as
	 * long as the image is not there. */
	item->present = str_eq(found.digest, item->digest) &&
			(item->tag || self->items[item->of].present);
	if (!item->present)
		item->kept = is_taken(self, item, &found);
	if (push_is_settled(item))
		return 0;
	if (copy_add_blobs(&self->copy, index, err) < 0)
		return -1;
	/* Itself, until all is known; and its image waits for it. */
	atomic_fetch_add(&image->blobs_left, 1);
	if (item->artifact && !self->items[item->of].present)
		atomic_fetch_add(&self->copy.image[item->of].blobs_left, 1);
	item->bytes = image->bytes;
	return 0;
}

static int look_run(void *ctx, void *own, size_t job, struct err *err)
{
	struct push *self = ctx;
	const struct copy_blob *blob = &self->copy.blob[job];

	for (size_t k = 0; k < blob->nr_images; k++) {
		int there = 1;

		if (!push_seen_repository(self, blob, k))
			there = blob_exists(
				own, push_item_of(self, blob, k)->repository,
				blob->descriptor.digest, err);
		if (there < 0)
			return -1;
		self->look[job].there[k] = there;
	}
	return 0;
}

struct workers_options push_workers(struct push *self)
{
	unsigned int jobs = self->options->jobs;

	return (struct workers_options){
		.nr_jobs = self->copy.nr_blobs,
		.threads = jobs ? jobs : PUSH_JOBS,
		.ctx = self,
		.handle = &self->workers,
		.begin = push_begin,
		.end = push_end,
	};
}

/* What will be sent: into `digests`, and told of each item. */
static void look_tell(struct push *self, struct strs *digests)
{
	for (size_t i = 0; i < self->copy.nr_blobs; i++) {
		const struct copy_blob *blob = &self->copy.blob[i];
		bool goes = false;

		for (size_t k = 0; k < blob->nr_images; k++) {
			struct push_item *item = &self->items[blob->image[k]];

			if (self->look[i].there[k])
				continue;
			log_verbose("blob '%s' of %llu bytes is to go to "
				    "repository '%s'",
				    blob->descriptor.digest,
				    (unsigned long long)blob->descriptor.size,
				    item->repository);
			goes = true;
			item->missing++;
			item->sent += blob->descriptor.size;
		}
		self->look[i].verified = goes;
		if (goes)
			strs_add(digests, blob->descriptor.digest);
	}
}

int push_look(struct push *self, struct err *err)
{
	struct workers_options workers = push_workers(self);
	struct look *look = mem_array(self->copy.nr_blobs, sizeof(*look));
	auto_strs struct strs digests = STRS_INIT;

	for (size_t i = 0; i < self->copy.nr_blobs; i++)
		look[i].there =
			mem_array(self->copy.blob[i].nr_images, sizeof(bool));
	self->look = look;
	workers.run = look_run;
	if (workers_run(&workers, err) < 0)
		return -1;
	look_tell(self, &digests);
	if (self->options->dry_run || digests.nr == 0)
		return 0;
	return self->options->verify(self->options->verify_ctx, &digests, err);
}
