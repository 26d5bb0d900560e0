#include "cmd/cmd.h"

#include "base/mem.h"
#include "cmd/connect.h"
#include "cmd/output.h"
#include "cmd/workflow_call.h"
#include "cmd/workflow_table.h"
#include "format/yaml.h"
#include "kube/object.h"
#include "txn/custom.h"

static void show_drivers(const struct jval *workflow, struct buf *out)
{
	const struct jval *drivers = jval_path(workflow, "status.drivers");

	if (jval_len(drivers) == 0)
		return;
	buf_addstr(out, "\nDrivers\n");
	for (size_t i = 0; i < jval_len(drivers); i++) {
		const struct jval *driver = jval_at(drivers, i);
		const char *id = jval_str(driver, "driverID");
		const char *state = jval_str(driver, "watchState");
		const char *status = jval_str(driver, "status");
		const char *error = jval_str(driver, "error");

		buf_addf(out, "  %s  %s  %s%s%s\n", id ? id : "-",
			 state ? state : "-", status ? status : "-",
			 str_empty(error) ? "" : "  ", error ? error : "");
	}
}

static void show(const struct jval *workflow, struct buf *out)
{
	const struct jval *directives =
		jval_path(workflow, "spec.dwDirectives");
	autojval struct jval *one = jval_pack("[O]", workflow);
	const char *message = jval_str(workflow, "status.message");

	workflow_table(one, out);
	if (jval_len(directives) > 0)
		buf_addstr(out, "\nDirectives\n");
	for (size_t i = 0; i < jval_len(directives); i++)
		buf_addf(out, "  %s\n", jval_string(jval_at(directives, i)));
	show_drivers(workflow, out);
	if (!str_empty(message))
		buf_addf(out, "\nMessage\n  %s\n", message);
}

static struct jval *find_in(struct kube *kube, const char *ns, const char *name,
			    struct err *err)
{
	struct jval *workflow = workflows_get(kube, ns, name, err);

	if (workflow == NULL && kube_is_not_found(err))
		err_set(err, ERR_NOT_FOUND,
			"no Workflow '%s' in namespace '%s'; 'dws-csm "
			"workflows list' shows those there are",
			name, ns);
	return workflow;
}

/* The one of that name, wherever it is, when no namespace was named. */
static struct jval *find(struct kube *kube, const struct settings *settings,
			 const char *name, struct err *err)
{
	autojval struct jval *list = NULL;

	if (settings->namespace && !settings->all_namespaces)
		return find_in(kube, settings->namespace, name, err);
	list = workflows_list(kube, NULL, err);
	if (list == NULL)
		return NULL;
	for (size_t i = 0; i < jval_len(list); i++)
		if (str_eq(object_name(jval_at(list, i)), name))
			return jval_ref(jval_at(list, i));
	err_set(err, ERR_NOT_FOUND,
		"no Workflow '%s' in any namespace; 'dws-csm workflows list' "
		"shows those there are",
		name);
	return NULL;
}

static int workflows_show_main(struct settings *settings,
			       const struct strs *args, struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	autojval struct jval *workflow = NULL;
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	autofree char *name = NULL;

	if (args->nr == 0)
		return err_set(err, ERR_USAGE, "name a Workflow or a job");
	if (cluster_open(&cluster, settings, err) < 0)
		return -1;
	name = workflow_name(args->item[0]);
	workflow = find(cluster.kube, settings, name, err);
	if (workflow == NULL)
		return -1;
	if (output_format(settings->output))
		return output_value(workflow, settings->output, err);
	show(workflow, &out);
	return output_text(buf_str(&out), err);
}

const struct command cmd_workflows_show = {
	.name = "workflows show",
	.arguments = "NAME|JOB",
	.summary = "show one Workflow: directives, drivers, errors",
	.groups = GROUP_CLUSTER | GROUP_NAMESPACE | GROUP_OUTPUT,
	.max_args = 1,
	.run = workflows_show_main,
};
