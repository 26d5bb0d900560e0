/*
 * steps - the deeds of a transaction (see engine.h). Each is safe to run
 * again, whether it was done wholly, in part or not at all.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "kube/object.h"
#include "txn/backup.h"
#include "txn/custom.h"
#include "txn/deploy.h"
#include "txn/engine.h"
#include "txn/gate.h"
#include "txn/inventory.h"
#include "txn/names.h"
#include "txn/probe.h"
#include "txn/prune.h"
#include "txn/record.h"
#include "txn/rest.h"
#include "txn/undeploy.h"

/* Automatic backups kept in the cluster; those of this host stay. */
#define BACKUPS_KEPT 3

static struct deploy deploy_of(const struct engine *self)
{
	const struct txn_options *options = self->options;

	return (struct deploy){
		.config = options->config,
		.kube = options->kube,
		.discovery = options->discovery,
		.wait = jval_bool(self->journal.value, "wait", true),
		.timeout_ms = options->timeout_ms,
		.progress = options->progress,
	};
}

static struct undeploy undeploy_of(const struct engine *self)
{
	const struct txn_options *options = self->options;

	return (struct undeploy){
		.config = options->config,
		.kube = options->kube,
		.discovery = options->discovery,
		.retire = engine_goal(self) == NULL && !engine_is_back(self),
		.timeout_ms = options->timeout_ms,
		.progress = options->progress,
		.lease = self->lease,
	};
}

static const char *operation_of(const struct engine *self)
{
	return jval_str(self->journal.value, "operation");
}

/* --- gate ------------------------------------------------------------------- */

/* Nobody may have made meanwhile what the next release would not take. */
static int check_carry(const struct engine *self, struct err *err)
{
	const struct jval *goal = engine_goal(self);
	autojval struct jval *crds = NULL;
	autojval struct jval *report = NULL;
	auto_strs struct strs abandon = STRS_INIT;
	struct carry carry = { .abandon = &abandon };

	if (goal == NULL || engine_is_back(self))
		return 0;
	crds = custom_crds(self->options->kube, err);
	if (crds == NULL)
		return -1;
	engine_abandoned(self, &abandon);
	carry.objects = jval_get(goal, "objects");
	report = carry_survey(&carry, self->options->kube, crds, err);
	return report ? carry_refuse(report, err) : -1;
}

/* With the gate closed no Workflow can come between a look and the deed. */
static int step_gate(struct engine *self, struct err *err)
{
	struct kube *kube = self->options->kube;

	progress_phase(self->options->progress, "gate");
	if (gate_close(kube,
		       engine_is_back(self) ? "rollback" : operation_of(self),
		       jval_str(self->journal.value, "id"), err) < 0 ||
	    undeploy_check_workflows(kube, &self->result->workflows, err) < 0)
		return -1;
	return check_carry(self, err);
}

/* --- stop -------------------------------------------------------------------- */

/* What belongs to the release; others may have come since the survey. */
static struct jval *standing_objects(const struct engine *self,
				     struct jval **inventory, struct err *err)
{
	const struct txn_options *options = self->options;

	*inventory = inventory_take(options->kube, options->discovery,
				    options->catalogue, &self->survey, err);
	return *inventory ? inventory_of_release(*inventory) : NULL;
}

/* So that resources hold still while they are copied. */
static int step_stop(struct engine *self, struct err *err)
{
	struct undeploy undeploy = undeploy_of(self);
	autojval struct jval *inventory = NULL;
	autojval struct jval *objects = standing_objects(self, &inventory, err);
	int status;

	if (objects == NULL)
		return -1;
	status = undeploy_stop(&undeploy, objects, err);
	self->result->removed += undeploy.removed;
	return status;
}

/* --- backup ------------------------------------------------------------------ */

static struct jval *take_backup(const struct engine *self, const char *id,
				struct err *err)
{
	autojval struct jval *crds = custom_crds(self->options->kube, err);
	const struct jval *stands = self->now ? self->now : self->next;
	struct backup_options options = {
		.kube = self->options->kube,
		.state = self->options->state,
		.crds = crds,
		.operation = operation_of(self),
		.version = jval_str(stands, "version"),
		.id = id,
		.progress = self->options->progress,
	};
	struct jval *index;

	if (crds == NULL)
		return NULL;
	progress_phase(self->options->progress, "backup");
	index = backup_take(&options, err);
	if (index == NULL)
		err_wrap(err, "back up custom resources");
	else
		audit_line(self->audit, "change", "backup",
			   "%" PRId64 " custom resources in backup '%s'",
			   jval_int(index, "count", 0), id);
	return index;
}

/* On the way back those of before are restored, from the first backup; what
 * was made or changed since is kept as well, if it can be read at all. */
static int step_backup(struct engine *self, struct err *err)
{
	struct jval *journal = self->journal.value;
	const char *id = jval_str(journal, "id");
	bool again = engine_is_back(self) && self->now;
	autofree char *name = mem_printf("%s%s", id, again ? "-back" : "");
	struct err why = ERR_INIT;
	autojval struct jval *index = take_backup(self, name, &why);

	if (index == NULL && again && why.kind != ERR_INTERRUPTED) {
		log_warn("%s", why.msg);
		return 0;
	}
	if (index == NULL) {
		*err = why;
		return -1;
	}
	if (jval_int(index, "count", 0) > 0 && self->result->backup == NULL)
		self->result->backup = mem_strdup(name);
	/* Written with the next step. */
	if (!again)
		jval_set_str(journal, "backup", name);
	return 0;
}

/* --- remove ------------------------------------------------------------------ */

/* Where nothing is to be, the webhook's certificate has no use, either. */
static void add_certificate(const struct jval *inventory, struct jval *objects)
{
	for (size_t i = 0; i < jval_len(inventory); i++) {
		struct jval *object = jval_at(inventory, i);

		if (str_eq(object_kind(object), "Secret") &&
		    str_eq(object_name(object), DWS_SERVING_SECRET))
			jval_append(objects, jval_ref(object));
	}
}

static int step_remove(struct engine *self, struct err *err)
{
	struct undeploy undeploy = undeploy_of(self);
	autojval struct jval *inventory = NULL;
	autojval struct jval *objects = standing_objects(self, &inventory, err);
	int status;

	if (objects == NULL)
		return -1;
	if (engine_goal(self) == NULL)
		add_certificate(inventory, objects);
	status = undeploy_run(&undeploy, objects, err);
	self->result->removed += undeploy.removed;
	self->result->changed |= undeploy.removed > 0;
	return status;
}

/* --- deploy and wait ---------------------------------------------------------- */

/* In place, what only the other side has goes first; else all of it went. */
static int prune_past(struct engine *self, const struct jval *objects,
		      struct err *err)
{
	struct deploy deploy = deploy_of(self);
	autojval struct jval *obsolete = NULL;
	int removed;

	if (!jval_bool(self->journal.value, "inPlace", false))
		return 0;
	obsolete = engine_obsolete(self, objects);
	removed = deploy_prune(&deploy, obsolete, &self->result->plan, err);
	self->result->changed |= removed > 0;
	return removed < 0 ? -1 : 0;
}

static int step_deploy(struct engine *self, struct err *err)
{
	const struct jval *recorded = jval_get(engine_goal(self), "objects");
	struct deploy deploy = deploy_of(self);
	autojval struct jval *objects =
		certs_revive(self->options->kube, recorded, err);
	autofree enum apply_result *results = NULL;

	if (objects == NULL || prune_past(self, recorded, err) < 0)
		return -1;
	/* Whatever stood was taken away, or there was nothing. */
	deploy.expect_new = !jval_bool(self->journal.value, "inPlace", false) &&
			    !jval_bool(self->journal.value, "intact", false);
	results = mem_array(jval_len(objects) + 1, sizeof(*results));
	if (deploy_namespaces(&deploy, objects, err) < 0 ||
	    deploy_apply(&deploy, objects, results, err) < 0)
		return -1;
	for (size_t i = 0; i < jval_len(objects); i++)
		self->result->changed |= results[i] != APPLY_UNCHANGED;
	return 0;
}

static int step_wait(struct engine *self, struct err *err)
{
	struct deploy deploy = deploy_of(self);

	return deploy_wait(&deploy, jval_get(engine_goal(self), "objects"),
			   err);
}

/* --- restore and probe --------------------------------------------------------- */

static int step_restore(struct engine *self, struct err *err)
{
	auto_strs struct strs abandon = STRS_INIT;
	struct restore_options options = {
		.config = self->options->config,
		.kube = self->options->kube,
		.state = self->options->state,
		.id = jval_str(self->journal.value, "backup"),
		.carry = { .objects = jval_get(engine_goal(self), "objects"),
			   .abandon = &abandon },
		.progress = self->options->progress,
	};

	if (options.id == NULL)
		return err_set(err, ERR_FAILED,
			       "the journal names no backup of the custom "
			       "resources; 'dws-csm backup list' shows those "
			       "there are");
	/* What stood took all of them. */
	if (!engine_is_back(self))
		engine_abandoned(self, &abandon);
	progress_phase(self->options->progress, "custom resources");
	if (restore_run(&options, &self->result->restored, err) < 0)
		return err_wrap(err, "restore custom resources");
	audit_line(self->audit, "change", "restore",
		   "%zu custom resources restored",
		   self->result->restored.created);
	return 0;
}

static int step_probe(struct engine *self, struct err *err)
{
	const struct jval *crd =
		carry_crd(jval_get(engine_goal(self), "objects"), "Workflow");

	if (crd == NULL)
		return 0;
	progress_phase(self->options->progress, "probe");
	return probe_wait(self->options->kube, custom_storage_version(crd),
			  jval_str(self->journal.value, "id"),
			  self->options->timeout_ms, err);
}

/* --- commit and finish ---------------------------------------------------------- */

static int save_as(struct engine *self, struct jval *record, const char *status,
		   struct err *err)
{
	if (record == NULL)
		return 0;
	/* It was resumed after it had failed. */
	if (str_eq(jval_str(record, "status"), "failed")) {
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

static int step_commit(struct engine *self, struct err *err)
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

static int drop_old_backups(struct engine *self, struct err *err)
{
	struct kube *kube = self->options->kube;
	autojval struct jval *list = backup_list(kube, NULL, err);
	size_t automatic = 0;

	for (size_t i = jval_len(list); i-- > 0;) {
		const struct jval *index = jval_at(list, i);

		if (str_eq(jval_str(index, "operation"), "backup") ||
		    ++automatic <= BACKUPS_KEPT)
			continue;
		if (backup_remove(kube, NULL, jval_str(index, "id"), false,
				  err) < 0)
			return -1;
	}
	return list ? 0 : -1;
}

/* What outlives a release goes with the last one. */
static int remove_rest(struct engine *self, bool *kept, struct err *err)
{
	const struct txn_options *options = self->options;
	struct undeploy undeploy = undeploy_of(self);
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
	struct undeploy undeploy = undeploy_of(self);
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

static int step_finish(struct engine *self, struct err *err)
{
	bool kept;

	if (gate_open(self->options->kube, err) < 0)
		return -1;
	if (jval_bool(self->journal.value, "untouched", false))
		return drop_backup(self, err);
	if (engine_is_back(self) || !str_eq(operation_of(self), "uninstall"))
		return drop_old_backups(self, err);
	if (remove_rest(self, &kept, err) < 0)
		return -1;
	return kept ? 0 : remove_namespace(self, err);
}

const struct step steps[] = {
	{ "gate", "keeping new Workflows out", step_gate },
	{ "stop", "stopping the controllers", step_stop },
	{ "backup", "backing up custom resources", step_backup },
	{ "remove", "taking away what stands", step_remove },
	{ "deploy", "applying objects", step_deploy },
	{ "wait", "waiting until all is ready", step_wait },
	{ "restore", "restoring custom resources", step_restore },
	{ "probe", "trying a Workflow", step_probe },
	{ "commit", "writing the records", step_commit },
	{ "finish", "letting Workflows in", step_finish },
	{ NULL, NULL, NULL },
};
