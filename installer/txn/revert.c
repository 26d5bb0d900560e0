/*
 * rollback, resume - back to what stood, or on to what shall be (see
 * transaction.h).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "txn/change.h"
#include "txn/foresee.h"
#include "txn/gate.h"
#include "txn/names.h"
#include "txn/record.h"
#include "txn/undeploy.h"
#include "txn/wlm_follow.h"

/* --- an open transaction -------------------------------------------------------- */

/* Did the dead installer end what the record tells? Times of RFC 3339 in UTC
 * compare as texts. */
static bool ended_by(const struct jval *record, const struct jval *dead)
{
	const char *started = jval_str(record, "started");
	const char *since = jval_str(dead, "since");

	return str_eq(jval_str(record, "status"), "deployed") && started &&
	       since &&
	       strncmp(started, since, strlen("2026-11-23T04:22:14")) >= 0;
}

/*
 * A change that had not begun when its installer died, or that went back
 * already: who asks for a rollback now has what he wants, and must not be
 * taken further back. Only a rollback that had not begun is to be done.
 */
static bool is_back_already(const struct engine *engine,
			    const struct jval *dead)
{
	const char *died = jval_str(dead, "operation");
	const struct jval *last = survey_record(&engine->survey);
	const char *status = jval_str(last, "status");

	if (str_eq(status, "rolled-back"))
		return true;
	if (died && !ended_by(last, dead))
		return !str_eq(died, "rollback");
	if (str_eq(jval_str(last, "operation"), "rollback") &&
	    str_eq(status, "installing"))
		return false;
	return str_eq(status, "failed") || str_eq(status, "installing");
}

static int namespace_stands(struct kube *kube, struct err *err)
{
	autojval struct jval *ns =
		kube_get(kube, "/api/v1/namespaces/" DWS_NAMESPACE, err);

	if (ns)
		return 1;
	if (!kube_is_not_found(err))
		return -1;
	err_clear(err);
	return 0;
}

/* Take the lock from whoever died, and the journal up: 1, 0 where none is
 * open. */
static int take_up(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	const struct txn_options *options = engine->options;
	auto_journal struct journal journal = JOURNAL_INIT;
	int open = journal_load(&journal, options->kube, err);
	int place;

	if (open < 0 || (open == 0 && !str_eq(change->operation, "resume")))
		return open;
	place = namespace_stands(options->kube, err);
	if (place <= 0)
		return place;
	engine->lease =
		lease_take(options->config, change->operation, true, err);
	/* What stands is looked at once nobody else changes it. */
	if (engine->lease == NULL || survey_take(&engine->survey, options->kube,
						 options->discovery, err) < 0)
		return -1;
	return engine_load(engine, err);
}

static void tell_what(const struct engine *engine, struct txn_result *result)
{
	const struct jval *journal = engine->journal.value;

	result->operation = mem_strdup(jval_str(journal, "operation"));
	result->from_version = mem_strdup(jval_str(journal, "fromVersion"));
	result->version = mem_strdup(jval_str(journal, "version"));
	result->revision = jval_int(journal, "revision", 0);
	log_info("%s%s%s, begun by '%s' on '%s' at %s, stopped at step '%s'",
		 result->operation, result->version ? " of DWS " : "",
		 result->version ? result->version : "",
		 jval_str(journal, "user"), jval_str(journal, "host"),
		 jval_str(journal, "started"), jval_str(journal, "step"));
}

/* The hooks are told of the operation that it was. */
static void begin_again(struct change *change)
{
	struct engine *engine = &change->engine;

	tell_what(engine, engine->result);
	change->operation = engine->result->operation;
	engine->audit = audit_new(engine->options->kube, engine->options->state,
				  jval_str(engine->journal.value, "id"),
				  change->operation);
	audit_hear_log(engine->audit);
}

/* Whoever was only paused hears by this write that it was overtaken. */
static int fence(struct engine *engine, struct err *err)
{
	return journal_write(&engine->journal, engine->options->kube,
			     engine->options->state, err);
}

static int end_open(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	struct err back = { .kind = ERR_ROLLED_BACK };
	bool backwards = engine_is_back(engine);
	int status = engine_see_through(engine, err);

	if (status == 0)
		engine->result->changed = true;
	if (status == 0 && backwards)
		change_tell_end(change, &back);
	else
		change_tell_end(change, status < 0 ? err : NULL);
	return status;
}

/* Admission may forbid by now what it took then. */
static int adapt_next(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	const struct txn_options *options = engine->options;

	return policy_host_time(options->kube, options->discovery,
				options->host_time,
				jval_get(engine->next, "objects"),
				&engine->result->plan.notes, err);
}

/* A record without a journal: its change had not begun. */
static int settle(struct engine *engine, struct err *err)
{
	struct jval *last = survey_record(&engine->survey);

	if (last == NULL || engine->options->dry_run ||
	    !str_eq(jval_str(last, "status"), "installing"))
		return 0;
	record_set_status(last, "failed");
	return record_save(engine->options->kube, last, err);
}

/* Our copy of a journal that the cluster does not have: it was ended from
 * another host, or its Namespace was deleted. */
static void tell_lost(const struct state *state)
{
	autojval struct jval *journal = journal_local(state);

	if (journal == NULL)
		return;
	log_warn("the %s that this host began at %s is in the cluster no more: "
		 "it was ended from another host, or Namespace '%s' was "
		 "deleted meanwhile; 'dws-csm backup list' shows what is left "
		 "of its custom resources",
		 jval_str(journal, "operation"), jval_str(journal, "started"),
		 DWS_NAMESPACE);
}

static int resume(struct change *change, struct err *err)
{
	const struct txn_options *options = change->engine.options;
	int open = take_up(change, err);

	if (open < 0)
		return -1;
	/* Somebody may have deleted the journal: nothing closes for ever. */
	if (open == 0)
		tell_lost(options->state);
	if (open == 0)
		return gate_open(options->kube, err) < 0 ?
			       -1 :
			       settle(&change->engine, err);
	begin_again(change);
	if (engine_rewind(&change->engine, err) < 0 ||
	    fence(&change->engine, err) < 0)
		return -1;
	return end_open(change, err);
}

/* --- a new one, to a record ------------------------------------------------------ */

static bool has_stood(const struct jval *record)
{
	const char *status = jval_str(record, "status");

	return str_eq(status, "superseded") || str_eq(status, "deployed");
}

static struct jval *revision_before(const struct engine *engine)
{
	const struct jval *records = engine->survey.records;
	int64_t now = jval_int(engine->now, "revision", 0);

	for (size_t i = jval_len(records); i-- > 0;) {
		struct jval *record = jval_at(records, i);

		if (jval_int(record, "revision", 0) < now && has_stood(record))
			return record;
	}
	return NULL;
}

/* The record to go back to; NULL with an error that says which there are. */
static struct jval *find_target(const struct engine *engine, struct err *err)
{
	int64_t revision = engine->options->revision;
	struct jval *record =
		revision ? record_find(engine->survey.records, revision) :
			   revision_before(engine);

	if (record && has_stood(record))
		return record;
	if (revision == 0)
		err_set(err, ERR_BLOCKED,
			"there is no revision before this one to go back to; "
			"'dws-csm history' lists those there are");
	else if (record == NULL)
		err_set(err, ERR_BLOCKED,
			"there is no revision %" PRId64 "; 'dws-csm history' "
			"lists those there are",
			revision);
	else
		err_set(err, ERR_BLOCKED,
			"revision %" PRId64 " never ran (it is '%s'); 'dws-csm "
			"history' lists those there are",
			revision, jval_str(record, "status"));
	return NULL;
}

static void make_next(struct change *change, const struct jval *target)
{
	static const char *const same[] = { "registry", "images", "bundle",
					    "pinned",	"notes",  "objects" };
	struct jval *next;

	change_make_next(change, jval_str(target, "version"));
	next = change->engine.next;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (jval_get(target, same[i]))
			jval_set(next, same[i],
				 jval_copy(jval_get(target, same[i])));
	jval_set(next, "rollbackTo",
		 jval_new_int(jval_int(target, "revision", 0)));
}

static int plan(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	const struct wlm_release release = {
		.catalogue = engine->options->catalogue,
		.version = jval_str(engine->next, "version"),
		.objects = jval_get(engine->next, "objects"),
	};

	if (change_plan_before(change, err) < 0)
		return -1;
	foresee_replace(jval_get(engine->now, "objects"),
			jval_get(engine->next, "objects"),
			&engine->result->plan);
	if (wlm_foresee(engine->options->kube, &release, &engine->result->plan,
			err) < 0)
		return -1;
	return change_plan_after(change, err);
}

static int roll_back(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	autojval struct jval *dead = NULL;
	struct jval *target, *objects;
	bool none;

	/* Who is not dead keeps change_begin from coming back. */
	dead = lease_look(engine->options->kube, &none, err);
	if ((dead == NULL && !none) || change_begin(change, err) < 0)
		return -1;
	if (engine->options->revision == 0 && is_back_already(engine, dead)) {
		engine->result->version = mem_strdup(engine->survey.version);
		return settle(engine, err);
	}
	if (!engine->survey.present)
		return err_set(err, ERR_BLOCKED,
			       "no DWS is in this cluster to be rolled back; "
			       "run 'dws-csm install'");
	if (change_find_now(change, err) < 0)
		return -1;
	target = find_target(engine, err);
	if (target == NULL)
		return -1;
	make_next(change, target);
	if (adapt_next(change, err) < 0)
		return -1;
	objects = jval_get(engine->next, "objects");
	engine->result->nr_objects = jval_len(objects);
	change->in_place =
		change_fits(change, jval_str(target, "version"), objects);
	if (change_check(change, objects, engine->next, err) < 0)
		return -1;
	if (engine->options->dry_run)
		return plan(change, err);
	if (change_run(change, err) < 0)
		return -1;
	engine->result->changed = true;
	return 0;
}

/* 1 when this was all, 0 when there is a revision to go back to from here. */
static int go_back(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	bool removed;

	begin_again(change);
	if ((engine_is_back(engine) && engine_rewind(engine, err) < 0) ||
	    fence(engine, err) < 0)
		return -1;
	if (!engine_is_committed(engine)) {
		if (engine_turn(engine, "rolled back by hand", err) < 0)
			return -1;
		return end_open(change, err) < 0 ? -1 : 1;
	}
	removed = engine->next == NULL;
	if (end_open(change, err) < 0)
		return -1;
	if (removed)
		return err_set(
			err, ERR_BLOCKED,
			"it was too late to go back: DWS is removed; "
			"its custom resources are in a backup on the host "
			"that removed it, see 'dws-csm backup list'");
	log_info("it was done but for the last step; now back");
	return 0;
}

/* --- the commands ------------------------------------------------------------------ */

static void begin_anew(struct change *change, const char *operation,
		       const struct txn_options *options,
		       struct txn_result *result)
{
	change_release(change);
	txn_result_release(result);
	discovery_forget(options->discovery);
	change_init(change, operation, options, result);
}

int txn_rollback(const struct txn_options *options, struct txn_result *result,
		 struct err *err)
{
	struct change change;
	int status;

	change_init(&change, "rollback", options, result);
	status = options->dry_run ? 0 : take_up(&change, err);
	if (status > 0)
		status = go_back(&change, err);
	if (status == 0) {
		begin_anew(&change, "rollback", options, result);
		status = roll_back(&change, err);
	}
	change_release(&change);
	return status < 0 ? -1 : 0;
}

int txn_resume(const struct txn_options *options, struct txn_result *result,
	       struct err *err)
{
	struct change change;
	int status;

	change_init(&change, "resume", options, result);
	status = resume(&change, err);
	change_release(&change);
	return status;
}

void txn_result_release(struct txn_result *result)
{
	plan_release(&result->plan);
	free(result->from_version);
	free(result->version);
	free(result->operation);
	free(result->backup);
	jval_free(result->workflows);
	jval_free(result->resources);
	memset(result, 0, sizeof(*result));
}
