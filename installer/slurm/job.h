/*
 * job - a job of Slurm, by the commands that every site has.
 *
 * sbatch, squeue, scontrol and scancel are run without a shell; what they
 * print for people is asked for in a form of our own (squeue's --format), and
 * fields that a user may fill come last in it. (Their --json is not in every
 * Slurm that has burst_buffer/lua.)
 *
 * ERR_BLOCKED: the command is missing, slurmctld does not answer, or it refuses
 * the job; the message names the remedy where the words of Slurm tell which.
 *
 * Source: sbatch(1), squeue(1), scontrol(1), scancel(1); slurm.conf(5).
 */
#ifndef SLURM_JOB_H
#define SLURM_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* What is submitted, and how. NULL = Slurm's default. */
struct job_order {
	const char *script; /* its text */
	size_t len;
	const char *user; /* that it belongs to; NULL = who runs this */
	const char *partition;
	const char *account;
	const char *dir;    /* working directory on the node */
	const char *output; /* file there, for what the job prints */
};

/* ERR_USAGE where the script's own options (#SBATCH) make it something that
 * cannot be followed: several jobs, one of another cluster, or one that sbatch
 * waits for. */
int job_check_script(const char *script, size_t len, struct err *err)
	must_check;

/* Its number, the caller's. A signal that comes meanwhile is left for the
 * caller to find: the job is there. */
char *job_submit(const struct job_order *order, struct err *err) must_check;

/* How it stands. */
struct job_look {
	char *state; /* "PENDING" */
	char *nodes; /* "" where it has none */
	char *reason;
};

/* 1; 0 where slurmctld knows of no such job (any more). */
int job_look(const char *id, struct job_look *look, struct err *err) must_check;
void job_look_release(struct job_look *look);

/* What `squeue --format=JOB_LOOK_FORMAT` prints of a job; false where that is
 * something else. */
#define JOB_LOOK_FORMAT "%T|%N|%r"
bool job_look_parse(const char *text, struct job_look *look) must_check;

/* Whether a job in this state has ended. */
bool job_state_is_final(const char *state);

/* What Slurm keeps about it besides. */
struct job_facts {
	char *exit_code; /* "1:0": exit status and signal; or NULL */
	char *comment;	 /* of Slurm and of administrators; or NULL */
};

/* Out of `scontrol show job`. Where that fails nothing is known. */
void job_facts_get(const char *id, struct job_facts *facts);
void job_facts_parse(const char *text, struct job_facts *facts);
void job_facts_release(struct job_facts *facts);

/* What the plugin says of its Workflow: `scontrol show bbstat workflow ID`. */
char *job_bbstat(const char *id, struct err *err) must_check;

/* Cancel it. That it has ended is no error. `hurry`: no data is staged out. */
int job_cancel(const char *id, bool hurry, struct err *err) must_check;

/* The BurstBufferType that slurmctld runs with; "" for none. The caller's. */
char *job_burst_buffer_type(struct err *err) must_check;

/* What to do about the words of a command of Slurm; NULL where they do not
 * tell. */
const char *job_remedy(const char *said);

#define auto_job_look __attribute__((cleanup(job_look_release)))
#define auto_job_facts __attribute__((cleanup(job_facts_release)))

#endif
