#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bundle/bundle.h"
#include "bundle/bundle_state.h"
#include "registry/workers.h"

/* More would wait for the disk, and cost memory. */
#define VERIFY_MAX_THREADS 8
#define VERIFY_BLOCK ((size_t)512 << 10)

/* A piece of the volume that has a digest. */
struct verify_job {
	const char *path;
	const char *digest;
	uint64_t offset;
	uint64_t size;
	bool *verified;
};

struct verification {
	const struct bundle *bundle;
	struct verify_job *job;
	size_t nr;
	uint64_t bytes;
	struct workers *workers;
	struct progress_item *item;
};

static void add_job(struct verification *self, const char *path,
		    const char *digest, uint64_t offset, uint64_t size,
		    bool *verified)
{
	if (*verified)
		return;
	self->job[self->nr++] = (struct verify_job){
		.path = path,
		.digest = digest,
		.offset = offset,
		.size = size,
		.verified = verified,
	};
	self->bytes += size;
}

static void add_jobs(struct verification *self,
		     const struct bundle_verify *options)
{
	const struct bundle *bundle = self->bundle;
	const struct bundle_meta *meta = &bundle->meta;

	self->job = mem_array(meta->nr_files + 1, sizeof(*self->job));
	for (size_t i = 0; i < meta->nr_files; i++) {
		const struct bundle_file *file = &meta->file[i];

		if (options->wanted == NULL ||
		    options->wanted(options->ctx, file))
			add_job(self, file->path, file->digest,
				bundle->start + file->offset, file->size,
				&bundle->verified[i]);
	}
	if ((options->wanted == NULL || options->executable) &&
	    meta->executable_digest)
		add_job(self, "the executable", meta->executable_digest, 0,
			bundle->before, &bundle->verified[meta->nr_files]);
}

/* Largest first: what is begun last is what the others wait for. */
static int compare_jobs(const void *a, const void *b)
{
	const struct verify_job *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

struct verify_thread {
	struct digest_state *state;
	char block[VERIFY_BLOCK];
};

static void *thread_begin(void *ctx)
{
	struct verify_thread *thread = mem_alloc(sizeof(*thread));

	(void)ctx;
	thread->state = digest_new();
	return thread;
}

static void thread_end(void *ctx, void *own)
{
	struct verify_thread *thread = own;

	(void)ctx;
	digest_free(thread->state);
	free(thread);
}

static int hash_job(struct verification *self, struct verify_thread *thread,
		    const struct verify_job *job, char *digest, struct err *err)
{
	struct source_volume content;
	ssize_t n;

	source_volume_init(&content, self->bundle->volume, job->offset,
			   job->size);
	while ((n = source_read(&content.source, thread->block, VERIFY_BLOCK,
				err)) > 0) {
		digest_update(thread->state, thread->block, (size_t)n);
		progress_advance(self->item, (uint64_t)n);
		if (clock_check_interrupt(err) < 0)
			return -1;
		if (workers_cancelled(self->workers))
			return err_set(err, ERR_INTERRUPTED, "another failed");
	}
	digest_final(thread->state, digest);
	return n < 0 ? -1 : 0;
}

static int verify_one(void *ctx, void *own, size_t index, struct err *err)
{
	struct verification *self = ctx;
	const struct verify_job *job = &self->job[index];
	const char *name = self->bundle->name;
	char digest[DIGEST_SIZE];

	if (hash_job(self, own, job, digest, err) < 0)
		return err_wrap(err, "verify '%s' of bundle '%s'", job->path,
				name);
	*job->verified = str_eq(digest, job->digest);
	if (*job->verified)
		return 0;
	err_set(err, ERR_VERIFY,
		"bundle '%s' is corrupt: '%s' has digest '%s' instead of '%s'",
		name, job->path, digest, job->digest);
	return err_hint(err, "it was damaged or altered on its way: fetch it "
			     "again");
}

static unsigned int nr_processors(void)
{
	cpu_set_t set;
	int nr = sched_getaffinity(0, sizeof(set), &set) == 0 ?
			 CPU_COUNT(&set) :
			 1;

	return nr > VERIFY_MAX_THREADS ? VERIFY_MAX_THREADS : (unsigned int)nr;
}

int bundle_verify(struct bundle *bundle, const struct bundle_verify *options,
		  struct err *err)
{
	struct verification self = { .bundle = bundle };
	struct workers_options workers = {
		.threads = options->threads ? options->threads :
					      nr_processors(),
		.ctx = &self,
		.handle = &self.workers,
		.begin = thread_begin,
		.end = thread_end,
		.run = verify_one,
	};
	int result;

	add_jobs(&self, options);
	qsort(self.job, self.nr, sizeof(*self.job), compare_jobs);
	if (self.nr > 0)
		self.item = progress_add(options->progress, PROGRESS_BYTES,
					 self.bytes, "verify %s", bundle->name);
	workers.nr_jobs = self.nr;
	result = workers_run(&workers, err);
	progress_end(self.item, result < 0 ? PROGRESS_FAILED : PROGRESS_DONE,
		     NULL);
	free(self.job);
	return result;
}
