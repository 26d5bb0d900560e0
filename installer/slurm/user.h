/*
 * user - the user that slurmctld runs as.
 */
#ifndef SLURM_USER_H
#define SLURM_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define USER_MAX_GROUPS 1024

struct user {
	uid_t uid;
	gid_t gid;
	gid_t group[USER_MAX_GROUPS]; /* others that it is in */
	size_t nr_groups;
};

/* Of a name or a number: as in /etc/passwd, else as getent(1) says, since who
 * is in a directory service is not there. Groups as id(1) says, else as in
 * /etc/group. ERR_NOT_FOUND. */
int user_find(struct user *user, const char *name, struct err *err) must_check;

/* Out of the text of a passwd file: the line of a name, or of a number. False
 * where there is none. */
bool user_of_passwd(struct user *user, const char *text, const char *name);

/* Add the groups that `name` is a member of by the text of a group file. */
void user_groups_of(struct user *user, const char *text, const char *name);

/* In a child: go on as that user, in its groups and no other ones. -1 where
 * the system refuses that. */
int user_become(const struct user *user) must_check;

/* Whether that user may read the file: also by the folders that lead there.
 * True where we are not root, and cannot try. */
bool user_can_read(const struct user *user, const char *path);

#endif
