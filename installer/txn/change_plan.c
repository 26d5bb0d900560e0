/*
 * The plan of a change: the steps around its objects, and the way back.
 */
#include "base/mem.h"
#include "kube/object.h"
#include "txn/change.h"
#include "txn/gate.h"

static int plan_hooks(struct change *change, const char *when, struct err *err)
{
	const struct engine *engine = &change->engine;
	struct hooks_event event = { .when = when,
				     .operation = change->operation };
	auto_strs struct strs paths = STRS_INIT;

	if (hooks_list(&engine->options->hooks, &event, &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.nr; i++)
		plan_add(&engine->result->plan, "run", "hook of the site", "%s",
			 paths.item[i]);
	return 0;
}

static bool replaces(const struct change *change)
{
	return !change->in_place && change->engine.now;
}

int change_plan_before(struct change *change, struct err *err)
{
	struct plan *plan = &change->engine.result->plan;

	if (plan_hooks(change, "pre", err) < 0)
		return -1;
	if (!replaces(change))
		return 0;
	plan_add(plan, "close", "no new Workflow may begin meanwhile",
		 "gate " GATE_NAME);
	plan_add(plan, "back up", "in the cluster and on this host",
		 "custom resources");
	return 0;
}

static void plan_carried(const struct jval *kind, struct plan *plan)
{
	int64_t count = jval_int(kind, "count", 0);
	const char *name = jval_str(kind, "kind");
	const char *to = jval_str(kind, "to");

	if (count == 0)
		return;
	if (jval_bool(kind, "abandoned", false))
		plan_add(plan, "abandon", "--abandon-resources", "%s", name);
	else if (to)
		plan_add(plan, "carry", NULL, "%s from %s to %s", name,
			 jval_str(kind, "from"), to);
	else
		return;
	plan_set_number(plan, "count", count);
}

/* The way back of what replaces something is a revision. */
static void plan_back(const struct change *change, struct plan *plan)
{
	const struct jval *now = change->engine.now;

	if (str_eq(change->operation, "uninstall"))
		plan->back = mem_strdup("none once it is done; until then "
					"'dws-csm rollback'");
	else if (now)
		plan->back = mem_printf(
			"a failure brings DWS %s back by itself%s; 'dws-csm "
			"rollback' does so later",
			jval_str(now, "version"),
			change->engine.options->no_rollback ?
				" (not with --no-rollback)" :
				"");
	else
		plan->back = mem_strdup("'dws-csm uninstall'");
}

int change_plan_after(struct change *change, struct err *err)
{
	struct plan *plan = &change->engine.result->plan;
	bool waits = replaces(change) &&
		     !str_eq(change->operation, "uninstall");

	if (waits)
		plan_add(plan, "wait", NULL, "until all is ready");
	for (size_t i = 0; i < jval_len(change->carried); i++)
		plan_carried(jval_at(change->carried, i), plan);
	if (waits)
		plan_add(plan, "try", "by a dry run", "a Workflow");
	if (replaces(change))
		plan_add(plan, "open", NULL, "gate " GATE_NAME);
	plan_back(change, plan);
	return plan_hooks(change, "post", err);
}
