/*
 * check - what slurmctld needs of its host before it can use the plugin.
 *
 *	slurm.conf, slurmctld, lua, user, plugin, burst_buffer.conf, hooks,
 *	settings
 *
 * Each is a finding of that name. The credential and the cluster are looked at
 * elsewhere.
 */
#ifndef SLURM_CHECK_H
#define SLURM_CHECK_H

#include "base/finding.h"
#include "slurm/host.h"
#include "slurm/site.h"
#include "slurm/user.h"

#define CHECK_HOOKS "hooks"

struct check_seen {
	struct site site;
	struct host host;
	struct user user;
	bool has_user;
	char *settings; /* text of dws-burst-buffer.conf, "" for none */
};

/* Look at all of it. `conf` NULL = see site_read. -1 where there is no Slurm to
 * look at: no slurm.conf, or one that Slurm itself would not read. */
int check_host(struct findings *findings, struct check_seen *seen,
	       const char *conf, struct err *err) must_check;
void check_seen_release(struct check_seen *seen);

/* What is wrong with a file that slurmctld reads or runs: others than its user
 * and root may change it. NULL where nothing is; the caller's. */
char *check_safe(const char *path, const struct user *user) must_check;

/* The value of NAME=VALUE in the text of dws-burst-buffer.conf, as the plugin
 * reads it, or `otherwise`; the caller's. */
char *check_setting(const char *text, const char *name, const char *otherwise)
	must_check;

#define auto_check_seen __attribute__((cleanup(check_seen_release)))

#endif
