/*
 * slurm_csm - `slurm enable` and `slurm disable` where Slurm runs in a pod of
 * CSM.
 */
#ifndef CMD_SLURM_CSM_H
#define CMD_SLURM_CSM_H

#include "cmd/settings.h"
#include "slurm/site.h"

/* Whether the options go together, else ERR_USAGE. */
int slurm_csm_check(const struct settings *settings, struct err *err)
	must_check;

/* Print the steps, or with --apply do them. Where slurmctld does not come up the
 * ConfigMap is as it was: ERR_ROLLED_BACK, ERR_ROLLBACK_INCOMPLETE. */
int slurm_csm(enum type_meaning after, const struct settings *settings,
	      struct err *err) must_check;

#endif
