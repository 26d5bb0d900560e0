/*
 * control - the slurmctld that runs, as scontrol(1) tells of it.
 *
 * Source: scontrol(1), "ping", "show config".
 */
#ifndef SLURM_CONTROL_H
#define SLURM_CONTROL_H

#include <stdint.h>

#include "base/err.h"
#include "base/strs.h"
#include "slurm/site.h"

/* What slurmctld says of `name` in its configuration ("BurstBufferType"), the
 * caller's; "" where it says none. ERR_BLOCKED where it does not answer, ERR_INVALID
 * where Slurm refuses slurm.conf. */
char *control_setting(const struct site *site, const char *name,
		      struct err *err) must_check;

/* Wait until it answers, and says `type` of BurstBufferType. ERR_TIMEOUT tells
 * what it says instead, ERR_INTERRUPTED. */
int control_wait(const struct site *site, enum type_meaning type,
		 int64_t timeout_ms, struct err *err) must_check;

/* Run the command that restarts slurmctld: words, no shell. */
int control_restart(const char *command, struct err *err) must_check;

/* How many jobs in the queue ask for a burst buffer, or have left it but not
 * yet their storage; ERR_BLOCKED likewise. */
int control_count_jobs(const struct site *site, size_t *nr, struct err *err)
	must_check;

/* The value in the text of `scontrol show config`; the caller's, NULL where it
 * has none. "(null)" is "". */
char *control_parse(const char *text, const char *name) must_check;

/* Add the numbers of jobs that are not there yet: of those that ask for a burst
 * buffer in the text of `squeue -h -O JobID,BurstBuffer`, and of those that
 * still have one in that of `scontrol show burst`: "    JobID=7 CreateTime=...",
 * or a task of an array, "JobID=5_2(7)". */
void control_parse_queue(const char *text, struct strs *jobs);
void control_parse_buffers(const char *text, struct strs *jobs);

#endif
