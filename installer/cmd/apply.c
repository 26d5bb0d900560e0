#include "base/mem.h"
#include "cmd/plan_file.h"
#include "format/jval.h"
#include "txn/plan.h"

/* A plan is of one cluster, whatever other looks like it. */
static int check_cluster(const struct jval *saved,
			 const struct settings *settings, struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	const char *planned = jval_str(saved, "cluster");
	autofree char *uid = NULL;

	if (cluster_open(&cluster, settings, err) < 0)
		return -1;
	uid = cluster_uid(&cluster);
	if (planned == NULL || uid == NULL || str_eq(planned, uid))
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "nothing was changed: the plan is of another cluster "
		       "than that of %s; name its with --kubeconfig or "
		       "--context",
		       kube_config_origin(cluster.config));
}

static int apply_main(struct settings *settings, const struct strs *args,
		      struct err *err)
{
	auto_strs struct strs arguments = STRS_INIT;
	autojval struct jval *saved = NULL;
	const struct command *command;
	int status;

	if (args->nr == 0)
		return err_set(err, ERR_USAGE,
			       "which plan? 'dws-csm plan -o FILE' writes one");
	saved = plan_load(args->item[0], err);
	if (saved == NULL)
		return -1;
	if (plan_file_take(saved, settings, &arguments, err) < 0)
		return err_wrap(err, "plan '%s'", args->item[0]);
	if (check_cluster(saved, settings, err) < 0)
		return -1;
	command = plan_command(jval_str(saved, "operation"), err);
	if (command == NULL)
		return -1;
	/* The plan has named what goes: who carries it out has agreed. */
	settings->yes = true;
	settings->plan_expected = saved;
	status = command->run(settings, &arguments, err);
	settings->plan_expected = NULL;
	return status;
}

const struct command cmd_apply = {
	.name = "apply",
	.arguments = "FILE",
	.summary = "carry out a plan, if it is still what would be done",
	.chapter = CHAPTER_CHANGE,
	.max_args = 1,
	.groups = GROUP_BUNDLE | GROUP_TRUST | GROUP_CLUSTER | GROUP_STATE |
		  GROUP_PROGRESS | GROUP_OUTPUT,
	.run = apply_main,
};
