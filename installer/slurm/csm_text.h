/*
 * csm_text - what is changed of the objects that hold a Slurm in a pod of CSM.
 *
 * Pure: values in, values out. csm.h does it.
 */
#ifndef SLURM_CSM_TEXT_H
#define SLURM_CSM_TEXT_H

#include "base/strs.h"
#include "format/jval.h"
#include "slurm/site.h"

/*
 * The ConfigMap as it shall be: with slurm.conf saying so and the files of the
 * plugin, or without. `notes` gets what is changed, and what is left alone.
 * ERR_BLOCKED where it has no slurm.conf, or one of another burst buffer
 * system.
 */
struct jval *csm_config(const struct jval *config, enum type_meaning after,
			struct strs *notes, struct err *err) must_check;

/* A Job that did its work, to be created once more: without what server and
 * controllers add. */
struct jval *csm_job(const struct jval *job) must_check;

#endif
