#include "txn/engine.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "bundle/adapt.h"
#include "kube/object.h"
#include "txn/custom.h"
#include "txn/inventory.h"
#include "txn/names.h"
#include "txn/prune.h"
#include "txn/record.h"
#include "txn/step.h"

/* --- what the journal tells ------------------------------------------------ */

static const char *journal_str(const struct engine *self, const char *name)
{
	return jval_str(self->journal.value, name);
}

static bool journal_bool(const struct engine *self, const char *name)
{
	return jval_bool(self->journal.value, name, false);
}

bool engine_is_back(const struct engine *self)
{
	return str_eq(journal_str(self, "direction"), "back");
}

struct jval *engine_goal(const struct engine *self)
{
	return engine_is_back(self) ? self->now : self->next;
}

static struct jval *engine_past(const struct engine *self)
{
	return engine_is_back(self) ? self->next : self->now;
}

bool engine_is_committed(const struct engine *self)
{
	return !engine_is_back(self) &&
	       str_eq(journal_str(self, "step"), "finish");
}

int64_t engine_timeout_ms(const struct engine *self)
{
	int64_t timeout_ms = self->options->timeout_ms;

	return engine_is_back(self) && timeout_ms < TXN_TIMEOUT_MS ?
		       TXN_TIMEOUT_MS :
		       timeout_ms;
}

/* Takes away what stands; on the way back also what an installation brought. */
static bool removes(const struct engine *self)
{
	return !journal_bool(self, "inPlace") &&
	       !journal_bool(self, "intact") &&
	       (engine_is_back(self) || self->now);
}

/* When DWS is removed its controllers live until the last resource is gone. */
static bool stops(const struct engine *self)
{
	return removes(self) && (engine_is_back(self) || self->next);
}

static bool deploys(const struct engine *self)
{
	return engine_goal(self);
}

/* Also where all stands but what was done to detach it. */
static bool restores(const struct engine *self)
{
	return deploys(self) && self->now &&
	       (removes(self) || journal_bool(self, "detached"));
}

static bool waits(const struct engine *self)
{
	return deploys(self) && jval_bool(self->journal.value, "wait", true);
}

/* The books of an uninstallation go in the last step. */
static bool commits(const struct engine *self)
{
	return engine_is_back(self) || self->next;
}

/* Which steps there are. Back from where nothing was taken away yet only the
 * books are set right. */
bool engine_has_step(const struct engine *self, const char *name)
{
	static const struct {
		const char *name;
		bool (*has)(const struct engine *self);
	} conditions[] = {
		{ "gate", removes },	 { "stop", stops },
		{ "backup", removes },	 { "remove", removes },
		{ "deploy", deploys },	 { "wait", waits },
		{ "restore", restores }, { "start", restores },
		{ "probe", waits },	 { "commit", commits },
	};
	bool books = str_eq(name, "commit") || str_eq(name, "finish");

	if (!books && engine_is_back(self) && journal_bool(self, "untouched"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(conditions); i++)
		if (str_eq(conditions[i].name, name))
			return conditions[i].has(self);
	return true;
}

static const struct step *step_find(const char *name)
{
	for (const struct step *step = steps; step->name; step++)
		if (str_eq(step->name, name))
			return step;
	return NULL;
}

static const struct step *step_next(const struct engine *self,
				    const struct step *step)
{
	while (step->name && !engine_has_step(self, step->name))
		step++;
	return step;
}

const char *engine_first_step(const struct engine *self)
{
	return step_next(self, steps)->name;
}

/* --- the way through -------------------------------------------------------- */

/* A safe point: nobody asked to stop, and nobody has taken over. */
static int check_go_on(const struct engine *self, struct err *err)
{
	if (clock_check_interrupt(err) < 0)
		return -1;
	return self->lease ? lease_check(self->lease, err) : 0;
}

static int run_step(struct engine *self, const struct step *step,
		    struct err *err)
{
	int64_t start = clock_now_ms();

	if (check_go_on(self, err) < 0)
		return -1;
	audit_line(self->audit, "step", step->name, "%s", step->title);
	if (step->run(self, err) < 0) {
		audit_line(self->audit, "failure", step->name, "%s", err->msg);
		return -1;
	}
	log_debug("step '%s' took %" PRId64 " ms", step->name,
		  clock_now_ms() - start);
	return 0;
}

/* A step that could not be written has not begun. */
static int begin_step(struct engine *self, const struct step *step,
		      struct err *err)
{
	autofree char *before = mem_strdup(journal_str(self, "step"));

	if (journal_step(&self->journal, self->options->kube,
			 self->options->state, step->name, err) == 0)
		return 0;
	jval_set_str(self->journal.value, "step", before);
	return -1;
}

/* On failure the journal is as it was at that step. */
static int engine_run(struct engine *self, struct err *err)
{
	const struct txn_options *options = self->options;
	const struct step *step = step_find(journal_str(self, "step"));

	if (step == NULL)
		return err_set(err, ERR_FAILED,
			       "the journal names step '%s', which this "
			       "dws-csm does not know; use the one that wrote "
			       "it (%s)",
			       journal_str(self, "step"),
			       journal_str(self, "installer"));
	step = step_next(self, step);
	for (;;) {
		if (run_step(self, step, err) < 0)
			return -1;
		step = step_next(self, step + 1);
		if (step->name == NULL)
			break;
		if (check_go_on(self, err) < 0 ||
		    begin_step(self, step, err) < 0)
			return -1;
	}
	return journal_close(&self->journal, options->kube, options->state,
			     err);
}

/* Nothing but the gate and copies: there is nothing to be put back. */
static bool is_untouched(const struct engine *self)
{
	const char *step = journal_str(self, "step");

	return str_eq(step, "gate") ||
	       (str_eq(step, "backup") && !engine_has_step(self, "stop"));
}

static bool stands(const struct jval *crds, const struct jval *wanted)
{
	for (size_t i = 0; i < jval_len(crds); i++) {
		const struct jval *crd = jval_at(crds, i);

		if (object_is_same(crd, wanted))
			return !jval_path(crd, "metadata.deletionTimestamp");
	}
	return false;
}

/* 1 when all custom resources of what stood are where they were. */
static int crds_stand(const struct engine *self, struct err *err)
{
	const struct jval *objects = jval_get(self->now, "objects");
	autojval struct jval *crds = custom_crds(self->options->kube, err);

	if (crds == NULL)
		return -1;
	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);

		if (str_eq(object_kind(object), "CustomResourceDefinition") &&
		    str_ends(object_name(object), "." DWS_GROUP) &&
		    !stands(crds, object))
			return 0;
	}
	return 1;
}

/*
 * 1 when the controllers were stopped and no more: then what stood is put back
 * by applying it, and the backup, that may be old by now, only has to tell what
 * resources lost when they were detached. Where resources are retired one after
 * the other, they may be gone with their CRDs still there.
 */
static int is_intact(const struct engine *self, struct err *err)
{
	const char *step = journal_str(self, "step");

	if (!engine_has_step(self, "stop"))
		return 0;
	if (str_eq(step, "stop") || str_eq(step, "backup"))
		return 1;
	return str_eq(step, "remove") && self->now ? crds_stand(self, err) : 0;
}

/* It builds on what was applied. */
static bool is_after_deploy(const struct engine *self)
{
	const char *step = journal_str(self, "step");

	return str_eq(step, "wait") || str_eq(step, "restore") ||
	       str_eq(step, "start") || str_eq(step, "probe");
}

int engine_rewind(struct engine *self, struct err *err)
{
	int intact;

	if (is_after_deploy(self)) {
		jval_set_str(self->journal.value, "step", "deploy");
		return 0;
	}
	if (engine_is_back(self) ||
	    !str_eq(journal_str(self, "step"), "remove"))
		return 0;
	intact = is_intact(self, err);
	if (intact <= 0)
		return intact;
	if (step_reattach(self, err) < 0)
		return -1;
	jval_set_str(self->journal.value, "step", engine_first_step(self));
	return 0;
}

int engine_turn(struct engine *self, const char *why, struct err *err)
{
	struct jval *value = self->journal.value;
	bool untouched = is_untouched(self);
	int intact;

	if (engine_is_back(self))
		return 0;
	intact = is_intact(self, err);
	if (intact < 0)
		return -1;
	jval_set(value, "untouched", jval_new_bool(untouched));
	jval_set(value, "intact", jval_new_bool(intact));
	jval_set(value, "detached",
		 jval_new_bool(intact &&
			       str_eq(journal_str(self, "step"), "remove")));
	jval_set_str(value, "direction", "back");
	if (why)
		jval_set_str(value, "failure", why);
	jval_set_str(value, "step", engine_first_step(self));
	audit_line(self->audit, "step", jval_str(value, "step"),
		   "going back to what stood");
	return journal_write(&self->journal, self->options->kube,
			     self->options->state, err);
}

/* Nothing was touched: the gate opens again, the books say that it failed. */
static int withdraw(struct engine *self, struct err *err)
{
	struct err why = ERR_INIT;

	interrupt_defer(true);
	if (engine_turn(self, err->msg, &why) < 0 || engine_run(self, &why) < 0)
		err_hint(err,
			 "the gate that keeps Workflows out could not be "
			 "opened: %s; 'dws-csm rollback' tries again",
			 why.msg);
	else
		err_hint(err, "nothing was changed");
	interrupt_defer(false);
	return -1;
}

static const char *what_stands(const struct engine *self)
{
	return self->now ? jval_str(self->now, "version") : NULL;
}

static int go_back(struct engine *self, struct err *err)
{
	const char *stands = what_stands(self);
	struct err why = ERR_INIT;

	log_warn("%s", err->msg);
	log_info("rolling back to %s%s", stands ? "DWS " : "what was before",
		 stands ? stands : "");
	audit_event(self->audit, "Warning", "RollingBack", "%s", err->msg);
	if (engine_turn(self, err->msg, &why) == 0 &&
	    engine_run(self, &why) == 0) {
		err->kind = ERR_ROLLED_BACK;
		return stands ?
			       err_hint(err, "rolled back: DWS %s stands again",
					stands) :
			       err_hint(err, "rolled back: nothing of it "
					     "remains");
	}
	if (why.kind == ERR_LOCKED) {
		*err = why;
		return -1;
	}
	err_hint(err, "and the rollback failed: %s", why.msg);
	if (why.kind == ERR_INTERRUPTED) {
		err->kind = ERR_INTERRUPTED;
		return err_hint(err, "'dws-csm resume' goes on with it");
	}
	err->kind = ERR_ROLLBACK_INCOMPLETE;
	return err_hint(err, "mend the cause and run 'dws-csm resume' to go on "
			     "with the rollback");
}

/* The history tells of it as well, as long as it is left so. */
static void record_failure(const struct engine *self, const struct err *err)
{
	struct err why = ERR_INIT;

	if (self->next == NULL)
		return;
	interrupt_defer(true);
	record_set_failure(self->next, err->msg);
	record_set_status(self->next, "failed");
	if (record_save(self->options->kube, self->next, &why) < 0)
		log_warn("%s", why.msg);
	interrupt_defer(false);
}

/* What is left open, and how to go on. */
static int stay_open(const struct engine *self, struct err *err)
{
	if (!engine_is_committed(self) && !engine_is_back(self))
		record_failure(self, err);
	if (engine_is_committed(self))
		return err_hint(err, "it is done but for the last step: "
				     "'dws-csm resume' ends it");
	if (engine_is_back(self)) {
		if (err->kind != ERR_INTERRUPTED)
			err->kind = ERR_ROLLBACK_INCOMPLETE;
		return err_hint(err, "mend the cause and run 'dws-csm resume' "
				     "to go on with the rollback");
	}
	if (str_eq(journal_str(self, "operation"), "install"))
		return err_hint(err, "what was done stays; mend the cause and "
				     "run 'dws-csm install' again, or 'dws-csm "
				     "rollback' to take it back");
	if (str_eq(journal_str(self, "operation"), "uninstall"))
		return err_hint(err, "run 'dws-csm uninstall' again to go on, "
				     "or 'dws-csm rollback' to go back");
	return err_hint(err,
			"stopped at step '%s': 'dws-csm resume' goes on, "
			"'dws-csm rollback' goes back",
			journal_str(self, "step"));
}

/* An installation onto nothing stays, so that its cause can be looked at. */
static bool turns_by_itself(const struct engine *self, const struct err *err)
{
	return !self->options->no_rollback && !engine_is_back(self) &&
	       !engine_is_committed(self) && err->kind != ERR_INTERRUPTED &&
	       self->now &&
	       !str_eq(journal_str(self, "operation"), "uninstall");
}

int engine_see_through(struct engine *self, struct err *err)
{
	if (engine_run(self, err) == 0)
		return 0;
	/* Whoever took over does what is to be done. */
	if (err->kind == ERR_LOCKED)
		return -1;
	if (!engine_is_back(self) && is_untouched(self))
		return withdraw(self, err);
	if (turns_by_itself(self, err))
		return go_back(self, err);
	return stay_open(self, err);
}

void engine_abandoned(const struct engine *self, struct strs *kinds)
{
	const struct jval *list = jval_get(self->journal.value, "abandon");

	for (size_t i = 0; i < jval_len(list); i++)
		strs_add(kinds, jval_string(jval_at(list, i)));
}

/* What nothing could bring back stays; takes `list`. */
static struct jval *without_data(struct jval *list)
{
	for (size_t i = jval_len(list); i-- > 0;) {
		const struct jval *object = jval_at(list, i);
		bool certificate =
			str_eq(object_name(object), DWS_SERVING_SECRET);

		if (inventory_part(object) == PART_DATA ||
		    (jval_get(object, RECORD_WITHHELD) && !certificate))
			jval_remove_at(list, i);
	}
	return list;
}

struct jval *engine_obsolete(const struct engine *self,
			     const struct jval *objects)
{
	const struct jval *old[] = {
		jval_get(engine_past(self), "objects"),
		jval_get(survey_record(&self->survey), "objects"),
	};
	autojval struct jval *candidates = jval_new_array();

	for (size_t i = 0; i < ARRAY_SIZE(old); i++)
		for (size_t k = 0; k < jval_len(old[i]); k++)
			jval_append(candidates, jval_copy(jval_at(old[i], k)));
	for (size_t i = 0; i < jval_len(candidates); i++)
		adapt_cert_manager(jval_at(candidates, i),
				   &self->survey.cert_manager);
	return without_data(prune_list(candidates, objects));
}

void engine_release(struct engine *self)
{
	survey_release(&self->survey);
	lease_release(self->lease);
	audit_free(self->audit);
	journal_release(&self->journal);
	jval_free(self->now);
	jval_free(self->next);
	memset(self, 0, sizeof(*self));
}
