/*
 * The last steps: commit and finish.
 */
#include <string.h>

#include "base/mem.h"
#include "kube/object.h"
#include "txn/backup.h"
#include "txn/gate.h"
#include "txn/inventory.h"
#include "txn/names.h"
#include "txn/record.h"
#include "txn/rest.h"
#include "txn/step.h"
#include "txn/wlm_binding.h"

/* Automatic backups kept in the cluster; those of this host stay. */
#define BACKUPS_KEPT 3

/* --- commit and finish ---------------------------------------------------------- */

static int save_as(struct engine *self, struct jval *record, const char *status,
		   struct err *err)
{
	if (record == NULL)
		return 0;
	/* It was resumed after it had failed. */
	if (str_eq(status, "deployed") &&
	    str_eq(jval_str(record, "status"), "failed")) {
		jval_del(record, "failure");
		jval_del(record, "finished");
	}
	if (!str_eq(jval_str(record, "status"), status) ||
	    !jval_str(record, "finished"))
		record_set_status(record, status);
	return record_save(self->options->kube, record, err);
}

static int commit_back(struct engine *self, struct err *err)
{
	const char *why = jval_str(self->journal.value, "failure");

	if (self->next && why)
		record_set_failure(self->next, why);
	if (save_as(self, self->now, "deployed", err) < 0)
		return -1;
	return save_as(self, self->next, "rolled-back", err);
}

/* Whatever else says that it is under way or deployed is not any more. */
static int settle_records(const struct engine *self, const struct jval *records,
			  struct err *err)
{
	int64_t revision = jval_int(self->next, "revision", 0);
	autojval struct jval *others = jval_new_array();

	for (size_t i = 0; i < jval_len(records); i++)
		if (jval_int(jval_at(records, i), "revision", 0) != revision)
			jval_append(others, jval_ref(jval_at(records, i)));
	if (record_supersede(self->options->kube, others, err) < 0)
		return -1;
	return record_prune(self->options->kube, records,
			    (size_t)self->options->keep, err) < 0 ?
		       -1 :
		       0;
}

int step_commit(struct engine *self, struct err *err)
{
	autojval struct jval *records = NULL;

	if (engine_is_back(self))
		return commit_back(self, err);
	if (save_as(self, self->next, "deployed", err) < 0 ||
	    save_as(self, self->now, "superseded", err) < 0)
		return -1;
	records = record_list(self->options->kube, err);
	return records ? settle_records(self, records, err) : -1;
}

/* The oldest ones go; never our own, which another host's clock may have made
 * look old. */
static int drop_old_backups(struct engine *self, struct err *err)
{
	const char *own = jval_str(self->journal.value, "backup");
	struct kube *kube = self->options->kube;
	autojval struct jval *list = backup_list(kube, NULL, err);
	size_t automatic = 0;

	for (size_t i = jval_len(list); i-- > 0;) {
		const struct jval *index = jval_at(list, i);
		const char *id = jval_str(index, "id");

		if (str_eq(jval_str(index, "operation"), "backup") ||
		    ++automatic <= BACKUPS_KEPT || str_eq(id, own))
			continue;
		if (backup_remove(kube, NULL, id, false, err) < 0)
			return -1;
	}
	return list ? 0 : -1;
}

/* What outlives a release goes with the last one. */
static int remove_rest(struct engine *self, bool *kept, struct err *err)
{
	const struct txn_options *options = self->options;
	struct undeploy undeploy = step_undeploy(self);
	autojval struct jval *inventory = NULL;
	autojval struct jval *rest = NULL;
	int status;

	inventory = inventory_take(options->kube, options->discovery,
				   options->catalogue, &self->survey, err);
	if (inventory == NULL)
		return -1;
	rest = rest_of(options->kube, options->state, inventory, kept, err);
	if (rest == NULL)
		return -1;
	status = undeploy_objects(&undeploy, "what is left", rest, err);
	self->result->removed += undeploy.removed;
	return status;
}

static int remove_namespace(struct engine *self, struct err *err)
{
	struct undeploy undeploy = step_undeploy(self);
	autojval struct jval *list =
		jval_pack("[{s:s, s:s, s:{s:s}}]", "apiVersion", "v1", "kind",
			  "Namespace", "metadata", "name", DWS_NAMESPACE);
	int status;

	if (!jval_bool(self->journal.value, "deleteNamespace", false))
		return 0;
	status = undeploy_objects(&undeploy, "the Namespace", list, err);
	self->result->removed += undeploy.removed;
	return status;
}

/* Of a change that was not made; it may be in part only. */
static int drop_backup(struct engine *self, struct err *err)
{
	return backup_remove(self->options->kube, self->options->state,
			     jval_str(self->journal.value, "id"), true, err);
}

/* Back to nothing no deed looks after it. */
static int mend_binding(struct engine *self, struct err *err)
{
	autojval struct jval *binding = NULL;

	if (!engine_is_back(self) || self->now)
		return 0;
	return wlm_binding_mend(&binding, self->options->kube, err) < 0 ? -1 :
									  0;
}

int step_finish(struct engine *self, struct err *err)
{
	bool kept;

	if (gate_open(self->options->kube, err) < 0 ||
	    mend_binding(self, err) < 0)
		return -1;
	if (jval_bool(self->journal.value, "untouched", false))
		return drop_backup(self, err);
	if (engine_is_back(self) || !str_eq(step_operation(self), "uninstall"))
		return drop_old_backups(self, err);
	if (remove_rest(self, &kept, err) < 0)
		return -1;
	return kept ? 0 : remove_namespace(self, err);
}
