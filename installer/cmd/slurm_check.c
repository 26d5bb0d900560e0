#include "cmd/cmd.h"

#include "cmd/findings.h"
#include "cmd/slurm_look.h"

static int slurm_check_main(struct settings *settings, const struct strs *args,
			    struct err *err)
{
	auto_findings struct findings findings = FINDINGS_INIT;
	auto_check_seen struct check_seen seen = { .settings = NULL };
	const struct finding *fault;

	(void)args;
	if (slurm_look(&findings, &seen, settings, err) < 0 ||
	    findings_tell(findings.item, findings.nr, settings->output, err) <
		    0)
		return -1;
	fault = findings_fault(&findings, NULL);
	if (fault == NULL)
		return 0;
	return err_set(err, ERR_BLOCKED, "%s: %s", fault->check, fault->seen);
}

const struct command cmd_slurm_check = {
	.name = "slurm check",
	.summary = "tell whether slurmctld can use the plugin",
	.chapter = CHAPTER_WLM,
	.groups = GROUP_SLURM | GROUP_WLM_CHECK | GROUP_OUTPUT,
	.run = slurm_check_main,
};
