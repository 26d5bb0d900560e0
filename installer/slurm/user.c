#include "slurm/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/strs.h"

#define ACCOUNTS_MAX_BYTES ((size_t)16 << 20)

/* Field number `n` of "a:b:c"; the caller's. */
static char *field(const char *line, size_t n)
{
	while (n > 0 && *line) {
		n -= *line == ':';
		line++;
	}
	return mem_strndup(line, strcspn(line, ":"));
}

static bool field_number(const char *line, size_t n, unsigned int *value)
{
	autofree char *text = field(line, n);
	struct err err = ERR_INIT;
	uint64_t number;

	if (str_u64(text, &number, &err) < 0 || number >= UINT32_MAX)
		return false;
	*value = (unsigned int)number;
	return true;
}

bool user_of_passwd(struct user *user, const char *text, const char *name)
{
	auto_strs struct strs lines = STRS_INIT;

	strs_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.nr; i++) {
		const char *line = lines.item[i];
		autofree char *login = field(line, 0);
		autofree char *uid = field(line, 2);

		if ((str_eq(login, name) || str_eq(uid, name)) &&
		    field_number(line, 2, &user->uid) &&
		    field_number(line, 3, &user->gid))
			return true;
	}
	return false;
}

static void add_group(struct user *user, gid_t group)
{
	bool known = group == user->gid || user->nr_groups == USER_MAX_GROUPS;

	for (size_t i = 0; i < user->nr_groups && !known; i++)
		known = user->group[i] == group;
	if (!known)
		user->group[user->nr_groups++] = group;
}

void user_groups_of(struct user *user, const char *text, const char *name)
{
	auto_strs struct strs lines = STRS_INIT;
	unsigned int group;

	strs_split(&lines, text, '\n');
	for (size_t i = 0; i < lines.nr; i++) {
		autofree char *all = field(lines.item[i], 3);
		auto_strs struct strs members = STRS_INIT;

		strs_split(&members, all, ',');
		if (strs_has(&members, name) &&
		    field_number(lines.item[i], 2, &group))
			add_group(user, group);
	}
}

/* The groups of a directory service as well, which id(1) asks. */
static void find_groups(struct user *user, const char *name)
{
	char *argv[] = { "id", "-G", "--", (char *)name, NULL };
	struct proc_request request = { .argv = argv, .timeout_ms = 20000 };
	auto_proc struct proc_result result = PROC_RESULT_INIT;
	auto_strs struct strs words = STRS_INIT;
	autofree char *text = NULL;
	struct err ignored = ERR_INIT;
	unsigned int group;

	if (proc_run(&request, &result, &ignored) == 0 && result.status == 0) {
		text = mem_strdup(buf_str(&result.out));
		text[strcspn(text, "\n")] = '\0';
		strs_split(&words, text, ' ');
		for (size_t i = 0; i < words.nr; i++)
			if (field_number(words.item[i], 0, &group))
				add_group(user, group);
	} else if (file_read(AT_FDCWD, "/etc/group", ACCOUNTS_MAX_BYTES, &text,
			     NULL, &ignored) == 0) {
		user_groups_of(user, text, name);
	}
}

static int find_login(struct user *user, const char *name, struct err *err)
{
	char *argv[] = { "getent", "passwd", (char *)name, NULL };
	struct proc_request request = { .argv = argv, .timeout_ms = 20000 };
	auto_proc struct proc_result result = PROC_RESULT_INIT;
	autofree char *text = NULL;
	struct err ignored = ERR_INIT;

	if (file_read(AT_FDCWD, "/etc/passwd", ACCOUNTS_MAX_BYTES, &text, NULL,
		      &ignored) == 0 &&
	    user_of_passwd(user, text, name))
		return 0;
	if (name[0] != '-' && proc_run(&request, &result, &ignored) == 0 &&
	    result.status == 0 &&
	    user_of_passwd(user, buf_str(&result.out), name))
		return 0;
	return err_set(err, ERR_NOT_FOUND, "this host knows no user '%s'",
		       name);
}

int user_find(struct user *user, const char *name, struct err *err)
{
	user->nr_groups = 0;
	if (find_login(user, name, err) < 0)
		return -1;
	find_groups(user, name);
	return 0;
}

int user_become(const struct user *user)
{
	gid_t group[USER_MAX_GROUPS + 1] = { user->gid };

	memcpy(group + 1, user->group, user->nr_groups * sizeof(*group));
	if (setgroups(user->nr_groups + 1, group) < 0 ||
	    setresgid(user->gid, user->gid, user->gid) < 0)
		return -1;
	return setresuid(user->uid, user->uid, user->uid);
}

bool user_can_read(const struct user *user, const char *path)
{
	int status;
	pid_t pid;

	if (geteuid() != 0 || user->uid == 0)
		return true;
	pid = fork();
	if (pid == 0) {
		setsid();
		_exit(user_become(user) == 0 && access(path, R_OK) != 0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return true;
	return pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 1;
}
