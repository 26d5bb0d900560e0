#include "cmd/cmd.h"

#include "cmd/workflow_call.h"

static int workflows_get_main(struct settings *settings,
			      const struct strs *args, struct err *err)
{
	auto_workflow_call struct workflow_call call = { 0 };

	if (args->nr == 0)
		return err_set(err, ERR_USAGE, "name a Workflow or a job");
	if (workflow_call_open(&call, settings, args->item[0], err) < 0)
		return -1;
	return workflow_call_end(workflow_get(&call.client, call.name, err),
				 NULL, err);
}

const struct command cmd_workflows_get = {
	.name = "workflows get",
	.arguments = "NAME|JOB",
	.summary = "print the Workflow of a job as JSON",
	.chapter = CHAPTER_WLM,
	.groups = GROUP_CLUSTER | GROUP_WORKFLOW,
	.max_args = 1,
	.run = workflows_get_main,
};
