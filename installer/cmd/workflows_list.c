#include "cmd/cmd.h"

#include "base/log.h"
#include "base/mem.h"
#include "cmd/connect.h"
#include "cmd/output.h"
#include "cmd/workflow_table.h"
#include "txn/custom.h"

static int workflows_list_main(struct settings *settings,
			       const struct strs *args, struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	autojval struct jval *list = NULL;
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	(void)args;
	if (cluster_open(&cluster, settings, err) < 0)
		return -1;
	/* Jobs are in many namespaces: all, unless one was named. */
	list = workflows_list(
		cluster.kube,
		settings->all_namespaces ? NULL : settings->namespace, err);
	if (list == NULL)
		return -1;
	if (output_format(settings->output))
		return output_value(list, settings->output, err);
	if (jval_len(list) == 0) {
		log_info("no Workflows");
		return 0;
	}
	workflow_table(list, &out);
	return output_text(buf_str(&out), err);
}

const struct command cmd_workflows_list = {
	.name = "workflows list",
	.summary = "list the Workflows of DWS",
	.groups = GROUP_CLUSTER | GROUP_NAMESPACE | GROUP_OUTPUT,
	.run = workflows_list_main,
};
