#include "txn/restore.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/object.h"
#include "kube/parallel.h"
#include "txn/backup.h"
#include "txn/custom.h"
#include "txn/restore_object.h"

#define DEFAULT_JOBS 6
#define BATCH 128
#define TOLD 5

/* One of a batch. */
struct resource {
	struct jval *saved;
	size_t number; /* in the backup */
};

struct restore {
	const struct restore_options *options;
	struct restoring restoring;
	struct kube *worker[PARALLEL_MAX_JOBS];
	unsigned int jobs;
	uint8_t *fate; /* of each in the backup */
	size_t nr;
	size_t next;
	bool drop; /* owners that are gone */
	struct resource batch[BATCH];
	size_t nr_batch;
	size_t decided; /* in this pass */
	struct progress_item *item;
	pthread_mutex_t lock;
};

/* A fate, or -1. */
static int restore_object(struct restore *self, struct kube *kube,
			  const struct jval *saved, struct err *err)
{
	const struct carry *carry = &self->options->carry;
	struct err failure = ERR_INIT;
	autojval struct jval *object = carry_object(carry, saved, &failure);
	const struct jval *crd = carry_crd(carry->objects, object_kind(saved));
	int owned, fate;

	if (object == NULL && failure.kind == ERR_NONE)
		return FATE_ABANDONED;
	if (object == NULL) {
		*err = failure;
		return -1;
	}
	if (self->options->dry_run)
		return restore_create(&self->restoring, kube, crd, object, NULL,
				      err);
	owned = owners_set(self->restoring.owners, kube, object, self->drop,
			   err);
	if (owned <= 0)
		return owned < 0 ? -1 : FATE_OPEN;
	fate = restore_put(&self->restoring, kube, crd, saved, object, err);
	if (fate < 0)
		return err_wrap(err, "restore %s '%s' in namespace '%s'",
				object_kind(object), object_name(object),
				object_namespace(object) ?
					object_namespace(object) :
					"");
	return fate;
}

static int restore_work(void *ctx, unsigned int worker, size_t index,
			struct err *err)
{
	struct restore *self = ctx;
	struct resource *resource = &self->batch[index];
	int fate = clock_check_interrupt(err);

	if (fate == 0)
		fate = restore_object(self, self->worker[worker],
				      resource->saved, err);
	if (fate < 0)
		return -1;
	/* No two of a batch have one number. */
	self->fate[resource->number] = (uint8_t)fate;
	if (fate == FATE_OPEN)
		return 0;
	pthread_mutex_lock(&self->lock);
	self->decided++;
	pthread_mutex_unlock(&self->lock);
	progress_advance(self->item, 1);
	return 0;
}

static int run_batch(struct restore *self, struct err *err)
{
	int result = parallel_run(self->nr_batch, self->jobs, restore_work,
				  self, err);

	for (size_t i = 0; i < self->nr_batch; i++)
		jval_free(self->batch[i].saved);
	self->nr_batch = 0;
	return result;
}

static int take_object(void *ctx, struct jval *object, struct err *err)
{
	struct restore *self = ctx;
	size_t number = self->next++;

	if (number >= self->nr)
		return err_set(err, ERR_VERIFY,
			       "backup '%s' holds more than its index says",
			       self->options->id);
	if (self->fate[number] != FATE_OPEN)
		return 0;
	self->batch[self->nr_batch++] =
		(struct resource){ jval_ref(object), number };
	return self->nr_batch < BATCH ? 0 : run_batch(self, err);
}

/* Once through the backup: how many more were decided upon, or -1. */
static int64_t run_pass(struct restore *self, struct err *err)
{
	const struct restore_options *options = self->options;
	int result;

	self->next = 0;
	self->decided = 0;
	owners_look_again(self->restoring.owners);
	result = backup_each(options->kube, options->state, options->id,
			     take_object, self, err);
	if (result == 0)
		result = run_batch(self, err);
	for (; self->nr_batch > 0; self->nr_batch--)
		jval_free(self->batch[self->nr_batch - 1].saved);
	return result < 0 ? -1 : (int64_t)self->decided;
}

static size_t count_fate(const struct restore *self, enum fate fate)
{
	size_t nr = 0;

	for (size_t i = 0; i < self->nr; i++)
		nr += self->fate[i] == fate;
	return nr;
}

/* Owners come before what they own, most of the time. What waits for one that
 * never comes goes on with those it has left, if any. */
static int run_passes(struct restore *self, struct err *err)
{
	while (count_fate(self, FATE_OPEN) > 0) {
		int64_t decided = run_pass(self, err);

		if (decided < 0)
			return -1;
		if (decided == 0 && self->drop)
			break;
		self->drop = decided == 0;
	}
	return 0;
}

/* In the last pass nobody was found who would own what is open. */
static int warn_orphan(void *ctx, struct jval *object, struct err *err)
{
	struct restore *self = ctx;
	const struct jval *owner =
		jval_at(jval_path(object, "metadata.ownerReferences"), 0);
	const char *kind = jval_str(owner, "kind");
	const char *name = jval_str(owner, "name");

	(void)err;
	if (self->fate[self->next++] != FATE_OPEN || self->decided++ >= TOLD)
		return 0;
	log_warn("%s '%s' in namespace '%s' is left out: its owner, %s '%s', "
		 "is gone",
		 object_kind(object), object_name(object),
		 object_namespace(object) ? object_namespace(object) : "",
		 kind ? kind : "", name ? name : "");
	return 0;
}

static int tell_orphans(struct restore *self, size_t nr, struct err *err)
{
	const struct restore_options *options = self->options;

	self->next = 0;
	self->decided = 0;
	if (nr == 0)
		return 0;
	if (backup_each(options->kube, options->state, options->id, warn_orphan,
			self, err) < 0)
		return -1;
	if (nr > TOLD)
		log_warn("and %zu more whose owners are gone", nr - TOLD);
	return 0;
}

static int run(struct restore *self, struct restore_result *result,
	       struct err *err)
{
	int status;

	progress_phase(self->options->progress, "restoring custom resources");
	self->item = progress_add(self->options->progress, PROGRESS_STEPS,
				  self->nr, "restore %zu custom resource%s",
				  self->nr, self->nr == 1 ? "" : "s");
	status = run_passes(self, err);
	progress_end(self->item, status < 0 ? PROGRESS_FAILED : PROGRESS_DONE,
		     NULL);
	result->created = count_fate(self, FATE_CREATED);
	result->existed = count_fate(self, FATE_EXISTED);
	result->abandoned = count_fate(self, FATE_ABANDONED);
	result->homeless = count_fate(self, FATE_HOMELESS);
	result->orphans = count_fate(self, FATE_OPEN);
	return status < 0 ? -1 : tell_orphans(self, result->orphans, err);
}

static int check_object(void *ctx, struct jval *saved, struct err *err)
{
	struct err failure = ERR_INIT;

	jval_free(carry_object(ctx, saved, &failure));
	if (failure.kind == ERR_NONE)
		return 0;
	*err = failure;
	return -1;
}

int restore_check(const struct restore_options *options, struct err *err)
{
	struct carry carry = options->carry;

	return backup_each(options->kube, options->state, options->id,
			   check_object, &carry, err);
}

int restore_run(const struct restore_options *options,
		struct restore_result *result, struct err *err)
{
	autojval struct jval *index =
		backup_find(options->kube, options->state, options->id, err);
	struct restore self = {
		.options = options,
		.restoring = { .dry_run = options->dry_run,
			       .detached = options->detached },
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int status;

	memset(result, 0, sizeof(*result));
	if (index == NULL)
		return -1;
	self.nr = (size_t)jval_int(index, "count", 0);
	self.fate = mem_array(self.nr, sizeof(*self.fate));
	self.jobs = options->jobs ? options->jobs : DEFAULT_JOBS;
	if (self.jobs > PARALLEL_MAX_JOBS)
		self.jobs = PARALLEL_MAX_JOBS;
	self.restoring.owners = owners_new(options->carry.objects);
	for (unsigned int i = 0; i < self.jobs; i++)
		self.worker[i] = kube_new(options->config);
	status = run(&self, result, err);
	for (unsigned int i = 0; i < self.jobs; i++)
		kube_free(self.worker[i]);
	owners_free(self.restoring.owners);
	free(self.fate);
	return status;
}
