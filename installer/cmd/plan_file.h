/*
 * plan_file - what is kept beside a plan, so that it can be carried out as it
 * was shown: the operation, its arguments and options, and the cluster.
 *
 *	{operation, arguments: [...], options: {NAME: TEXT}, cluster}
 *
 * Options that have their default are left out, whoever gave them; how to
 * reach the cluster, where undo data goes and where the bundle lies may be said
 * anew, whose signature counts must be. Paths are kept as they were given.
 */
#ifndef CMD_PLAN_FILE_H
#define CMD_PLAN_FILE_H

#include "cmd/cmd.h"
#include "cmd/connect.h"

/* The command of an operation that can be planned; NULL and ERR_USAGE. */
const struct command *plan_command(const char *operation, struct err *err)
	must_check;

/* The caller's. `cluster` is what cluster_uid says. */
struct jval *plan_file_meta(const struct command *command,
			    const struct strs *arguments,
			    const struct settings *settings,
			    const char *cluster) must_check;

/* Options and arguments out of a file that plan_load has read. */
int plan_file_take(const struct jval *saved, struct settings *settings,
		   struct strs *arguments, struct err *err) must_check;

/* What tells a cluster from every other, the caller's; NULL where it may not
 * be read. Source: the uid of Namespace kube-system, which never changes. */
char *cluster_uid(struct cluster *cluster) must_check;

#endif
