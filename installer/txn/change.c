#include "txn/change.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/object.h"
#include "txn/adopt.h"
#include "txn/deploy.h"
#include "txn/inventory.h"
#include "txn/names.h"
#include "txn/record.h"

void change_init(struct change *change, const char *operation,
		 const struct txn_options *options, struct txn_result *result)
{
	memset(change, 0, sizeof(*change));
	memset(result, 0, sizeof(*result));
	change->operation = operation;
	change->engine.options = options;
	change->engine.result = result;
}

void change_release(struct change *change)
{
	jval_free(change->carried);
	change->carried = NULL;
	jval_free(change->secrets);
	change->secrets = NULL;
	free(mem_steal(&change->superseded));
	engine_release(&change->engine);
}

/* --- one at a time ----------------------------------------------------------- */

/* "upgrade of DWS 0.1.17" */
static char *describe(const struct jval *journal)
{
	const char *version = jval_str(journal, "version");

	return mem_printf("%s%s%s", jval_str(journal, "operation"),
			  version ? " of DWS " : "", version ? version : "");
}

static int refuse_open(const struct jval *journal, struct err *err)
{
	autofree char *what = describe(journal);

	return err_set(err, ERR_LOCKED,
		       "the %s is not finished that user '%s' began on '%s' at "
		       "%s: it stopped at step '%s'; 'dws-csm resume' goes on "
		       "with it, 'dws-csm rollback' goes back",
		       what, jval_str(journal, "user"),
		       jval_str(journal, "host"), jval_str(journal, "started"),
		       jval_str(journal, "step"));
}

/* Who only looks has no lock, which would tell that its holder is alive. */
static int refuse_at_work(const struct change *change,
			  const struct jval *journal, struct err *err)
{
	autofree char *what = describe(journal);
	autojval struct jval *holder = NULL;
	bool none;

	holder = lease_look(change->engine.options->kube, &none, err);
	if (holder == NULL && !none)
		return -1;
	if (none || jval_bool(holder, "dead", false))
		return refuse_open(journal, err);
	return err_set(err, ERR_LOCKED,
		       "the %s of user '%s' on '%s' (pid %" PRId64
		       ") is under way since %s",
		       what, jval_str(holder, "user"), jval_str(holder, "host"),
		       jval_int(holder, "pid", 0), jval_str(holder, "since"));
}

/* An open transaction that this one takes the place of, or goes on with. */
static int look_for_open(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	int open = journal_load(&engine->journal, engine->options->kube, err);
	const struct jval *journal = engine->journal.value;
	bool removes = str_eq(change->operation, "uninstall");

	if (open <= 0)
		return open;
	if (!engine_is_back(engine)) {
		const char *operation = jval_str(journal, "operation");

		change->supersedes =
			str_eq(operation, "install") &&
			jval_int(journal, "from", 0) == 0 &&
			(removes || str_eq(change->operation, "install"));
		change->ours_open = removes && str_eq(operation, "uninstall");
	}
	if (change->supersedes || change->ours_open)
		return 0;
	return engine->options->dry_run ? refuse_at_work(change, journal, err) :
					  refuse_open(journal, err);
}

/* A Lease that a dead installer left is in the way only of those who would
 * not know what it left behind: not when no transaction is open. */
static int lock(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	struct journal journal = JOURNAL_INIT;
	struct err held = ERR_INIT;
	int open;

	engine->lease = lease_take(engine->options->config, change->operation,
				   false, &held);
	if (engine->lease)
		return 0;
	*err = held;
	if (held.kind != ERR_LOCKED)
		return -1;
	open = journal_load(&journal, engine->options->kube, &held);
	journal_release(&journal);
	if (open != 0)
		return -1;
	err_clear(err);
	engine->lease = lease_take(engine->options->config, change->operation,
				   true, err);
	return engine->lease ? 0 : -1;
}

/* A Namespace on its way out takes nothing new: wait until it has gone. */
static int wait_namespace(struct change *change, struct err *err)
{
	const struct txn_options *options = change->engine.options;
	struct survey *survey = &change->engine.survey;
	autojval struct jval *list = NULL;

	if (options->dry_run ||
	    !str_eq(jval_str(survey->namespace, "status.phase"), "Terminating"))
		return 0;
	list = jval_pack("[O]", survey->namespace);
	if (wait_gone(options->kube, options->discovery, list,
		      options->timeout_ms, options->progress, err) < 0)
		return err_hint(err, "its status tells what holds it");
	jval_free(mem_steal(&survey->namespace));
	return 0;
}

/* Where there is a Namespace to hold the Lease; not for a look. */
static int lock_if_possible(struct change *change, struct err *err)
{
	struct kube *kube = change->engine.options->kube;
	autojval struct jval *ns = NULL;

	if (change->engine.options->dry_run)
		return 0;
	ns = kube_get(kube, "/api/v1/namespaces/" DWS_NAMESPACE, err);
	if (ns == NULL) {
		if (!kube_is_not_found(err))
			return -1;
		err_clear(err);
		return 0;
	}
	if (str_eq(jval_str(ns, "status.phase"), "Terminating"))
		return 0;
	return lock(change, err);
}

int change_begin(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	const struct txn_options *options = engine->options;
	struct survey *survey = &engine->survey;

	if (lock_if_possible(change, err) < 0 ||
	    survey_take(survey, options->kube, options->discovery, err) < 0 ||
	    wait_namespace(change, err) < 0)
		return -1;
	engine->result->from_version = mem_strdup(survey->version);
	return survey->namespace ? look_for_open(change, err) : 0;
}

/* --- what stands, what shall be ----------------------------------------------- */

static int64_t newest_revision(const struct change *change)
{
	return jval_int(survey_record(&change->engine.survey), "revision", 0);
}

static struct jval *recorded_now(const struct survey *survey)
{
	for (size_t i = jval_len(survey->records); i-- > 0;) {
		struct jval *record = jval_at(survey->records, i);

		if (!str_eq(jval_str(record, "status"), "deployed"))
			continue;
		/* What somebody made by hand he may have changed since. */
		if (str_eq(jval_str(record, "operation"), "adopt"))
			return NULL;
		return str_eq(jval_str(record, "version"), survey->version) ?
			       record :
			       NULL;
	}
	return NULL;
}

int change_find_now(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	const struct txn_options *options = engine->options;
	autojval struct jval *inventory = NULL;
	autojval struct jval *objects = NULL;
	struct jval *record = recorded_now(&engine->survey);

	/* What a failed installation left is nothing to go back to, but what an
	 * uninstallation takes away may be missed. */
	if (!engine->survey.present ||
	    (change->supersedes && str_eq(change->operation, "install")))
		return 0;
	if (record) {
		engine->now = jval_ref(record);
		return 0;
	}
	inventory = inventory_take(options->kube, options->discovery,
				   options->catalogue, &engine->survey, err);
	if (inventory == NULL)
		return -1;
	objects = adopt_objects(options->kube, options->discovery, inventory,
				err);
	if (objects == NULL)
		return err_wrap(err, "record what stands");
	engine->now = adopt_record(newest_revision(change) + 1, &engine->survey,
				   objects);
	change->adopted = true;
	return 0;
}

void change_make_next(struct change *change, const char *version)
{
	int64_t revision = newest_revision(change) + 1 + change->adopted;

	change->engine.next = record_new(revision, version, change->operation);
	change->engine.result->version = mem_strdup(version);
}

/* --- the transaction ------------------------------------------------------------ */

static struct hooks_event hooks_event(const struct change *change,
				      const char *when, const char *outcome)
{
	const struct engine *engine = &change->engine;

	return (struct hooks_event){
		.when = when,
		.operation = change->operation,
		.from_version = jval_str(engine->now, "version"),
		.version = jval_str(engine->next, "version"),
		.revision = jval_int(engine->next, "revision", 0),
		.outcome = outcome,
		.transaction = jval_str(engine->journal.value, "id"),
	};
}

static void fill_journal(struct change *change)
{
	struct engine *engine = &change->engine;
	const struct txn_options *options = engine->options;
	struct jval *abandon = jval_new_array();
	struct jval *value;

	/* A failed installation's journal becomes ours by one write. */
	if (change->supersedes)
		change->superseded =
			mem_steal(&engine->journal.resource_version);
	journal_release(&engine->journal);
	journal_init(&engine->journal, change->operation);
	value = engine->journal.value;
	for (size_t i = 0; options->abandon && i < options->abandon->nr; i++)
		jval_append(abandon, jval_new_str(options->abandon->item[i]));
	jval_set(value, "abandon", abandon);
	jval_set(value, "inPlace", jval_new_bool(change->in_place));
	jval_set(value, "wait", jval_new_bool(options->wait));
	jval_set(value, "deleteNamespace",
		 jval_new_bool(options->delete_namespace));
	if (engine->next)
		jval_set_str(engine->next, "transaction",
			     jval_str(value, "id"));
}

/* Who was quicker, where there was no place for a lock before. */
static int look_for_rival(const struct change *change, struct err *err)
{
	auto_journal struct journal other = JOURNAL_INIT;
	int open = journal_load(&other, change->engine.options->kube, err);

	return open > 0 ? refuse_open(other.value, err) : open;
}

/* Only now, with nothing left to check, is the first thing written. */
static int make_place(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	const struct txn_options *options = engine->options;
	const struct jval *objects = jval_get(engine->next, "objects");
	bool fresh = engine->lease == NULL;
	const struct deploy deploy = {
		.config = options->config,
		.kube = options->kube,
		.discovery = options->discovery,
		.wait = true,
		.timeout_ms = options->timeout_ms,
	};

	if (!fresh && jval_len(change->secrets) == 0)
		return 0;
	if (deploy_namespaces(&deploy, objects, err) < 0)
		return -1;
	if (fresh && (lock(change, err) < 0 || look_for_rival(change, err) < 0))
		return -1;
	return deploy_apply(&deploy, change->secrets, NULL, err);
}

static int write_records(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	struct kube *kube = engine->options->kube;

	if (change->adopted && record_create(kube, engine->now, err) < 0)
		return -1;
	if (change->now_pinned && record_save(kube, engine->now, err) < 0)
		return -1;
	return engine->next ? record_create(kube, engine->next, err) : 0;
}

/* The journal's id is told to the hooks, so it is made before it is written. */
static int open_all(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	const struct txn_options *options = engine->options;
	struct hooks_event event;

	fill_journal(change);
	engine->audit = audit_new(options->kube, options->state,
				  jval_str(engine->journal.value, "id"),
				  change->operation);
	audit_hear_log(engine->audit);
	event = hooks_event(change, "pre", NULL);
	if (hooks_run(&options->hooks, &event, err) < 0 ||
	    make_place(change, err) < 0 || write_records(change, err) < 0)
		return -1;
	engine->journal.resource_version = mem_steal(&change->superseded);
	return engine_open(engine, err);
}

/* An open transaction is half done; one that is closed went back. */
static const char *outcome_of(const struct change *change,
			      const struct err *err)
{
	if (err == NULL)
		return strcmp(change->operation, "uninstall") == 0 ? "removed" :
								     "deployed";
	if (change->engine.journal.resource_version)
		return "failed";
	return err->kind == ERR_ROLLED_BACK ? "rolled-back" : "unchanged";
}

static void tell_end(struct change *change, const char *outcome,
		     const struct err *err)
{
	struct engine *engine = &change->engine;
	struct hooks_event event = hooks_event(change, "post", outcome);
	struct err why = ERR_INIT;

	interrupt_defer(true);
	audit_line(engine->audit, err ? "failure" : "end", NULL, "%s%s%s",
		   outcome, err ? ": " : "", err ? err->msg : "");
	audit_event(engine->audit, err ? "Warning" : "Normal",
		    err ? "ChangeFailed" : "ChangeDone", "%s: %s%s%s",
		    change->operation, outcome, err ? ": " : "",
		    err ? err->msg : "");
	interrupt_defer(false);
	if (hooks_run(&engine->options->hooks, &event, &why) < 0)
		log_warn("%s", why.msg);
}

void change_tell_end(struct change *change, const struct err *err)
{
	tell_end(change, outcome_of(change, err), err);
}

int change_run(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	const char *version = jval_str(engine->next, "version");
	int status;

	if (open_all(change, err) < 0) {
		/* Hooks that have run are told that nothing came of it. */
		if (engine->audit)
			tell_end(change, "unchanged", err);
		return -1;
	}
	audit_line(engine->audit, "begin", NULL, "%s%s%s", change->operation,
		   version ? " of DWS " : "", version ? version : "");
	audit_event(engine->audit, "Normal", "ChangeBegun", "%s%s%s begun",
		    change->operation, version ? " of DWS " : "",
		    version ? version : "");
	status = engine_see_through(engine, err);
	engine->result->revision = jval_int(engine->next, "revision", 0);
	change_tell_end(change, status < 0 ? err : NULL);
	return status;
}
