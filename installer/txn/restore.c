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
#include "txn/restore_owner.h"

#define DEFAULT_JOBS 6
#define BATCH 128
/* A status that somebody else writes at the same time. */
#define STATUS_TRIES 5
/* One that Kubernetes is about to collect: how long that may take. */
#define COLLECT_MS 60000
#define COLLECT_PAUSE_MS 50
#define TOLD 5

enum fate {
	FATE_OPEN,
	FATE_CREATED,
	FATE_EXISTED,
	FATE_ABANDONED,
	FATE_HOMELESS,
};

/* One of a batch. */
struct resource {
	struct jval *saved;
	size_t number; /* in the backup */
};

struct restore {
	const struct restore_options *options;
	struct owners *owners;
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

static bool is_empty(const struct jval *value)
{
	return value == NULL || jval_is_null(value) ||
	       (jval_is_object(value) && jval_len(value) == 0);
}

static bool has_status_subresource(const struct jval *crd)
{
	const char *stored = custom_storage_version(crd);
	const struct jval *versions = jval_path(crd, "spec.versions");

	for (size_t i = 0; i < jval_len(versions); i++) {
		const struct jval *version = jval_at(versions, i);

		if (str_eq(jval_str(version, "name"), stored))
			return jval_path(version, "subresources.status") !=
			       NULL;
	}
	return false;
}

/* Only if nobody changed it since `live` was read: 409 otherwise. */
static int patch_status(struct kube *kube, const char *path,
			const struct jval *live, const struct jval *status,
			struct err *err)
{
	const char *version = jval_str(live, "metadata.resourceVersion");
	autofree char *where = mem_printf("%s/status", path);
	autojval struct jval *patch = jval_pack("{s:{s:s?}, s:O}", "metadata",
						"resourceVersion", version,
						"status", status);

	return kube_call(kube, "PATCH", where, "application/merge-patch+json",
			 patch, NULL, err);
}

/* Controllers that were quicker know better. */
static int complete_status(struct kube *kube, const char *path,
			   struct jval **live, const struct jval *status,
			   struct err *err)
{
	for (unsigned int tries = 1;; tries++) {
		struct err failure = ERR_INIT;

		if (*live == NULL) {
			*live = kube_get(kube, path, err);
			if (*live == NULL)
				return -1;
		}
		if (!is_empty(jval_get(*live, "status")))
			return 0;
		if (patch_status(kube, path, *live, status, &failure) == 0)
			return 0;
		if (!kube_is_conflict(&failure) || tries == STATUS_TRIES) {
			*err = failure;
			return err_wrap(err, "write its status");
		}
		jval_free(mem_steal(live));
	}
}

/* What was about to go when it was saved goes on doing so. */
static int delete_again(struct kube *kube, const char *path, struct err *err)
{
	struct err failure = ERR_INIT;

	if (kube_call(kube, "DELETE", path, NULL, NULL, NULL, &failure) == 0 ||
	    kube_is_not_found(&failure))
		return 0;
	*err = failure;
	return -1;
}

/* Its namespace is not there, or about to go. The message tells it from a
 * kind that is not served, which would be our fault. */
static bool is_homeless(const struct jval *object, const struct err *err)
{
	autofree char *missing = mem_printf(
		"namespaces \"%s\" not found",
		object_namespace(object) ? object_namespace(object) : "");

	return (err->http == 404 && strstr(err->msg, missing)) ||
	       (err->http == 403 &&
		strstr(err->msg, "because it is being terminated"));
}

static enum fate homeless(const struct jval *object)
{
	log_warn("%s '%s' is left out: namespace '%s' does not exist; create "
		 "it, then restore again",
		 object_kind(object), object_name(object),
		 object_namespace(object));
	return FATE_HOMELESS;
}

/* POST; `*live` is what came of it. A fate, or -1. */
static int create_object(struct restore *self, struct kube *kube,
			 const struct jval *crd, const struct jval *object,
			 struct jval **live, struct err *err)
{
	autofree char *all = custom_path(crd, object_namespace(object), NULL);
	autofree char *path = mem_printf(
		"%s%s", all, self->options->dry_run ? "?dryRun=All" : "");
	struct err failure = ERR_INIT;

	if (kube_call(kube, "POST", path, NULL, object, live, &failure) == 0)
		return FATE_CREATED;
	if (kube_is_conflict(&failure))
		return FATE_EXISTED;
	if (is_homeless(object, &failure))
		return homeless(object);
	*err = failure;
	return -1;
}

/* Whatever holds it: it is about to go. */
static int remove_live(struct kube *kube, const char *path,
		       const struct jval *live, struct err *err)
{
	autojval struct jval *patch =
		jval_pack("{s:{s:n}}", "metadata", "finalizers");
	autojval struct jval *options =
		jval_pack("{s:s, s:s, s:{s:s?}}", "apiVersion", "v1", "kind",
			  "DeleteOptions", "preconditions", "uid",
			  jval_str(live, "metadata.uid"));

	if ((jval_len(jval_path(live, "metadata.finalizers")) == 0 ||
	     kube_call(kube, "PATCH", path, "application/merge-patch+json",
		       patch, NULL, err) == 0) &&
	    kube_call(kube, "DELETE", path, NULL, options, NULL, err) == 0)
		return 0;
	if (!kube_is_not_found(err) && !kube_is_conflict(err))
		return -1;
	err_clear(err);
	return 0;
}

/*
 * What is there already, in a CRD that was not removed, may have had its owner
 * in one that was: Kubernetes collects it, sooner or later, and nothing that is
 * written into it is sure to be seen in time. So it goes at once, and is
 * created anew. 1 when it is gone, 0 when it stays; `*live` is what it is then.
 */
static int replace_doomed(struct restore *self, struct kube *kube,
			  const char *path, struct jval **live, struct err *err)
{
	int64_t deadline = deadline_in_ms(COLLECT_MS);

	for (bool removed = false;; removed = true) {
		int held;

		jval_free(mem_steal(live));
		*live = kube_get(kube, path, err);
		if (*live == NULL && !kube_is_not_found(err))
			return -1;
		if (*live == NULL) {
			err_clear(err);
			return 1;
		}
		held = owners_hold(self->owners, kube, *live, err);
		if (held != 0)
			return held < 0 ? -1 : 0;
		if (!removed && remove_live(kube, path, *live, err) < 0)
			return -1;
		if (deadline_left_ms(deadline) == 0)
			return err_set(err, ERR_TIMEOUT,
				       "its owner is gone, and it stays");
		if (clock_sleep(COLLECT_PAUSE_MS, err) < 0)
			return -1;
	}
}

/* A fate, or -1; `*live` is what stands then, or NULL. */
static int bring_object(struct restore *self, struct kube *kube,
			const struct jval *crd, const char *path,
			const struct jval *object, struct jval **live,
			struct err *err)
{
	for (;;) {
		int fate = create_object(self, kube, crd, object, live, err);
		int gone;

		if (fate != FATE_EXISTED)
			return fate;
		gone = replace_doomed(self, kube, path, live, err);
		if (gone <= 0)
			return gone < 0 ? -1 : FATE_EXISTED;
	}
}

/* Takes apart `object` into what is created and its status. */
static int put_object(struct restore *self, struct kube *kube,
		      const struct jval *crd, const struct jval *saved,
		      struct jval *object, struct err *err)
{
	autofree char *path =
		custom_path(crd, object_namespace(object), object_name(object));
	autojval struct jval *status = NULL;
	autojval struct jval *live = NULL;
	int fate;

	if (has_status_subresource(crd) && jval_get(object, "status")) {
		status = jval_ref(jval_get(object, "status"));
		jval_del(object, "status");
	}
	fate = bring_object(self, kube, crd, path, object, &live, err);
	if (fate != FATE_CREATED && fate != FATE_EXISTED)
		return fate;
	if (!is_empty(status) &&
	    complete_status(kube, path, &live, status, err) < 0)
		return -1;
	if (fate == FATE_CREATED &&
	    jval_str(saved, "metadata.deletionTimestamp") &&
	    delete_again(kube, path, err) < 0)
		return -1;
	return fate;
}

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
		return create_object(self, kube, crd, object, NULL, err);
	owned = owners_set(self->owners, kube, object, self->drop, err);
	if (owned <= 0)
		return owned < 0 ? -1 : FATE_OPEN;
	fate = put_object(self, kube, crd, saved, object, err);
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
	owners_look_again(self->owners);
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
	self.owners = owners_new(options->carry.objects);
	for (unsigned int i = 0; i < self.jobs; i++)
		self.worker[i] = kube_new(options->config);
	status = run(&self, result, err);
	for (unsigned int i = 0; i < self.jobs; i++)
		kube_free(self.worker[i]);
	owners_free(self.owners);
	free(self.fate);
	return status;
}
