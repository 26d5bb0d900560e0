/*
 * uninstall - DWS out of the cluster, whoever put it there (see
 * transaction.h).
 */
#include <string.h>

#include "base/mem.h"
#include "kube/object.h"
#include "txn/backup.h"
#include "txn/change.h"
#include "txn/custom.h"
#include "txn/gate.h"
#include "txn/inventory.h"
#include "txn/preflight.h"
#include "txn/rest.h"
#include "txn/undeploy.h"

/* All custom resources of all kinds but Workflows, of which none may be. */
static int collect_resources(struct engine *engine, struct err *err)
{
	engine->result->resources = jval_new_array();
	for (size_t i = 0; i < jval_len(engine->survey.crds); i++) {
		const struct jval *crd = jval_at(engine->survey.crds, i);
		autojval struct jval *list = NULL;

		if (str_eq(jval_str(crd, "spec.names.kind"), "Workflow"))
			continue;
		list = custom_list(engine->options->kube, crd, NULL, err);
		if (list == NULL)
			return err_wrap(err, "list custom resources '%s'",
					object_name(crd));
		for (size_t k = 0; k < jval_len(list); k++)
			jval_append(engine->result->resources,
				    jval_ref(jval_at(list, k)));
	}
	return 0;
}

static int check_resources(const struct engine *engine, struct err *err)
{
	const struct txn_options *options = engine->options;
	const struct jval *resources = engine->result->resources;

	if (jval_len(resources) == 0 || options->destroy_resources ||
	    options->dry_run)
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "%zu custom resource%s of DWS would be destroyed (the "
		       "first is %s '%s' in namespace '%s'); save them with "
		       "'dws-csm backup create' if they are wanted, then say "
		       "--yes",
		       jval_len(resources), jval_len(resources) == 1 ? "" : "s",
		       object_kind(jval_at(resources, 0)),
		       object_name(jval_at(resources, 0)),
		       object_namespace(jval_at(resources, 0)));
}

static int check_permissions(struct change *change, struct err *err)
{
	const struct engine *engine = &change->engine;
	const struct preflight preflight = {
		.kube = engine->options->kube,
		.discovery = engine->options->discovery,
		.now = jval_get(engine->now, "objects"),
	};

	if (preflight_permissions(&preflight, err) < 0)
		return change_problem(change, err);
	return 0;
}

static struct undeploy undeploy_of(const struct engine *engine)
{
	const struct txn_options *options = engine->options;

	return (struct undeploy){
		.config = options->config,
		.kube = options->kube,
		.discovery = options->discovery,
		.retire = true,
		.timeout_ms = options->timeout_ms,
		.progress = options->progress,
	};
}

/* There may be no Namespace to hold a backup, but there is this host. */
static int keep_resources(struct engine *engine, struct err *err)
{
	const struct txn_options *options = engine->options;
	autojval struct jval *index = NULL;
	struct backup_options backup = {
		.kube = options->kube,
		.state = options->state,
		.crds = engine->survey.crds,
		.operation = "uninstall",
		.version = engine->survey.version,
		.local_only = true,
		.progress = options->progress,
	};

	if (jval_len(engine->result->resources) == 0)
		return 0;
	index = backup_take(&backup, err);
	if (index == NULL)
		return -1;
	engine->result->backup = mem_strdup(jval_str(index, "id"));
	return 0;
}

/*
 * What is left of an installation that does not stand: nothing to go back to,
 * so no journal; run again it goes on.
 */
static int remove_leftovers(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	const struct txn_options *options = engine->options;
	struct undeploy undeploy = undeploy_of(engine);
	autojval struct jval *inventory =
		inventory_take(options->kube, options->discovery,
			       options->catalogue, &engine->survey, err);
	autojval struct jval *rest = NULL;
	int status = -1;
	bool kept;

	if (inventory == NULL)
		return -1;
	rest = rest_of(options->kube, options->dry_run ? NULL : options->state,
		       inventory, &kept, err);
	if (rest == NULL)
		return -1;
	if (options->delete_namespace && engine->survey.namespace && !kept)
		jval_insert_at(rest, 0, jval_ref(engine->survey.namespace));
	if (options->dry_run) {
		undeploy_plan(rest, &engine->result->plan);
		return 0;
	}
	if (keep_resources(engine, err) < 0)
		return -1;
	if (jval_len(engine->survey.crds) == 0 ||
	    undeploy_run(&undeploy, rest, err) == 0)
		status = undeploy_objects(&undeploy, "what is left", rest, err);
	engine->result->removed = undeploy.removed;
	return status;
}

static int plan(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	const struct txn_options *options = engine->options;
	struct plan *list = &engine->result->plan;
	autojval struct jval *inventory =
		inventory_take(options->kube, options->discovery,
			       options->catalogue, &engine->survey, err);

	if (inventory == NULL)
		return -1;
	if (change_plan_before(change, err) < 0)
		return -1;
	undeploy_plan(engine->result->resources, list);
	if (options->delete_namespace && engine->survey.namespace)
		jval_insert_at(inventory, 0,
			       jval_ref(engine->survey.namespace));
	undeploy_plan(inventory, list);
	return change_plan_after(change, err);
}

/* An uninstallation that was not finished goes on. */
static int go_on(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	int status;

	if (engine_load(engine, err) < 0)
		return -1;
	status = engine_see_through(engine, err);
	change_tell_end(change, status < 0 ? err : NULL);
	return status;
}

static int uninstall(struct change *change, struct err *err)
{
	struct engine *engine = &change->engine;
	const struct txn_options *options = engine->options;

	if (change_begin(change, err) < 0)
		return -1;
	if (change->ours_open && !options->dry_run)
		return go_on(change, err);
	if (undeploy_check_workflows(options->kube, &engine->result->workflows,
				     err) < 0 &&
	    change_problem(change, err) < 0)
		return -1;
	if (collect_resources(engine, err) < 0 ||
	    check_resources(engine, err) < 0)
		return -1;
	/* No place for a journal, nothing to go back to. */
	if (!engine->survey.present || engine->survey.namespace == NULL)
		return remove_leftovers(change, err);
	if (change_find_now(change, err) < 0 ||
	    check_permissions(change, err) < 0)
		return -1;
	if (options->dry_run)
		return plan(change, err);
	if (change_run(change, err) < 0)
		return -1;
	engine->result->changed = true;
	return 0;
}

int txn_uninstall(const struct txn_options *options, struct txn_result *result,
		  struct err *err)
{
	struct change change;
	int status;

	change_init(&change, "uninstall", options, result);
	status = uninstall(&change, err);
	change_release(&change);
	return status;
}
