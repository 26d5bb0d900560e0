/*
 * Steps by which what stands goes: gate, stop, backup, remove.
 */
#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "kube/object.h"
#include "txn/backup.h"
#include "txn/custom.h"
#include "txn/gate.h"
#include "txn/inventory.h"
#include "txn/names.h"
#include "txn/step.h"

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
int step_gate(struct engine *self, struct err *err)
{
	struct kube *kube = self->options->kube;

	progress_phase(self->options->progress, "gate");
	if (gate_close(kube,
		       engine_is_back(self) ? "rollback" : step_operation(self),
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
int step_stop(struct engine *self, struct err *err)
{
	struct undeploy undeploy = step_undeploy(self);
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
		.operation = step_operation(self),
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

/* What was saved last is what the next release must take. */
static int check_saved(const struct engine *self, const char *id,
		       struct err *err)
{
	auto_strs struct strs abandon = STRS_INIT;
	const struct restore_options options = {
		.config = self->options->config,
		.kube = self->options->kube,
		.state = self->options->state,
		.id = id,
		.carry = { .objects = jval_get(engine_goal(self), "objects"),
			   .abandon = &abandon },
	};

	if (engine_goal(self) == NULL || engine_is_back(self))
		return 0;
	engine_abandoned(self, &abandon);
	return restore_check(&options, err);
}

/* On the way back those of before are restored, from the first backup; what
 * was made or changed since is kept as well, if it can be read at all. */
int step_backup(struct engine *self, struct err *err)
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
	if (again)
		return 0;
	/* Written with the next step. */
	jval_set_str(journal, "backup", name);
	return check_saved(self, name, err);
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

static bool same_versions(const struct jval *a, const struct jval *b)
{
	const struct jval *left = jval_path(a, "spec.versions");
	const struct jval *right = jval_path(b, "spec.versions");

	if (jval_len(left) != jval_len(right))
		return false;
	for (size_t i = 0; i < jval_len(left); i++)
		if (!str_eq(jval_str(jval_at(left, i), "name"),
			    jval_str(jval_at(right, i), "name")))
			return false;
	return true;
}

static bool is_as_before(const struct jval *crd, const struct jval *objects)
{
	for (size_t i = 0; i < jval_len(objects); i++)
		if (object_is_same(jval_at(objects, i), crd))
			return same_versions(jval_at(objects, i), crd) &&
			       !jval_path(crd, "metadata.deletionTimestamp");
	return false;
}

/* On the way back, CRDs that were never taken away: with their resources they
 * are what is to be. */
static struct jval *crds_as_before(const struct engine *self, struct err *err)
{
	const struct jval *objects = jval_get(self->now, "objects");
	autojval struct jval *crds = NULL;
	struct jval *keep;

	if (!engine_is_back(self))
		return jval_new_array();
	crds = custom_crds(self->options->kube, err);
	if (crds == NULL)
		return NULL;
	keep = jval_new_array();
	for (size_t i = 0; i < jval_len(crds); i++)
		if (is_as_before(jval_at(crds, i), objects))
			jval_append(keep, jval_ref(jval_at(crds, i)));
	return keep;
}

int step_remove(struct engine *self, struct err *err)
{
	struct undeploy undeploy = step_undeploy(self);
	autojval struct jval *inventory = NULL;
	autojval struct jval *objects = standing_objects(self, &inventory, err);
	autojval struct jval *keep = objects ? crds_as_before(self, err) : NULL;
	int status;

	if (keep == NULL)
		return -1;
	undeploy.keep = keep;
	if (engine_goal(self) == NULL)
		add_certificate(inventory, objects);
	status = undeploy_run(&undeploy, objects, err);
	self->result->removed += undeploy.removed;
	self->result->changed |= undeploy.removed > 0;
	return status;
}
