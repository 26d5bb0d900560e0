#include "cmd/cmd.h"

#include "base/log.h"
#include "base/mem.h"
#include "cmd/backup_describe.h"
#include "cmd/connect.h"
#include "cmd/output.h"
#include "txn/backup.h"
#include "txn/custom.h"
#include "txn/journal.h"
#include "txn/lease.h"
#include "txn/restore.h"

/* What was killed in its middle restores by itself when it goes on. */
static int check_journal(struct kube *kube, struct err *err)
{
	auto_journal struct journal journal = JOURNAL_INIT;
	int open = journal_load(&journal, kube, err);

	if (open <= 0)
		return open;
	return err_set(err, ERR_BLOCKED,
		       "the last %s did not end; 'dws-csm resume' or 'dws-csm "
		       "rollback' restores the custom resources as well",
		       jval_str(journal.value, "operation"));
}

static int restore_locked(const struct restore_options *options,
			  struct restore_result *result, struct err *err)
{
	autolease struct lease *lease = NULL;

	if (options->dry_run)
		return restore_run(options, result, err);
	/* Whoever died before us left no journal, so nothing to recover. */
	if (check_journal(options->kube, err) < 0)
		return -1;
	lease = lease_take(options->config, "backup restore", true, err);
	if (lease == NULL || check_journal(options->kube, err) < 0)
		return -1;
	return restore_run(options, result, err);
}

static int restore(struct restore_options *options,
		   struct restore_result *result, struct err *err)
{
	autojval struct jval *crds = custom_crds(options->kube, err);

	if (crds == NULL)
		return -1;
	if (jval_len(crds) == 0)
		return err_set(err, ERR_BLOCKED,
			       "DWS is not installed in this cluster, so "
			       "nothing can be restored; run 'dws-csm "
			       "install' first");
	options->carry.objects = crds;
	if (restore_check(options, err) < 0)
		return -1;
	if (restore_locked(options, result, err) < 0)
		return err_hint(err, "what was restored stays; run it again "
				     "to go on");
	return 0;
}

static int restore_print(const struct restore_result *result, const char *id,
			 const char *format, struct err *err)
{
	autojval struct jval *value = jval_pack(
		"{s:o, s:I, s:I, s:I, s:I, s:I}", "backup", jval_new_str(id),
		"created", (int64_t)result->created, "existed",
		(int64_t)result->existed, "abandoned",
		(int64_t)result->abandoned, "orphans", (int64_t)result->orphans,
		"homeless", (int64_t)result->homeless);

	return output_value(value, format, err);
}

static int restore_tell(const struct restore_options *options,
			const struct restore_result *result, const char *format,
			struct err *err)
{
	size_t left = result->abandoned + result->orphans + result->homeless;

	log_info("%zu custom resource%s %s, %zu there already, %zu left out",
		 result->created, result->created == 1 ? "" : "s",
		 options->dry_run     ? "would be restored" :
		 result->created == 1 ? "is restored" :
					"are restored",
		 result->existed, left);
	if (format && restore_print(result, options->id, format, err) < 0)
		return -1;
	if (result->homeless == 0)
		return 0;
	return err_set(err, ERR_FAILED,
		       "%zu custom resource%s left out whose namespaces do "
		       "not exist; create those, then restore again",
		       result->homeless,
		       result->homeless == 1 ? " is" : "s are");
}

static int backup_restore_main(struct settings *settings,
			       const struct strs *args, struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	auto_state struct state state = STATE_INIT;
	struct restore_options options = {
		.carry.abandon = &settings->abandon,
		.dry_run = settings->dry_run,
	};
	struct restore_result result;
	int status;

	if (args->nr == 0)
		return err_set(err, ERR_USAGE,
			       "name a backup; 'dws-csm backup list' shows "
			       "those there are");
	if (backup_state_open(&state, settings, &options.state, err) < 0 ||
	    cluster_open(&cluster, settings, err) < 0 ||
	    settings_progress(settings, &options.progress, err) < 0)
		return -1;
	options.id = args->item[0];
	options.config = cluster.config;
	options.kube = cluster.kube;
	status = restore(&options, &result, err);
	progress_free(options.progress);
	if (status < 0)
		return -1;
	return restore_tell(&options, &result, output_format(settings->output),
			    err);
}

const struct command cmd_backup_restore = {
	.name = "backup restore",
	.arguments = "ID",
	.summary = "bring back the custom resources of a backup",
	.chapter = CHAPTER_BACKUP,
	.groups = GROUP_CLUSTER | GROUP_STATE | GROUP_CARRY | GROUP_REHEARSE |
		  GROUP_OUTPUT | GROUP_PROGRESS,
	.max_args = 1,
	.run = backup_restore_main,
};
