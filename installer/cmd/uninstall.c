#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/connect.h"
#include "cmd/release_options.h"
#include "cmd/workflow_table.h"
#include "kube/object.h"
#include "txn/uninstall.h"

#define LISTED 10

/* Only where somebody sits: a script says --yes. */
static bool uninstall_confirm(const struct jval *resources)
{
	char answer[16];

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return false;
	fprintf(stderr, "These custom resources of DWS will be destroyed:\n");
	for (size_t i = 0; i < jval_len(resources) && i < LISTED; i++) {
		const struct jval *object = jval_at(resources, i);

		fprintf(stderr, "  %s %s/%s\n", object_kind(object),
			object_namespace(object), object_name(object));
	}
	if (jval_len(resources) > LISTED)
		fprintf(stderr, "  and %zu more\n",
			jval_len(resources) - LISTED);
	fprintf(stderr, "Go on? [y/N] ");
	return fgets(answer, sizeof(answer), stdin) &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

/* What is in the way is no result, so it goes to standard error. */
static void uninstall_show_workflows(const struct jval *workflows)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	if (jval_len(workflows) == 0)
		return;
	workflow_table(workflows, &out);
	fputs(buf_str(&out), stderr);
}

static int uninstall_tell(const struct settings *settings,
			  const struct uninstall_result *result,
			  int64_t took_ms, struct err *err)
{
	if (settings->dry_run)
		return plan_print(&result->plan, settings->output, err);
	if (result->removed == 0)
		log_info("nothing of DWS is in this cluster");
	else
		log_info("DWS %s is removed: %zu objects (%.1f s)",
			 result->version ? result->version : "(unknown)",
			 result->removed, (double)took_ms / 1000);
	return 0;
}

static int uninstall_main(struct settings *settings, const struct strs *args,
			  struct err *err)
{
	autocatalogue struct catalogue *catalogue = catalogue_open(err);
	auto_cluster struct cluster cluster = { 0 };
	int64_t start = clock_now_ms();
	struct uninstall_options options = {
		.catalogue = catalogue,
		.delete_namespace = settings->delete_namespace,
		.destroy_resources = settings->yes,
		.confirm = uninstall_confirm,
		.timeout_ms = settings->timeout_ms,
		.dry_run = settings->dry_run,
	};
	struct uninstall_result result;
	int status;

	(void)args;
	if (catalogue == NULL || cluster_open(&cluster, settings, err) < 0 ||
	    settings_progress(settings, &options.progress, err) < 0)
		return -1;
	options.kube = cluster.kube;
	options.discovery = cluster.discovery;
	status = uninstall_run(&options, &result, err);
	progress_free(options.progress);
	if (status == 0)
		status = uninstall_tell(settings, &result,
					clock_now_ms() - start, err);
	else
		uninstall_show_workflows(result.workflows);
	uninstall_result_release(&result);
	return status;
}

const struct command cmd_uninstall = {
	.name = "uninstall",
	.summary = "take DWS off the cluster, once no Workflow remains",
	.groups = GROUP_CLUSTER | GROUP_CHANGE | GROUP_UNINSTALL |
		  GROUP_PROGRESS | GROUP_OUTPUT,
	.run = uninstall_main,
};
