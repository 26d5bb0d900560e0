#include "cmd/cmd.h"

#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "cmd/workflow_call.h"

#define INPUT_MAX_BYTES ((size_t)2 << 20)

static struct jval *read_input(struct err *err)
{
	auto_buf struct buf text = BUF_INIT(INPUT_MAX_BYTES);
	struct jval *value;
	char block[16384];
	ssize_t n;

	while ((n = read(STDIN_FILENO, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_sys(err, errno, "cannot read standard input");
			return NULL;
		}
		buf_add(&text, block, (size_t)n);
	}
	if (buf_check(&text, "standard input", err) < 0)
		return NULL;
	value = jval_parse(buf_str(&text), text.len, err);
	if (value == NULL)
		err_wrap(err, "read standard input");
	return value;
}

/* What the server would do to it is its matter; where it goes is ours. */
static int check_input(const struct jval *workflow, const char *ns,
		       struct err *err)
{
	const char *own = jval_str(workflow, "metadata.namespace");

	if (!jval_is_object(jval_get(workflow, "metadata")))
		return err_set(err, ERR_INVALID,
			       "standard input is no Workflow: it has no "
			       "'metadata'");
	if (own && !str_eq(own, ns))
		return err_set(err, ERR_INVALID,
			       "the Workflow is of namespace '%s', not '%s'; "
			       "give --namespace",
			       own, ns);
	return 0;
}

static int workflows_create_main(struct settings *settings,
				 const struct strs *args, struct err *err)
{
	auto_workflow_call struct workflow_call call = { 0 };
	autojval struct jval *workflow = NULL;

	(void)args;
	if (!settings->from_stdin)
		return err_set(err, ERR_USAGE,
			       "give the Workflow as JSON on standard input, "
			       "with '--from-stdin'");
	if (workflow_call_open(&call, settings, NULL, err) < 0)
		return -1;
	workflow = read_input(err);
	if (workflow == NULL || check_input(workflow, call.client.ns, err) < 0)
		return workflow_call_end(NULL, "denied", err);
	return workflow_call_end(workflow_create(&call.client, workflow,
						 settings->dry_run, err),
				 NULL, err);
}

const struct command cmd_workflows_create = {
	.name = "workflows create",
	.summary = "create the Workflow of a job",
	.chapter = CHAPTER_WLM,
	.groups = GROUP_CLUSTER | GROUP_WORKFLOW | GROUP_STDIN | GROUP_REHEARSE,
	.run = workflows_create_main,
};
