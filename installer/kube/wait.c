#include "kube/wait.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/strs.h"
#include "kube/inquest.h"
#include "kube/object.h"
#include "kube/parallel.h"
#include "kube/vigil.h"
#include "kube/watch.h"

#define WAIT_TIMEOUT_MS 120000
#define FIRST_LOOK_JOBS 6

struct waiting {
	const struct wait_options *options;
	const struct jval *objects;
	size_t *unready; /* numbers of the objects to be watched */
	size_t unready_nr;
	pthread_mutex_t lock; /* of the two above */
	int64_t deadline;
	struct kube *kubes[FIRST_LOOK_JOBS];
	atomic_bool stop; /* one can never become ready: no use to go on */
};

/* Most are ready at once: no watch and no thread for these. */
static int first_look(void *ctx, unsigned int worker, size_t index,
		      struct err *err)
{
	struct waiting *waiting = ctx;
	struct kube *kube = waiting->kubes[worker];
	const struct jval *object = jval_at(waiting->objects, index);
	autofree char *path = kube_object_path(waiting->options->discovery,
					       kube, object, err);
	autojval struct jval *now = NULL;
	struct err failure = ERR_INIT;
	char why[256];

	if (path == NULL)
		return -1;
	now = kube_get(kube, path, &failure);
	if (now == NULL && !kube_is_not_found(&failure)) {
		*err = failure;
		return -1;
	}
	if (now && object_ready(now, why, sizeof(why)) == READY_YES)
		return 0;
	pthread_mutex_lock(&waiting->lock);
	waiting->unready[waiting->unready_nr++] = index;
	pthread_mutex_unlock(&waiting->lock);
	return 0;
}

static int watch_one(void *ctx, unsigned int worker, size_t index,
		     struct err *err)
{
	struct waiting *waiting = ctx;
	const struct wait_options *options = waiting->options;
	const struct jval *object =
		jval_at(waiting->objects, waiting->unready[index]);
	struct vigil vigil = {
		.config = options->config,
		.discovery = options->discovery,
		.object = object,
		.timeout_ms = options->timeout_ms,
		.deadline = waiting->deadline,
		.doom_ms = options->doom_ms,
		.stop = &waiting->stop,
	};
	autofree char *label = object_label(object);
	int result;

	(void)worker;
	vigil.item =
		progress_add(options->progress, PROGRESS_STEPS, 0, "%s", label);
	result = vigil_keep(&vigil, err);
	if (result < 0)
		atomic_store(&waiting->stop, true);
	if (result == 1)
		progress_end(vigil.item, PROGRESS_SKIPPED,
			     "no longer waited for");
	else
		progress_end(vigil.item,
			     result < 0 ? PROGRESS_FAILED : PROGRESS_DONE,
			     result < 0 ? NULL : "ready");
	return result;
}

/* Each in a thread of its own, as each may last. */
static int watch_unready(struct waiting *waiting, struct err *err)
{
	return parallel_run(waiting->unready_nr, PARALLEL_MAX_JOBS, watch_one,
			    waiting, err);
}

int wait_ready(const struct wait_options *options, const struct jval *objects,
	       struct err *err)
{
	struct wait_options filled = *options;
	struct waiting waiting = {
		.options = &filled,
		.objects = objects,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int result;

	if (filled.timeout_ms == 0)
		filled.timeout_ms = WAIT_TIMEOUT_MS;
	waiting.deadline = deadline_in_ms(filled.timeout_ms);
	waiting.unready = mem_array(jval_len(objects) + 1, sizeof(size_t));
	for (size_t i = 0; i < FIRST_LOOK_JOBS; i++)
		waiting.kubes[i] = kube_new(options->config);
	result = parallel_run(jval_len(objects), FIRST_LOOK_JOBS, first_look,
			      &waiting, err);
	for (size_t i = 0; i < FIRST_LOOK_JOBS; i++)
		kube_free(waiting.kubes[i]);
	if (result == 0)
		result = watch_unready(&waiting, err);
	free(waiting.unready);
	return result;
}
