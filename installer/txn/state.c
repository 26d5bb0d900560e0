#include "txn/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strs.h"

#define STATE_DIR "/var/lib/dws-csm"
#define PROBE ".probe"

static const char *const folders[] = { "backup", "log" };

static char *default_dir(struct err *err)
{
	const char *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (geteuid() == 0)
		return mem_strdup(STATE_DIR);
	/* XDG Base Directory Specification: a relative one is invalid. */
	if (xdg && *xdg == '/')
		return mem_printf("%s/dws-csm", xdg);
	if (home && *home == '/')
		return mem_printf("%s/.local/state/dws-csm", home);
	err_set(err, ERR_USAGE, "there is no home directory for undo data");
	return NULL;
}

/* Whoever can write there could have us restore what he likes. */
static int check_owner(const struct state *state, struct err *err)
{
	struct stat st;

	if (fstat(state->dirfd, &st) < 0)
		return err_sys(err, errno, "cannot look at '%s'", state->path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(err, ERR_FAILED,
			       "'%s' belongs to another user (uid %u)",
			       state->path, st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, ERR_FAILED,
			       "others may write to '%s' (chmod go-w)",
			       state->path);
	return 0;
}

static int sync_dir(int dirfd, const char *name, struct err *err)
{
	autoclose int fd =
		file_open(dirfd, name, O_RDONLY | O_DIRECTORY, 0, err);

	if (fd < 0)
		return -1;
	/* Some file systems cannot sync a directory, and need not. */
	if (fsync(fd) < 0 && errno != EINVAL)
		return err_sys(err, errno, "cannot sync '%s'", name);
	return 0;
}

static int make_folders(const struct state *state, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (mkdirat(state->dirfd, folders[i], 0700) < 0 &&
		    errno != EEXIST)
			return err_sys(err, errno, "cannot create '%s/%s'",
				       state->path, folders[i]);
	return sync_dir(state->dirfd, ".", err);
}

/* A read-only or full file system shows now, not in the middle. */
static int check_writable(const struct state *state, struct err *err)
{
	if (file_replace(state->dirfd, PROBE, 0600, PROBE, sizeof(PROBE), err) <
	    0)
		return -1;
	if (unlinkat(state->dirfd, PROBE, 0) < 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot remove '" PROBE "'");
	return 0;
}

static int open_dir(struct state *state, const char *dir, struct err *err)
{
	if (file_make_dirs(dir, 0700, err) < 0)
		return -1;
	state->dirfd = file_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, err);
	if (state->dirfd < 0)
		return -1;
	state->path = realpath(dir, NULL);
	if (state->path == NULL)
		return err_sys(err, errno, "cannot resolve '%s'", dir);
	if (check_owner(state, err) < 0 || make_folders(state, err) < 0 ||
	    check_writable(state, err) < 0)
		return -1;
	/* The directory itself may be new. */
	return sync_dir(state->dirfd, "..", err);
}

int state_open(struct state *state, const char *dir, struct err *err)
{
	autofree char *chosen = str_empty(dir) ? default_dir(err) :
						 mem_strdup(dir);

	if (chosen && open_dir(state, chosen, err) == 0)
		return 0;
	state_release(state);
	if (chosen)
		err_wrap(err, "cannot keep undo data in '%s'", chosen);
	/* ENOENT would make it something that was looked for. */
	if (err->kind == ERR_NOT_FOUND)
		err->kind = ERR_FAILED;
	return err_hint(err, "name a directory of yours with --state-dir");
}

void state_release(struct state *state)
{
	if (state->dirfd >= 0)
		close(state->dirfd);
	free(state->path);
	*state = (struct state)STATE_INIT;
}

char *state_path(const struct state *state, const char *name)
{
	return mem_printf("%s/%s", state->path, name);
}
