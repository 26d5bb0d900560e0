#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/output.h"
#include "cmd/transact.h"
#include "cmd/plan_print.h"
#include "kube/object.h"
#include "txn/wlm.h"

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
static bool uninstall_may_ask(const struct txn_options *options,
			      const struct txn_result *result,
			      const struct err *err)
{
	return err->kind == ERR_BLOCKED && !options->destroy_resources &&
	       jval_len(result->resources) > 0 && isatty(STDIN_FILENO) &&
	       isatty(STDERR_FILENO);
}

/* Custom resources stop the first run before it changes anything; it is begun
 * anew when they may go. */
static int uninstall_or_ask(const struct txn_options *options,
			    struct txn_result *result, struct err *err)
{
	struct txn_options again = *options;

	if (txn_uninstall(options, result, err) == 0)
		return 0;
	if (!uninstall_may_ask(options, result, err) ||
	    uninstall_ask(result->resources, err) < 0)
		return -1;
	txn_result_release(result);
	again.destroy_resources = true;
	return txn_uninstall(&again, result, err);
}

/* `bound` is what wlm_value said before. A binding of the site stays. */
static void tell_credential(const struct jval *bound, struct kube *kube)
{
	const char *until = jval_str(bound, "until");
	autojval struct jval *now = NULL;

	if (jval_str(bound, "user") == NULL)
		return;
	now = wlm_value(kube);
	if (!jval_is_null(now))
		return;
	log_info("user '" WLM_USER
		 "' has no rights any more; its credential stays on the host "
		 "of slurmctld%s%s: delete the file, or have it work again "
		 "after another installation by 'dws-csm wlm renew'",
		 until ? " and is valid until " : "", until ? until : "");
}

static int uninstall_tell(const struct transact *self,
			  const struct txn_result *result,
			  const struct jval *bound, struct err *err)
{
	const char *version = result->from_version;
	autojval struct jval *value = NULL;
	char took[TRANSACT_TOOK_SIZE];

	transact_took(self, took);
	if (result->removed == 0)
		log_info("nothing of DWS is in this cluster");
	else
		log_info("DWS %s is removed: %zu object%s (%s)",
			 version ? version : "(release unknown)",
			 result->removed, result->removed == 1 ? "" : "s",
			 took);
	if (result->backup)
		log_info("its custom resources are kept in backup '%s' on this "
			 "host: see 'dws-csm backup list'",
			 result->backup);
	tell_credential(bound, self->options.kube);
	if (!output_format(self->settings->output))
		return 0;
	value = jval_pack("{s:s?, s:I, s:s?}", "version", version, "removed",
			  (int64_t)result->removed, "backup", result->backup);
	return output_value(value, self->settings->output, err);
}

static int uninstall_main(struct settings *settings, const struct strs *args,
			  struct err *err)
{
	auto_transact struct transact self = TRANSACT_INIT;
	auto_txn_result struct txn_result result = { .changed = false };

	autojval struct jval *bound = NULL;

	(void)args;
	if (transact_open(&self, settings, false, false, err) < 0)
		return -1;
	bound = wlm_value(self.cluster.kube);
	if (transact_do(&self, uninstall_or_ask, &result, err) < 0)
		return -1;
	return settings->dry_run ? 0 :
				   uninstall_tell(&self, &result, bound, err);
}

const struct command cmd_uninstall = {
	.name = "uninstall",
	.summary = "take DWS off the cluster, once no Workflow remains",
	.chapter = CHAPTER_CHANGE,
	.groups = GROUP_CLUSTER | GROUP_CHANGE | GROUP_UNINSTALL | GROUP_TXN |
		  GROUP_STATE | GROUP_PROGRESS | GROUP_OUTPUT,
	.run = uninstall_main,
};
