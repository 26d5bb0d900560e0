/*
 * Steps by which what shall be comes: deploy, wait, restore, start, probe.
 */
#include "base/log.h"
#include "base/mem.h"
#include "txn/custom.h"
#include "txn/probe.h"
#include "txn/step.h"
#include "txn/wlm_follow.h"

static struct deploy deploy_of(const struct engine *self)
{
	const struct txn_options *options = self->options;

	return (struct deploy){
		.config = options->config,
		.kube = options->kube,
		.discovery = options->discovery,
		.wait = jval_bool(self->journal.value, "wait", true),
		.timeout_ms = engine_timeout_ms(self),
		.progress = options->progress,
	};
}

/* Controllers that find some of the resources make others themselves, with
 * nothing in them: where resources are restored they start later. Takes
 * `objects`. */
static struct jval *objects_at(const struct engine *self, struct jval *objects,
			       bool start)
{
	autojval struct jval *all = objects;
	struct jval *list;

	if (objects == NULL || (!start && !engine_has_step(self, "start")))
		return mem_steal(&all);
	list = jval_new_array();
	for (size_t i = 0; i < jval_len(all); i++)
		if (undeploy_is_controller(jval_at(all, i)) == start)
			jval_append(list, jval_ref(jval_at(all, i)));
	return list;
}

static struct jval *goal_objects(const struct engine *self)
{
	return jval_ref(jval_get(engine_goal(self), "objects"));
}

static int apply(struct engine *self, const struct deploy *deploy,
		 const struct jval *objects, struct err *err)
{
	autofree enum apply_result *results =
		mem_array(jval_len(objects) + 1, sizeof(*results));

	if (deploy_apply(deploy, objects, results, err) < 0)
		return -1;
	for (size_t i = 0; i < jval_len(objects); i++)
		self->result->changed |= results[i] != APPLY_UNCHANGED;
	return 0;
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

static void tell_stranded(struct engine *self,
			  const struct wlm_release *release)
{
	auto_strs struct strs names = STRS_INIT;
	struct err err = ERR_INIT;

	if (wlm_stranded(self->options->kube, release, &names, &err) < 0)
		log_warn("%s", err.msg);
	for (size_t i = 0; i < names.nr; i++)
		log_warn("ClusterRoleBinding '%s' of the site names a role of "
			 "workload managers that DWS %s does not have: its "
			 "subjects have no rights until it is made anew",
			 names.item[i], release->version);
}

/* DWS is not given up for it. */
static int follow(struct engine *self, struct err *err)
{
	const struct jval *goal = engine_goal(self);
	const struct wlm_release release = {
		.catalogue = self->options->catalogue,
		.version = jval_str(goal, "version"),
		.objects = jval_get(goal, "objects"),
	};
	struct err why = ERR_INIT;
	int moved = wlm_follow(self->options->kube, &release, &why);

	if (moved > 0) {
		audit_line(self->audit, "change", "bind",
			   "the workload manager has the role of DWS %s",
			   release.version);
		self->result->changed = true;
	}
	if (moved < 0 && why.kind == ERR_INTERRUPTED) {
		*err = why;
		return -1;
	}
	if (moved < 0)
		log_warn("the workload manager has no rights yet: %s; "
			 "'dws-csm wlm renew' gives it its role",
			 why.msg);
	tell_stranded(self, &release);
	return 0;
}

int step_deploy(struct engine *self, struct err *err)
{
	const struct jval *recorded = jval_get(engine_goal(self), "objects");
	struct deploy deploy = deploy_of(self);
	autojval struct jval *objects = objects_at(
		self, certs_revive(self->options->kube, recorded, err), false);

	if (objects == NULL || prune_past(self, recorded, err) < 0)
		return -1;
	/* Whatever stood was taken away, or there was nothing. */
	deploy.expect_new = !jval_bool(self->journal.value, "inPlace", false) &&
			    !jval_bool(self->journal.value, "intact", false);
	if (deploy_namespaces(&deploy, objects, err) < 0 ||
	    apply(self, &deploy, objects, err) < 0)
		return -1;
	return follow(self, err);
}

int step_wait(struct engine *self, struct err *err)
{
	struct deploy deploy = deploy_of(self);
	autojval struct jval *objects =
		objects_at(self, goal_objects(self), false);

	return deploy_wait(&deploy, objects, err);
}

/* --- restore, start and probe ---------------------------------------------------- */

static int restore(struct engine *self, const struct jval *record,
		   struct err *err)
{
	auto_strs struct strs abandon = STRS_INIT;
	struct restore_options options = {
		.config = self->options->config,
		.kube = self->options->kube,
		.state = self->options->state,
		.id = jval_str(self->journal.value, "backup"),
		.carry = { .objects = jval_get(record, "objects"),
			   .abandon = &abandon },
		.detached = true,
		.progress = self->options->progress,
	};

	if (options.id == NULL)
		return err_set(err, ERR_FAILED,
			       "the journal names no backup of the custom "
			       "resources; 'dws-csm backup list' shows those "
			       "there are");
	/* What stood took all of them. */
	if (record != self->now)
		engine_abandoned(self, &abandon);
	progress_phase(self->options->progress, "custom resources");
	if (restore_run(&options, &self->result->restored, err) < 0)
		return err_wrap(err, "restore custom resources");
	audit_line(self->audit, "change", "restore",
		   "%zu custom resources restored",
		   self->result->restored.created);
	return 0;
}

int step_restore(struct engine *self, struct err *err)
{
	return restore(self, engine_goal(self), err);
}

int step_reattach(struct engine *self, struct err *err)
{
	return restore(self, self->now, err);
}

int step_start(struct engine *self, struct err *err)
{
	struct deploy deploy = deploy_of(self);
	autojval struct jval *controllers =
		objects_at(self, goal_objects(self), true);

	if (apply(self, &deploy, controllers, err) < 0)
		return -1;
	return deploy_wait(&deploy, controllers, err);
}

int step_probe(struct engine *self, struct err *err)
{
	const struct jval *crd =
		carry_crd(jval_get(engine_goal(self), "objects"), "Workflow");
	struct err why = ERR_INIT;

	if (crd == NULL)
		return 0;
	progress_phase(self->options->progress, "probe");
	if (probe_wait(self->options->kube, custom_storage_version(crd),
		       jval_str(self->journal.value, "id"),
		       engine_timeout_ms(self), &why) == 0)
		return 0;
	/* What stood stands, with all that it had; there is nothing else to go
	 * to. */
	if (engine_is_back(self) && why.kind == ERR_TIMEOUT) {
		log_warn("%s", why.msg);
		return 0;
	}
	*err = why;
	return -1;
}
