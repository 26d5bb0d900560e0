#include "cmd/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/strs.h"
#include "cmd/output.h"
#include "cmd/transact.h"

static int revision_parse(int64_t *revision, const struct strs *args,
			  struct err *err)
{
	char *end;

	*revision = 0;
	if (args->nr == 0)
		return 0;
	errno = 0;
	*revision = strtoll(args->item[0], &end, 10);
	if (errno || *end || end == args->item[0] || *revision < 1)
		return err_set(err, ERR_USAGE,
			       "'%s' is no revision; 'dws-csm history' lists "
			       "their numbers",
			       args->item[0]);
	return 0;
}

/* It was an open transaction that went back. */
static void rollback_tell_open(const struct txn_result *result,
			       const char *took)
{
	if (result->from_version)
		log_info("the %s is taken back: DWS %s stands again (%s)",
			 result->operation, result->from_version, took);
	else
		log_info("the %s is taken back: no DWS is in this cluster (%s)",
			 result->operation, took);
}

static void rollback_tell(const struct transact *self,
			  const struct txn_result *result)
{
	size_t carried = result->restored.created + result->restored.existed;
	char took[TRANSACT_TOOK_SIZE];

	transact_took(self, took);
	if (!result->changed)
		log_info("the last change was taken back already: DWS %s "
			 "stands; to go further back name a revision of "
			 "'dws-csm history'",
			 result->version ? result->version : "(none)");
	else if (result->operation)
		rollback_tell_open(result, took);
	else
		log_info("rolled back from DWS %s to %s: %zu objects, %zu "
			 "custom resource%s carried over, revision %" PRId64
			 " (%s)",
			 result->from_version, result->version,
			 result->nr_objects, carried, carried == 1 ? "" : "s",
			 result->revision, took);
}

static int rollback_print(const struct txn_result *result, const char *format,
			  struct err *err)
{
	bool open = result->operation;
	autojval struct jval *value = jval_pack(
		"{s:s?, s:s?, s:I, s:I, s:s?}", "version",
		open ? result->from_version : result->version, "from",
		open ? result->version : result->from_version, "revision",
		result->revision, "carried",
		(int64_t)(result->restored.created + result->restored.existed),
		"takenBack", result->operation);

	return output_value(value, format, err);
}

static int rollback_main(struct settings *settings, const struct strs *args,
			 struct err *err)
{
	auto_transact struct transact self = TRANSACT_INIT;
	auto_txn_result struct txn_result result = { .changed = false };
	int64_t revision;

	if (revision_parse(&revision, args, err) < 0 ||
	    transact_open(&self, settings, false, true, err) < 0)
		return -1;
	self.options.revision = revision;
	if (transact_do(&self, txn_rollback, &result, err) < 0)
		return -1;
	if (settings->dry_run)
		return 0;
	rollback_tell(&self, &result);
	return output_format(settings->output) ?
		       rollback_print(&result, settings->output, err) :
		       0;
}

const struct command cmd_rollback = {
	.name = "rollback",
	.arguments = "[REVISION]",
	.summary = "go back to an earlier revision, or from a change half done",
	.chapter = CHAPTER_CHANGE,
	.max_args = 1,
	.groups = GROUP_CLUSTER | GROUP_REGISTRY | GROUP_CHANGE | GROUP_CARRY |
		  GROUP_REVERT | GROUP_ROLLBACK | GROUP_TXN | GROUP_STATE |
		  GROUP_PROGRESS | GROUP_OUTPUT,
	.run = rollback_main,
};
