/*
 * program - where a program is that is called by name.
 */
#ifndef SLURM_PROGRAM_H
#define SLURM_PROGRAM_H

#include "base/err.h"

/* What systemd gives to services: slurmctld's, unless its unit sets another. */
#define PROGRAM_SERVICE_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The program in the folders of `path` ("/a:/b"); one with a slash is itself.
 * NULL where there is none that can be run; the caller's. */
char *program_find(const char *name, const char *path) must_check;

/* The same in our PATH, and then where administration programs are. */
char *program_find_here(const char *name) must_check;

/* Take variables out of our environment by which a person sets what Slurm's
 * commands leave out or ask ("SQUEUE_USERS", "SCANCEL_INTERACTIVE"), or that
 * make of one job several or one elsewhere: what they do for us must not hang
 * on that. */
void program_forget_habits(void);

#endif
