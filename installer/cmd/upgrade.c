#include "cmd/cmd.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/strs.h"
#include "cmd/output.h"
#include "cmd/transact.h"

static void upgrade_tell(const struct transact *self,
			 const struct txn_result *result)
{
	const char *version = self->options.release->version;
	size_t carried = result->restored.created + result->restored.existed;
	char took[TRANSACT_TOOK_SIZE];

	transact_took(self, took);
	if (!result->changed)
		log_info("DWS %s stands already, nothing was changed (%s)",
			 version, took);
	else if (str_eq(result->from_version, version))
		log_info("DWS %s is changed: revision %" PRId64 " (%s)",
			 version, result->revision, took);
	else
		log_info("DWS %s is upgraded to %s: %zu objects, %zu custom "
			 "resource%s carried over, revision %" PRId64 " (%s)",
			 result->from_version, version, result->nr_objects,
			 carried, carried == 1 ? "" : "s", result->revision,
			 took);
}

static int upgrade_print(const struct transact *self,
			 const struct txn_result *result, struct err *err)
{
	autojval struct jval *value = jval_pack(
		"{s:s, s:s?, s:I, s:b, s:I, s:I, s:I, s:s?}", "version",
		self->options.release->version, "from", result->from_version,
		"revision", result->revision, "changed", result->changed,
		"objects", (int64_t)result->nr_objects, "carried",
		(int64_t)(result->restored.created + result->restored.existed),
		"abandoned", (int64_t)result->restored.abandoned, "backup",
		result->backup);

	return output_value(value, self->settings->output, err);
}

static int upgrade_main(struct settings *settings, const struct strs *args,
			struct err *err)
{
	auto_transact struct transact self = TRANSACT_INIT;
	auto_txn_result struct txn_result result = { .changed = false };

	(void)args;
	if (transact_open(&self, settings, true, true, err) < 0 ||
	    transact_do(&self, txn_upgrade, &result, err) < 0)
		return -1;
	if (settings->dry_run)
		return 0;
	upgrade_tell(&self, &result);
	return output_format(settings->output) ?
		       upgrade_print(&self, &result, err) :
		       0;
}

const struct command cmd_upgrade = {
	.name = "upgrade",
	.summary = "replace DWS by another release; a failure goes back",
	.chapter = CHAPTER_CHANGE,
	.groups = GROUP_BUNDLE | GROUP_TRUST | GROUP_CLUSTER | GROUP_REGISTRY |
		  GROUP_IMAGES | GROUP_RELEASE | GROUP_CHANGE | GROUP_INSTALL |
		  GROUP_CARRY | GROUP_REVERT | GROUP_UPGRADE | GROUP_TXN |
		  GROUP_STATE | GROUP_PROGRESS | GROUP_OUTPUT,
	.run = upgrade_main,
};
