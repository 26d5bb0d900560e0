/*
 * The steps of a transaction, in order.
 */
#include "txn/step.h"

struct undeploy step_undeploy(const struct engine *self)
{
	const struct txn_options *options = self->options;

	return (struct undeploy){
		.config = options->config,
		.kube = options->kube,
		.discovery = options->discovery,
		.retire = engine_goal(self) == NULL && !engine_is_back(self),
		.timeout_ms = engine_timeout_ms(self),
		.progress = options->progress,
		.lease = self->lease,
	};
}

const char *step_operation(const struct engine *self)
{
	return jval_str(self->journal.value, "operation");
}

const struct step steps[] = {
	{ "gate", "keeping new Workflows out", step_gate },
	{ "stop", "stopping the controllers", step_stop },
	{ "backup", "backing up custom resources", step_backup },
	{ "remove", "taking away what stands", step_remove },
	{ "deploy", "applying objects", step_deploy },
	{ "wait", "waiting until all is ready", step_wait },
	{ "restore", "restoring custom resources", step_restore },
	{ "start", "starting the controllers", step_start },
	{ "probe", "trying a Workflow", step_probe },
	{ "commit", "writing the records", step_commit },
	{ "finish", "letting Workflows in", step_finish },
	{ NULL, NULL, NULL },
};
