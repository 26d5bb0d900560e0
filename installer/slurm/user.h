/*
 * user - the user that slurmctld runs as.
 */
#ifndef SLURM_USER_H
#define SLURM_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct user {
	uid_t uid;
	gid_t gid;
};

/* Of a name or a number: as in /etc/passwd, else as getent(1) says, since who
 * is in a directory service is not there. ERR_NOT_FOUND. */
int user_find(struct user *user, const char *name, struct err *err) must_check;

/* Out of the text of a passwd file: the line of a name, or of a number. False
 * where there is none. */
bool user_of_passwd(struct user *user, const char *text, const char *name);

/* Whether that user, in no group but its own, may read the file: also by the
 * folders that lead there. True where we are not root, and cannot try. */
bool user_can_read(const struct user *user, const char *path);

#endif
