#include "kube/parallel.h"

#include <pthread.h>

#include "base/mem.h"

struct parallel {
	pthread_mutex_t lock;
	parallel_work *work;
	void *ctx;
	size_t next;
	size_t nr;
	bool failed;
	struct err *err; /* of the first failure */
};

struct worker {
	struct parallel *parallel;
	unsigned int number;
	pthread_t thread;
};

/* The next piece, or false when there is none to be begun. */
static bool take(struct parallel *parallel, size_t *index)
{
	bool more;

	pthread_mutex_lock(&parallel->lock);
	more = !parallel->failed && parallel->next < parallel->nr;
	if (more)
		*index = parallel->next++;
	pthread_mutex_unlock(&parallel->lock);
	return more;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct parallel *parallel = worker->parallel;
	size_t index;

	while (take(parallel, &index)) {
		struct err failure = ERR_INIT;

		if (parallel->work(parallel->ctx, worker->number, index,
				   &failure) >= 0)
			continue;
		pthread_mutex_lock(&parallel->lock);
		if (!parallel->failed)
			*parallel->err = failure;
		parallel->failed = true;
		pthread_mutex_unlock(&parallel->lock);
	}
	return NULL;
}

int parallel_run(size_t nr, unsigned int jobs, parallel_work *work, void *ctx,
		 struct err *err)
{
	struct parallel parallel = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.work = work,
		.ctx = ctx,
		.nr = nr,
		.err = err,
	};
	struct worker workers[PARALLEL_MAX_JOBS];
	unsigned int started = 0;

	if (jobs > PARALLEL_MAX_JOBS)
		jobs = PARALLEL_MAX_JOBS;
	if (jobs > nr)
		jobs = (unsigned int)nr;
	for (unsigned int i = 0; i < jobs; i++) {
		workers[i].parallel = &parallel;
		workers[i].number = i;
	}
	/* The caller's thread is worker 0. */
	for (unsigned int i = 1; i < jobs; i++) {
		if (pthread_create(&workers[i].thread, NULL, worker_main,
				   &workers[i]) != 0)
			break;
		started = i;
	}
	if (jobs > 0)
		worker_main(&workers[0]);
	for (unsigned int i = 1; i <= started; i++)
		pthread_join(workers[i].thread, NULL);
	return parallel.failed ? -1 : 0;
}
