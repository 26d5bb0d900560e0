#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/connect.h"
#include "cmd/output.h"
#include "cmd/plan_print.h"
#include "cmd/workflow_table.h"
#include "kube/object.h"
#include "txn/uninstall.h"

#define LISTED 10

static void list_resources(const struct jval *resources)
{
	size_t nr = jval_len(resources);

	fprintf(stderr, "%s of DWS will be destroyed:\n",
		nr == 1 ? "This custom resource" : "These custom resources");
	for (size_t i = 0; i < nr && i < LISTED; i++) {
		const struct jval *object = jval_at(resources, i);

		fprintf(stderr, "  %s %s/%s\n", object_kind(object),
			object_namespace(object), object_name(object));
	}
	if (nr > LISTED)
		fprintf(stderr, "  and %zu more\n", nr - LISTED);
}

/* Whether the custom resources may go: 0, or why not. */
static int uninstall_ask(const struct jval *resources, struct err *err)
{
	char answer[16];
	bool answered;

	list_resources(resources);
	fprintf(stderr, "Go on? [y/N] ");
	answered = fgets(answer, sizeof(answer), stdin);
	if (!answered)
		fputc('\n', stderr);
	err_clear(err);
	if (clock_check_interrupt(err) < 0)
		return err_hint(err, "nothing was removed");
	if (answered && (answer[0] == 'y' || answer[0] == 'Y'))
		return 0;
	return err_set(err, ERR_BLOCKED, "nothing was removed");
}

/* Only where somebody sits: a script says --yes. */
static bool uninstall_may_ask(const struct uninstall_options *options,
			      const struct uninstall_result *result,
			      const struct err *err)
{
	return err->kind == ERR_BLOCKED && !options->destroy_resources &&
	       jval_len(result->resources) > 0 && isatty(STDIN_FILENO) &&
	       isatty(STDERR_FILENO);
}

/* Custom resources stop the first run before it changes anything; it is begun
 * anew when they may go. */
static int uninstall_or_ask(struct uninstall_options *options,
			    struct uninstall_result *result, int64_t *start_ms,
			    struct err *err)
{
	*start_ms = clock_now_ms();
	if (uninstall_run(options, result, err) == 0)
		return 0;
	if (!uninstall_may_ask(options, result, err) ||
	    uninstall_ask(result->resources, err) < 0)
		return -1;
	uninstall_result_release(result);
	options->destroy_resources = true;
	*start_ms = clock_now_ms();
	return uninstall_run(options, result, err);
}

/* What is in the way is no result, so as a table it goes to standard error. */
static void uninstall_show_workflows(const struct jval *workflows)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	if (jval_len(workflows) == 0)
		return;
	workflow_table(workflows, &out);
	fputs(buf_str(&out), stderr);
}

/* {blocked, workflows, resources}: workflows are null when they are unknown,
 * resources are there when they are in the way. */
static int uninstall_print_blocked(const struct uninstall_result *result,
				   const char *format, struct err *err)
{
	autojval struct jval *value = jval_new_object();

	jval_set(value, "blocked", jval_new_bool(true));
	jval_set(value, "workflows",
		 result->workflows ? jval_ref(result->workflows) :
				     jval_new_null());
	if (jval_len(result->resources) > 0)
		jval_set(value, "resources", jval_ref(result->resources));
	return output_value(value, format, err);
}

static void uninstall_tell_failure(const struct uninstall_result *result,
				   const char *format, const struct err *err)
{
	struct err print_err = ERR_INIT;

	if (format == NULL)
		uninstall_show_workflows(result->workflows);
	else if (err->kind == ERR_BLOCKED &&
		 uninstall_print_blocked(result, format, &print_err) < 0)
		log_warn("%s", print_err.msg);
}

static int uninstall_tell(const struct uninstall_result *result, bool dry_run,
			  const char *format, int64_t took_ms, struct err *err)
{
	const char *version = result->version;
	autojval struct jval *value = NULL;
	bool nothing = dry_run ? jval_len(result->plan.steps) == 0 :
				 result->removed == 0;

	if (nothing)
		log_info("nothing of DWS is in this cluster");
	else if (!dry_run)
		log_info("DWS %s is removed: %zu object%s (%.1f s)",
			 version ? version : "(release unknown)",
			 result->removed, result->removed == 1 ? "" : "s",
			 (double)took_ms / 1000);
	if (dry_run)
		return nothing && !format ?
			       0 :
			       plan_print(&result->plan, format, err);
	if (format == NULL)
		return 0;
	value = jval_pack("{s:s?, s:I}", "version", version, "removed",
			  (int64_t)result->removed);
	return output_value(value, format, err);
}

static int uninstall_main(struct settings *settings, const struct strs *args,
			  struct err *err)
{
	autocatalogue struct catalogue *catalogue = catalogue_open(err);
	auto_cluster struct cluster cluster = { 0 };
	struct uninstall_options options = {
		.catalogue = catalogue,
		.delete_namespace = settings->delete_namespace,
		.destroy_resources = settings->yes,
		.timeout_ms = settings->timeout_ms,
		.dry_run = settings->dry_run,
	};
	struct uninstall_result result;
	const char *format = output_format(settings->output);
	int64_t start;
	int status;

	(void)args;
	if (catalogue == NULL || cluster_open(&cluster, settings, err) < 0 ||
	    settings_progress(settings, &options.progress, err) < 0)
		return -1;
	options.kube = cluster.kube;
	options.discovery = cluster.discovery;
	status = uninstall_or_ask(&options, &result, &start, err);
	progress_free(options.progress);
	if (status == 0)
		status = uninstall_tell(&result, settings->dry_run, format,
					clock_now_ms() - start, err);
	else
		uninstall_tell_failure(&result, format, err);
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
