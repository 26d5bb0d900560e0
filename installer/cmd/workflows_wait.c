#include "cmd/cmd.h"

#include "base/mem.h"
#include "cmd/output.h"
#include "cmd/workflow_call.h"

/* What is waited for, and what came of it. */
struct waiting {
	const char *name;
	const char *state; /* "gone" = until it is; NULL = tell changes */
	const char *since; /* resourceVersion that the caller knows, or NULL */
	struct jval *last; /* owned, or NULL */
	const char *fault; /* of the error that ended it */
};

static int seen_gone(struct waiting *self, struct err *err)
{
	if (str_eq(self->state, "gone")) {
		if (self->last == NULL)
			self->last = jval_new_object();
		return 1;
	}
	self->fault = "gone";
	return err_set(err, ERR_FAILED, "there is no Workflow '%s'",
		       self->name);
}

/* For workflow_follow: until the state is reached, or never can be. */
static int seen_state(void *ctx, struct jval *workflow, struct err *err)
{
	struct waiting *self = ctx;
	autofree char *errors = NULL;
	enum workflow_stand stand;

	if (workflow == NULL)
		return seen_gone(self, err);
	jval_free(self->last);
	self->last = jval_ref(workflow);
	if (str_eq(self->state, "gone"))
		return 0;
	stand = workflow_stand(workflow, self->state);
	if (stand != WORKFLOW_FAILED)
		return stand == WORKFLOW_REACHED;
	self->fault = "failed";
	errors = workflow_errors(workflow);
	return err_set(err, ERR_FAILED, "DWS failed in %s of Workflow '%s': %s",
		       jval_str(workflow, "status.state") ?
			       jval_str(workflow, "status.state") :
			       "?",
		       self->name, errors);
}

/* For workflow_follow: each change as the API server's own events are. */
static int seen_change(void *ctx, struct jval *workflow, struct err *err)
{
	const struct waiting *self = ctx;
	autojval struct jval *event = jval_new_object();
	autofree char *text = NULL;
	autofree char *line = NULL;

	if (workflow && self->since &&
	    str_eq(jval_str(workflow, "metadata.resourceVersion"), self->since))
		return 0;
	jval_set_str(event, "type", workflow ? "MODIFIED" : "DELETED");
	if (workflow)
		jval_set(event, "object", jval_ref(workflow));
	text = jval_text(event, false);
	line = mem_printf("%s\n", text);
	if (output_text(line, err) < 0)
		return -1;
	return workflow == NULL;
}

static int check_arguments(const struct settings *settings,
			   const struct strs *args, struct err *err)
{
	if (args->nr == 0)
		return err_set(err, ERR_USAGE, "name a Workflow or a job");
	if (settings->changes ? args->nr > 1 : args->nr < 2)
		return err_set(err, ERR_USAGE,
			       "name a state, or 'gone', or give '--changes'");
	if (settings->resource_version && !settings->changes)
		return err_set(err, ERR_USAGE,
			       "'--resource-version' needs '--changes'");
	if (!settings->changes && !str_eq(args->item[1], "gone") &&
	    workflow_state_rank(args->item[1]) < 0)
		return err_set(err, ERR_USAGE,
			       "'%s' is no state of a Workflow, nor 'gone'",
			       args->item[1]);
	return 0;
}

static int wait_for_state(struct workflow_call *call, const char *state,
			  struct err *err)
{
	struct waiting self = { .name = call->name, .state = state };
	int result;

	result = workflow_follow(&call->client, call->name, seen_state, &self,
				 err);
	if (result > 0)
		return workflow_call_end(self.last, NULL, err);
	if (result == 0) {
		const char *now = jval_str(self.last, "status.state");
		const char *status = jval_str(self.last, "status.status");

		self.fault = "timeout";
		err_set(err, ERR_TIMEOUT,
			"Workflow '%s' is not %s%s in time: it is in %s (%s)",
			self.name, str_eq(state, "gone") ? "" : "complete in ",
			state, now ? now : "no state",
			status ? status : "no status");
	}
	jval_free(self.last);
	return workflow_call_end(NULL, self.fault, err);
}

static int workflows_wait_main(struct settings *settings,
			       const struct strs *args, struct err *err)
{
	auto_workflow_call struct workflow_call call = { 0 };
	struct waiting changes = { .since = settings->resource_version };

	if (check_arguments(settings, args, err) < 0 ||
	    workflow_call_open(&call, settings, args->item[0], err) < 0)
		return -1;
	if (!settings->changes)
		return wait_for_state(&call, args->item[1], err);
	if (workflow_follow(&call.client, call.name, seen_change, &changes,
			    err) < 0)
		return workflow_call_end(NULL, NULL, err);
	return 0;
}

const struct command cmd_workflows_wait = {
	.name = "workflows wait",
	.arguments = "NAME|JOB [STATE|gone]",
	.summary = "wait until a job's Workflow is where it should be",
	.chapter = CHAPTER_WLM,
	.groups = GROUP_CLUSTER | GROUP_WORKFLOW | GROUP_WAIT_FOR,
	.max_args = 2,
	.run = workflows_wait_main,
};
