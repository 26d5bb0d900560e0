#include "registry/workers.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"

struct workers {
	const struct workers_options *options;
	atomic_size_t next;
	atomic_bool failed;
	pthread_mutex_t lock; /* guards `first` */
	struct err first;
};

static void workers_fail(struct workers *self, const struct err *err)
{
	pthread_mutex_lock(&self->lock);
	if (!atomic_load(&self->failed))
		self->first = *err;
	atomic_store(&self->failed, true);
	pthread_mutex_unlock(&self->lock);
}

static void *workers_thread(void *arg)
{
	struct workers *self = arg;
	const struct workers_options *options = self->options;
	void *own = options->begin ? options->begin(options->ctx) : NULL;
	size_t job;

	while (!atomic_load(&self->failed) &&
	       (job = atomic_fetch_add(&self->next, 1)) < options->nr_jobs) {
		struct err err = ERR_INIT;

		if (options->run(options->ctx, own, job, &err) < 0)
			workers_fail(self, &err);
	}
	if (options->end)
		options->end(options->ctx, own);
	return NULL;
}

int workers_run(const struct workers_options *options, struct err *err)
{
	struct workers self = { .options = options,
				.lock = PTHREAD_MUTEX_INITIALIZER };
	size_t nr = options->threads < options->nr_jobs ? options->threads :
							  options->nr_jobs;
	autofree pthread_t *thread = mem_array(nr, sizeof(*thread));
	size_t started = 0;

	if (options->handle)
		*options->handle = &self;
	while (started < nr && pthread_create(&thread[started], NULL,
					      workers_thread, &self) == 0)
		started++;
	/* No thread to be had: this one does it. */
	if (started == 0 && nr > 0)
		workers_thread(&self);
	for (size_t i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	pthread_mutex_destroy(&self.lock);
	if (!atomic_load(&self.failed))
		return 0;
	*err = self.first;
	return -1;
}

bool workers_cancelled(void *workers)
{
	struct workers *self = workers;

	return atomic_load(&self->failed);
}
