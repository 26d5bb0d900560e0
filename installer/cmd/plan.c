#include "base/log.h"
#include "base/mem.h"
#include "cmd/open_bundle.h"
#include "cmd/option_check.h"
#include "cmd/plan_file.h"
#include "format/jval.h"
#include "txn/survey.h"

/* What one would do without saying it: upgrade where another release stands,
 * else install. Borrowed. */
static const char *usual_operation(struct cluster *cluster,
				   const struct settings *settings,
				   struct err *err)
{
	auto_open_bundle struct open_bundle opened = { .bundle = NULL };
	auto_survey struct survey survey = SURVEY_INIT;
	const struct release *release;

	if (open_bundle(&opened, settings, false, err) < 0)
		return NULL;
	release = catalogue_release(opened.catalogue, settings->version, err);
	if (release == NULL ||
	    survey_take(&survey, cluster->kube, cluster->discovery, err) < 0)
		return NULL;
	if (survey.version && !str_eq(survey.version, release->version))
		return "upgrade";
	return "install";
}

static int check_arguments(const struct command *command,
			   const struct strs *args, struct err *err)
{
	if (args->nr <= command->max_args)
		return 0;
	return err_set(err, ERR_USAGE, "unexpected argument '%s'",
		       args->item[command->max_args]);
}

static int plan_into_file(const struct command *command,
			  struct settings *settings, const struct strs *args,
			  const char *cluster, struct err *err)
{
	autojval struct jval *meta = NULL;
	int status;

	settings->plan_file = settings->output;
	settings->output = NULL;
	meta = plan_file_meta(command, args, settings, cluster);
	settings->plan_meta = meta;
	status = command->run(settings, args, err);
	settings->plan_meta = NULL;
	if (status == 0)
		log_info("the plan is written; 'dws-csm apply %s' carries it "
			 "out",
			 settings->plan_file);
	return status;
}

static int plan_main(struct settings *settings, const struct strs *args,
		     struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	auto_strs struct strs rest = STRS_INIT;
	autofree char *uid = NULL;
	const struct command *command;
	const char *operation = args->nr > 0 ? args->item[0] : NULL;

	for (size_t i = 1; i < args->nr; i++)
		strs_add(&rest, args->item[i]);
	if (operation && plan_command(operation, err) == NULL)
		return -1;
	if (cluster_open(&cluster, settings, err) < 0)
		return -1;
	if (operation == NULL)
		operation = usual_operation(&cluster, settings, err);
	if (operation == NULL)
		return -1;
	command = plan_command(operation, err);
	if (command == NULL || check_arguments(command, &rest, err) < 0)
		return -1;
	settings->dry_run = true;
	if (!option_is_file(settings->output))
		return command->run(settings, &rest, err);
	uid = cluster_uid(&cluster);
	return plan_into_file(command, settings, &rest, uid, err);
}

const struct command cmd_plan = {
	.name = "plan",
	.arguments = "[install|upgrade|rollback [REVISION]|uninstall]",
	.summary = "tell every step of a change beforehand, or keep it in a "
		   "file",
	.max_args = 2,
	.groups = GROUP_BUNDLE | GROUP_TRUST | GROUP_CLUSTER | GROUP_REGISTRY |
		  GROUP_IMAGES | GROUP_RELEASE | GROUP_CHANGE | GROUP_INSTALL |
		  GROUP_WAIT | GROUP_CARRY | GROUP_REVERT | GROUP_UPGRADE |
		  GROUP_WLM_ISSUE | GROUP_WITH_WLM | GROUP_ROLLBACK |
		  GROUP_UNINSTALL | GROUP_TXN | GROUP_STATE | GROUP_PROGRESS |
		  GROUP_PLAN,
	.run = plan_main,
};
