#include "cmd/cmd.h"

#include "base/log.h"
#include "base/strs.h"
#include "cmd/output.h"
#include "cmd/transact.h"

static void resume_tell(const struct transact *self,
			const struct txn_result *result)
{
	char took[TRANSACT_TOOK_SIZE];

	transact_took(self, took);
	if (result->operation == NULL)
		log_info("nothing to resume: no change is under way");
	else
		log_info("the %s is ended (%s); 'dws-csm status' shows what "
			 "stands",
			 result->operation, took);
}

static int resume_main(struct settings *settings, const struct strs *args,
		       struct err *err)
{
	auto_transact struct transact self = TRANSACT_INIT;
	auto_txn_result struct txn_result result = { .changed = false };
	autojval struct jval *value = NULL;

	(void)args;
	if (transact_open(&self, settings, false, false, err) < 0 ||
	    transact_do(&self, txn_resume, &result, err) < 0)
		return -1;
	resume_tell(&self, &result);
	if (!output_format(settings->output))
		return 0;
	value = jval_pack("{s:s?, s:b, s:s?, s:s?, s:I}", "resumed",
			  result.operation, "changed", result.changed,
			  "version", result.version, "from",
			  result.from_version, "revision", result.revision);
	return output_value(value, settings->output, err);
}

const struct command cmd_resume = {
	.name = "resume",
	.summary = "go on with a change that was interrupted",
	.chapter = CHAPTER_CHANGE,
	.groups = GROUP_CLUSTER | GROUP_RESUME | GROUP_REVERT | GROUP_TXN |
		  GROUP_STATE | GROUP_PROGRESS | GROUP_OUTPUT,
	.run = resume_main,
};
