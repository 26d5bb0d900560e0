#include "txn/backup.h"

#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"
#include "txn/backup_place.h"
#include "txn/backup_writer.h"
#include "txn/custom.h"
#include "txn/identity.h"

#define SYSTEM_NAMESPACE "/api/v1/namespaces/kube-system"

struct backup {
	const struct backup_options *options;
	struct backup_writer writer;
	struct jval *kinds;
	int64_t count;

	/* Of the kind that is under way. */
	struct backup_mark mark;
	struct progress_item *item;
	int64_t of_kind;
};

/* Owners before what they own, so that a restore seldom has to wait. */
static const char *const order[] = {
	"SystemConfiguration",
	"SystemStatus",
	"DWDirectiveRule",
	"Storage",
	"Workflow",
	"PersistentStorageInstance",
	"DirectiveBreakdown",
	"Servers",
	"Computes",
	"ClientMount",
};

/* Kinds of later releases come last. */
static size_t rank_of(const struct jval *crd)
{
	size_t rank = 0;

	while (rank < ARRAY_SIZE(order) &&
	       !str_eq(order[rank], jval_str(crd, "spec.names.kind")))
		rank++;
	return rank;
}

static int add_object(void *ctx, struct jval *object, struct err *err)
{
	struct backup *self = ctx;
	struct jval *metadata = jval_get(object, "metadata");

	if (clock_check_interrupt(err) < 0)
		return -1;
	/* Who wrote which field when, often more than the object itself. */
	jval_del(metadata, "managedFields");
	jval_del(metadata, "selfLink");
	if (backup_writer_add(&self->writer, object, err) < 0)
		return -1;
	self->of_kind++;
	progress_advance(self->item, 1);
	return 0;
}

static int begin_kind(void *ctx, struct err *err)
{
	struct backup *self = ctx;

	self->of_kind = 0;
	progress_reset(self->item, 0);
	return backup_writer_rewind(&self->writer, &self->mark, err);
}

static int take_kind(struct backup *self, const struct jval *crd,
		     struct err *err)
{
	const char *kind = jval_str(crd, "spec.names.kind");
	autofree char *api = mem_printf("%s/%s", jval_str(crd, "spec.group"),
					custom_storage_version(crd));
	struct kube_visitor visitor = { add_object, begin_kind, self };
	int result;

	self->of_kind = 0;
	if (backup_writer_mark(&self->writer, &self->mark, err) < 0)
		return -1;
	self->item = progress_add(self->options->progress, PROGRESS_STEPS, 0,
				  "backup %s", kind);
	result = custom_each(self->options->kube, crd, &visitor, err);
	progress_end(self->item, result < 0 ? PROGRESS_FAILED : PROGRESS_DONE,
		     NULL);
	if (result < 0)
		return err_wrap(err, "back up custom resources '%s'",
				object_name(crd));
	jval_append(self->kinds,
		    jval_pack("{s:s, s:s, s:I}", "kind", kind, "apiVersion",
			      api, "count", self->of_kind));
	self->count += self->of_kind;
	return 0;
}

static int take_all(struct backup *self, struct err *err)
{
	const struct jval *crds = self->options->crds;

	for (size_t rank = 0; rank <= ARRAY_SIZE(order); rank++)
		for (size_t i = 0; i < jval_len(crds); i++) {
			const struct jval *crd = jval_at(crds, i);

			if (rank_of(crd) == rank &&
			    take_kind(self, crd, err) < 0)
				return -1;
		}
	return backup_writer_close(&self->writer, err);
}

/* What tells this cluster from others, and outlives it being renamed. */
static char *cluster_of(struct kube *kube)
{
	struct err ignored = ERR_INIT;
	autojval struct jval *system =
		kube_get(kube, SYSTEM_NAMESPACE, &ignored);

	return mem_strdup(jval_str(system, "metadata.uid"));
}

static struct jval *index_of(struct backup *self, const char *id)
{
	const struct backup_options *options = self->options;
	autofree char *user = identity_user();
	autofree char *host = identity_host();
	autofree char *cluster = cluster_of(options->kube);
	struct jval *index = jval_new_object();
	char now[CLOCK_RFC3339_SIZE];

	clock_rfc3339(now, sizeof(now), clock_wall());
	jval_set_str(index, "id", id);
	jval_set_str(index, "created", now);
	jval_set_str(index, "operation", options->operation);
	jval_set_str(index, "version", options->version);
	jval_set_str(index, "host", host);
	jval_set_str(index, "user", user);
	jval_set_str(index, "cluster", cluster);
	jval_set(index, "kinds", jval_ref(self->kinds));
	jval_set(index, "count", jval_new_int(self->count));
	jval_set(index, "bytes", jval_new_int((int64_t)self->writer.bytes));
	jval_set(index, "chunks", jval_ref(self->writer.chunks));
	return index;
}

/* From here on there is a backup. Here first: the cluster's is the one that
 * is believed. */
static int write_index(const struct backup_options *options,
		       const struct jval *index, struct err *err)
{
	const char *id = jval_str(index, "id");
	autofree char *name = backup_index_file(id);
	autofree char *text = jval_pretty(index);

	if (options->state && file_replace(options->state->dirfd, name, 0600,
					   text, strlen(text), err) < 0)
		return err_hint(err, "make room, or name another directory "
				     "with --state-dir");
	if (!options->local_only &&
	    backup_put_index(options->kube, index, err) < 0)
		return err_wrap(err, "keep backup '%s' in the cluster", id);
	return 0;
}

static struct jval *take(struct backup *self, const char *id, struct err *err)
{
	const struct backup_options *options = self->options;
	struct kube *kube = options->local_only ? NULL : options->kube;
	autojval struct jval *index = NULL;

	if (backup_writer_open(&self->writer, kube, options->state, id, err) <
		    0 ||
	    take_all(self, err) < 0)
		return NULL;
	index = index_of(self, id);
	return write_index(options, index, err) < 0 ? NULL : mem_steal(&index);
}

struct jval *backup_take(const struct backup_options *options, struct err *err)
{
	struct backup self = {
		.options = options,
		.kinds = jval_new_array(),
	};
	autofree char *made = options->id ? NULL : identity_new_id();
	const char *id = options->id ? options->id : made;
	struct jval *index = NULL;

	/* Half of it may be there, of a run that was killed. */
	if (options->id == NULL ||
	    backup_remove(options->kube, options->state, id, true, err) == 0) {
		index = take(&self, id, err);
		backup_writer_release(&self.writer);
	}
	jval_free(self.kinds);
	return index;
}
