/*
 * slurm_look - all that `slurm check` looks at, also before `slurm enable`.
 */
#ifndef CMD_SLURM_LOOK_H
#define CMD_SLURM_LOOK_H

#include "cmd/settings.h"
#include "slurm/check.h"

/* -1 as check_host; what is wrong is in the findings. */
int slurm_look(struct findings *findings, struct check_seen *seen,
	       const struct settings *settings, struct err *err) must_check;

/* Whether slurmctld has burst buffers by Lua, in its file and as it runs. */
void slurm_look_type(struct findings *findings, const struct site *site);

#endif
