/*
 * slurm_change - what `slurm enable` and `slurm disable` have in common: a new
 * slurm.conf, slurmctld restarted, and the way back.
 */
#ifndef CMD_SLURM_CHANGE_H
#define CMD_SLURM_CHANGE_H

#include "base/buf.h"
#include "cmd/settings.h"
#include "slurm/site.h"

struct slurm_change {
	const struct site *site;
	const struct buf *text;	  /* of slurm.conf; NULL = it stays */
	enum type_meaning before; /* what slurmctld had */
	enum type_meaning after;
};

/*
 * Do it as the settings have it (--dry-run, --restart), and tell. Where
 * slurmctld does not come up, slurm.conf is as it was: ERR_ROLLED_BACK, or
 * ERR_ROLLBACK_INCOMPLETE where it does not come up with that either.
 */
int slurm_change(const struct slurm_change *change,
		 const struct settings *settings, struct err *err) must_check;

#endif
