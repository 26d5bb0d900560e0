/*
 * All that can be refused before the first change.
 */
#include "base/log.h"
#include "base/mem.h"
#include "kube/object.h"
#include "txn/carry.h"
#include "txn/change.h"
#include "txn/preflight.h"
#include "txn/undeploy.h"

int change_problem(struct change *change, struct err *err)
{
	const struct engine *engine = &change->engine;

	if (!engine->options->dry_run)
		return -1;
	return plan_note_problem(&engine->result->plan, err);
}

static int check_carry(struct change *change, const struct jval *objects,
		       struct err *err)
{
	struct engine *engine = &change->engine;
	struct carry carry = {
		.objects = objects,
		.abandon = engine->options->abandon,
	};

	jval_free(change->carried);
	change->carried = carry_survey(&carry, engine->options->kube,
				       engine->survey.crds, err);
	if (change->carried == NULL)
		return -1;
	return carry_refuse(change->carried, err);
}

/* What is stored may be older than the schema that stands. */
static int check_carry_back(const struct change *change, struct err *err)
{
	const struct engine *engine = &change->engine;
	struct carry carry = { .objects = jval_get(engine->now, "objects") };
	autojval struct jval *report = carry_survey(
		&carry, engine->options->kube, engine->survey.crds, err);

	return report ? carry_refuse(report, err) : -1;
}

/* Those of `record`, which may have to name them by digest then: 1. */
static int check_images(struct change *change, struct jval *record,
			struct err *err)
{
	struct engine *engine = &change->engine;
	const struct txn_options *options = engine->options;
	int named;

	if (options->registry == NULL)
		return 0;
	named = preflight_images(jval_get(record, "objects"),
				 jval_get(record, "images"), options->registry,
				 options->place, err);
	if (named > 0)
		jval_set(record, "pinned", jval_new_bool(true));
	if (named > 0 && record == engine->now)
		change->now_pinned = true;
	return named;
}

void change_pin_back(struct change *change)
{
	struct err why = ERR_INIT;

	if (check_images(change, change->engine.now, &why) < 0)
		log_warn("if this fails, what stands may not come back: %s",
			 why.msg);
}

/* A tag that moved may be the one that stands now, too. */
static int check_recorded(struct change *change, struct jval *record,
			  struct err *err)
{
	int named = check_images(change, record, err);

	if (named <= 0)
		return named;
	log_info("note: images are named by their digests, since a tag has got "
		 "another image meanwhile");
	change_pin_back(change);
	return 0;
}

/* Without a way back nothing is begun, unless nobody wants to go it. */
static int check_way_back(struct change *change,
			  const struct preflight *preflight, struct err *err)
{
	const struct engine *engine = &change->engine;
	struct err why = ERR_INIT;

	if (preflight_served(preflight, preflight->now, &why) == 0 &&
	    check_images(change, engine->now, &why) >= 0 &&
	    check_carry_back(change, &why) == 0)
		return 0;
	if (engine->options->no_rollback) {
		log_warn("there is no way back: %s", why.msg);
		return 0;
	}
	*err = why;
	err_wrap(err, "a rollback to DWS %s would fail",
		 jval_str(engine->now, "version"));
	return err_hint(err, "or go without a way back: --no-rollback");
}

/* A refusal is an error, or a line of the plan: -1, or 0. */
static int consider(struct change *change, int result, struct err *err)
{
	return result < 0 ? change_problem(change, err) : 0;
}

/* What only matters where one release takes the place of another. */
static int check_replacing(struct change *change,
			   const struct preflight *preflight, struct err *err)
{
	struct engine *engine = &change->engine;

	if (consider(change,
		     undeploy_check_workflows(engine->options->kube,
					      &engine->result->workflows, err),
		     err) < 0)
		return -1;
	return consider(change, check_way_back(change, preflight, err), err);
}

int change_check(struct change *change, const struct jval *objects,
		 struct jval *record, struct err *err)
{
	struct engine *engine = &change->engine;
	const struct preflight preflight = {
		.kube = engine->options->kube,
		.discovery = engine->options->discovery,
		.now = jval_get(engine->now, "objects"),
		.next = objects,
	};
	bool replaces = engine->now && !change->in_place;

	if (replaces &&
	    consider(change, check_carry(change, objects, err), err) < 0)
		return -1;
	if (consider(change, preflight_permissions(&preflight, err), err) < 0 ||
	    consider(change, preflight_served(&preflight, objects, err), err) <
		    0)
		return -1;
	if (jval_get(record, "images") &&
	    consider(change, check_recorded(change, record, err), err) < 0)
		return -1;
	return replaces ? check_replacing(change, &preflight, err) : 0;
}

/* A field of what stands that nobody may change. */
static bool is_fixed(const struct jval *now, const struct jval *next)
{
	static const char *const fixed[] = { "spec.selector", "roleRef" };
	const char *kind = object_kind(next);
	const char *path = fixed[!str_eq(kind, "Deployment")];

	if (!str_eq(kind, "Deployment") && !str_ends(kind, "RoleBinding"))
		return false;
	return object_is_same(now, next) &&
	       !jval_equal(jval_path(now, path), jval_path(next, path));
}

bool change_fits(const struct change *change, const char *version,
		 const struct jval *next)
{
	const struct engine *engine = &change->engine;
	const struct jval *now = jval_get(engine->now, "objects");

	if (engine->now == NULL || !str_eq(engine->survey.version, version))
		return false;
	for (size_t i = 0; i < jval_len(now); i++)
		for (size_t k = 0; k < jval_len(next); k++)
			if (is_fixed(jval_at(now, i), jval_at(next, k)))
				return false;
	return true;
}
