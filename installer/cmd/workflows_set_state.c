#include "cmd/cmd.h"

#include "cmd/workflow_call.h"

static int workflows_set_state_main(struct settings *settings,
				    const struct strs *args, struct err *err)
{
	auto_workflow_call struct workflow_call call = { 0 };

	if (args->nr < 2)
		return err_set(err, ERR_USAGE,
			       "name a Workflow or a job, and a state");
	if (workflow_state_rank(args->item[1]) < 0)
		return err_set(err, ERR_USAGE,
			       "'%s' is no state of a Workflow; those are "
			       "Proposal, Setup, DataIn, PreRun, PostRun, "
			       "DataOut, Teardown",
			       args->item[1]);
	if (workflow_call_open(&call, settings, args->item[0], err) < 0)
		return -1;
	return workflow_call_end(
		workflow_set_state(&call.client, call.name, args->item[1],
				   settings->hurry, settings->resource_version,
				   err),
		NULL, err);
}

const struct command cmd_workflows_set_state = {
	.name = "workflows set-state",
	.arguments = "NAME|JOB STATE",
	.summary = "ask for a state of a job's Workflow",
	.chapter = CHAPTER_WLM,
	.groups = GROUP_CLUSTER | GROUP_WORKFLOW | GROUP_SET_STATE,
	.max_args = 2,
	.run = workflows_set_state_main,
};
