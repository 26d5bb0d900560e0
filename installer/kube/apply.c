#include "kube/apply.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "kube/apply_object.h"
#include "kube/crd.h"
#include "kube/object.h"
#include "kube/parallel.h"

#define APPLY_JOBS 6
#define TIMEOUT_MS 120000

struct item {
	const struct jval *object; /* as given */
	struct jval *prepared;
	char *path;
	int rank;
	bool late;  /* its kind comes with a CRD that is applied as well */
	bool fresh; /* so, or its namespace does */
	enum apply_result result;
	struct jval *live, *made; /* where they are wanted */
};

struct apply {
	const struct apply_options *options;
	const struct jval *objects;
	struct item *items;
	size_t nr;
	struct kube *kubes[PARALLEL_MAX_JOBS]; /* one a worker */
	unsigned int jobs;
	size_t *batch; /* numbers of the items under way */
	size_t batch_nr;
	bool crds_pending; /* applied and not yet waited for */
	bool probably_new; /* all namespaces of ours were created just now */
};

static const char *result_name(enum apply_result result)
{
	static const char *const names[] = { "created", "changed",
					     "unchanged" };

	return names[result];
}

static bool namespace_comes(const struct jval *objects, const char *ns)
{
	for (size_t i = 0; ns && i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);

		if (strcmp(object_kind(object), "Namespace") == 0 &&
		    strcmp(object_name(object), ns) == 0)
			return true;
	}
	return false;
}

/* "Certificate of cert-manager.io/v1", each once. */
static void note_unserved(struct strs *unserved, const struct jval *object)
{
	autofree char *text = mem_printf("%s of %s", object_kind(object),
					 object_api_version(object));

	if (!strs_has(unserved, text))
		strs_add(unserved, text);
}

/* The path of every object, before anything is changed. */
static int apply_map(struct apply *apply, struct err *err)
{
	struct discovery *discovery = apply->options->discovery;
	struct strs auto_strs unserved = STRS_INIT;
	autofree char *list = NULL;

	for (size_t i = 0; i < apply->nr; i++) {
		struct item *item = &apply->items[i];
		struct kube_resource resource;
		int found = discovery_find(discovery, apply->kubes[0],
					   object_api_version(item->object),
					   object_kind(item->object), &resource,
					   err);

		if (found < 0)
			return -1;
		item->late = crd_brings(apply->objects, item->object);
		item->fresh = item->late ||
			      namespace_comes(apply->objects,
					      object_namespace(item->object));
		if (found == 0 && !item->late)
			note_unserved(&unserved, item->object);
	}
	if (unserved.nr == 0)
		return 0;
	list = strs_join(&unserved, ", ");
	return err_set(err, ERR_API,
		       "the API server does not serve %s; nothing was changed",
		       list);
}

static int64_t timeout_of(const struct apply_options *options)
{
	return options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
}

/*
 * The server takes changes to what is being deleted as long as something holds
 * it, and then it is gone, changes and all: only what comes after it stays.
 */
static int apply_for_good(const struct apply_options *options,
			  struct kube *kube, const struct apply_one *one,
			  enum apply_result *result, struct err *err)
{
	autojval struct jval *leaving = jval_pack("[O]", one->object);

	for (;;) {
		int status = apply_object(kube, one, result, err);

		if (status <= 0)
			return status;
		log_verbose("%s '%s' is being deleted: waiting until it is "
			    "gone",
			    object_kind(one->object), object_name(one->object));
		if (wait_gone(kube, options->discovery, leaving,
			      timeout_of(options), NULL, err) < 0)
			return err_wrap(err, "apply");
	}
}

static bool is_namespace(const struct item *item)
{
	return strcmp(object_kind(item->object), "Namespace") == 0;
}

static int apply_item(void *ctx, unsigned int worker, size_t index,
		      struct err *err)
{
	struct apply *apply = ctx;
	const struct apply_options *options = apply->options;
	struct item *item = &apply->items[apply->batch[index]];
	autofree char *label = object_label(item->object);
	struct progress_item *progress =
		progress_add(options->progress, PROGRESS_STEPS, 1, "%s", label);
	struct kube *kube = apply->kubes[worker];
	struct apply_one one = {
		.dry_run = options->dry_run,
		.fresh = item->fresh,
		.probably_new = apply->probably_new && !is_namespace(item),
	};

	item->path =
		kube_object_path(options->discovery, kube, item->object, err);
	if (options->seen) {
		one.live = &item->live;
		one.made = &item->made;
	}
	if (item->path == NULL && options->dry_run && item->late) {
		item->result = APPLY_CREATED;
		if (options->seen)
			item->made = apply_prepare(item->object);
	} else if (item->path == NULL) {
		progress_end(progress, PROGRESS_FAILED, NULL);
		return -1;
	} else {
		item->prepared = apply_prepare(item->object);
		one.object = item->prepared;
		one.path = item->path;
		if (apply_for_good(options, kube, &one, &item->result, err) <
		    0) {
			progress_end(progress, PROGRESS_FAILED, NULL);
			return -1;
		}
	}
	log_debug("%s %s", label, result_name(item->result));
	progress_advance(progress, 1);
	progress_end(progress,
		     item->result == APPLY_UNCHANGED ? PROGRESS_SKIPPED :
						       PROGRESS_DONE,
		     result_name(item->result));
	return 0;
}

static int wait_for_crds(struct apply *apply, struct err *err)
{
	const struct apply_options *options = apply->options;

	if (!apply->crds_pending || options->dry_run)
		return 0;
	apply->crds_pending = false;
	return crd_wait(apply->kubes[0], options->discovery, apply->objects,
			timeout_of(options), err);
}

/* A first installation is told by its namespaces. */
static void expect_new(struct apply *apply)
{
	if (apply->options->dry_run || apply->batch_nr == 0)
		return;
	for (size_t i = 0; i < apply->batch_nr; i++) {
		const struct item *item = &apply->items[apply->batch[i]];

		if (!is_namespace(item) || item->result != APPLY_CREATED)
			return;
	}
	apply->probably_new = true;
}

/* All objects of one rank; the next rank, or INT_MAX. */
static int apply_rank(struct apply *apply, int rank, int *next, struct err *err)
{
	bool late = false;

	apply->batch_nr = 0;
	*next = INT_MAX;
	for (size_t i = 0; i < apply->nr; i++) {
		const struct item *item = &apply->items[i];

		if (item->rank > rank && item->rank < *next)
			*next = item->rank;
		if (item->rank != rank)
			continue;
		apply->batch[apply->batch_nr++] = i;
		late |= item->late;
	}
	if (late && wait_for_crds(apply, err) < 0)
		return -1;
	if (parallel_run(apply->batch_nr, apply->jobs, apply_item, apply, err) <
	    0)
		return -1;
	expect_new(apply);
	return 0;
}

static int apply_ranks(struct apply *apply, struct err *err)
{
	int rank = INT_MIN;
	int next;

	/* The first rank: what comes after no rank at all. */
	if (apply_rank(apply, rank, &next, err) < 0)
		return -1;
	while (next != INT_MAX) {
		rank = next;
		if (apply_rank(apply, rank, &next, err) < 0)
			return -1;
	}
	return apply->options->crds_later ? 0 : wait_for_crds(apply, err);
}

/*
 * Which ranks need not wait for each other: roles and Services name nothing
 * that must be there, token Secrets need their account, bindings their role
 * (an API server that guards against escalation looks at it). CRDs come
 * before what runs, but after all that is quick: with each one the API server
 * is busy for a while with its OpenAPI document.
 */
static int apply_stage(const struct jval *object)
{
	static const int stage_of[] = { 0, 3, 1, 1, 2, 2, 1, 2, 4, 4, 4, 5 };
	int rank = object_rank(object);

	assert((size_t)rank < ARRAY_SIZE(stage_of));
	return stage_of[rank];
}

static void apply_init(struct apply *apply, const struct apply_options *options,
		       const struct jval *objects)
{
	memset(apply, 0, sizeof(*apply));
	apply->options = options;
	apply->probably_new = options->expect_new;
	apply->objects = objects;
	apply->nr = jval_len(objects);
	apply->items = mem_array(apply->nr + 1, sizeof(*apply->items));
	apply->batch = mem_array(apply->nr + 1, sizeof(*apply->batch));
	apply->jobs = options->jobs ? options->jobs : APPLY_JOBS;
	if (apply->jobs > PARALLEL_MAX_JOBS)
		apply->jobs = PARALLEL_MAX_JOBS;
	for (unsigned int i = 0; i < apply->jobs; i++)
		apply->kubes[i] = kube_new(options->config);
	for (size_t i = 0; i < apply->nr; i++) {
		struct item *item = &apply->items[i];

		item->object = jval_at(objects, i);
		item->rank = apply_stage(item->object);
		if (strcmp(object_kind(item->object),
			   "CustomResourceDefinition") == 0)
			apply->crds_pending = true;
	}
}

static void apply_release(struct apply *apply)
{
	for (size_t i = 0; i < apply->nr; i++) {
		jval_free(apply->items[i].prepared);
		jval_free(apply->items[i].live);
		jval_free(apply->items[i].made);
		free(apply->items[i].path);
	}
	for (unsigned int i = 0; i < apply->jobs; i++)
		kube_free(apply->kubes[i]);
	free(apply->items);
	free(apply->batch);
}

static void apply_tell(const struct apply *apply, enum apply_result *results)
{
	const struct apply_options *options = apply->options;

	for (size_t i = 0; i < apply->nr; i++) {
		const struct item *item = &apply->items[i];

		if (results)
			results[i] = item->result;
		if (options->seen)
			options->seen(options->seen_ctx, i, item->live,
				      item->made);
	}
}

int apply_objects(const struct apply_options *options,
		  const struct jval *objects, enum apply_result *results,
		  struct err *err)
{
	struct apply apply;
	int result;

	apply_init(&apply, options, objects);
	result = apply_map(&apply, err);
	if (result == 0)
		result = apply_ranks(&apply, err);
	if (result == 0)
		apply_tell(&apply, results);
	apply_release(&apply);
	return result;
}
