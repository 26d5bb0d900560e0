#include "slurm/conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/io.h"
#include "base/mem.h"

#define MAX_NAMES 100

/* Owner first: a change of it may take bits of the mode away. */
static int fill(int fd, const char *path, const struct stat *like,
		const void *data, size_t len, struct err *err)
{
	if (fchown(fd, like->st_uid, like->st_gid) < 0 ||
	    fchmod(fd, like->st_mode & 07777) < 0)
		return err_sys(err, errno, "cannot give '%s' its owner", path);
	if (io_write_all(fd, data, len, err) < 0)
		return err_wrap(err, "write '%s'", path);
	if (fsync(fd) < 0)
		return err_sys(err, errno, "cannot sync '%s'", path);
	return 0;
}

/* A file that was not there. */
static int make(const char *path, const struct stat *like, const void *data,
		size_t len, struct err *err)
{
	int fd = file_open(AT_FDCWD, path,
			   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, err);

	if (fd < 0)
		return -1;
	if (fill(fd, path, like, data, len, err) < 0) {
		close(fd);
		unlink(path);
		return -1;
	}
	return file_close(fd, path, err);
}

static int put(const char *path, const struct stat *like, const void *data,
	       size_t len, struct err *err)
{
	autofree char *temp = mem_printf("%s.%ld.tmp", path, (long)getpid());

	unlink(temp);
	if (make(temp, like, data, len, err) < 0)
		return -1;
	if (rename(temp, path) < 0) {
		err_sys(err, errno, "cannot rename '%s' to '%s'", temp, path);
		unlink(temp);
		return -1;
	}
	return file_sync_dir(AT_FDCWD, path, err);
}

/* "FILE.dws-csm-20261123T113000Z", with a number behind it where two changes
 * fall into one second. */
static int make_backup(const char *path, const struct stat *like,
		       const struct site *site, char **backup, struct err *err)
{
	char when[CLOCK_RFC3339_SIZE];
	char plain[CLOCK_RFC3339_SIZE];
	char *p = plain;

	clock_rfc3339(when, sizeof(when), clock_wall());
	for (const char *c = when; *c; c++)
		if (*c != '-' && *c != ':')
			*p++ = *c;
	*p = '\0';
	for (int i = 1; i < MAX_NAMES; i++) {
		autofree char *name =
			i == 1 ? mem_printf("%s.dws-csm-%s", path, plain) :
				 mem_printf("%s.dws-csm-%s.%d", path, plain, i);

		if (make(name, like, site->text, site->len, err) == 0) {
			*backup = mem_steal(&name);
			return 0;
		}
		if (err->sys != EEXIST)
			return -1;
		err_clear(err);
	}
	return err_set(err, ERR_FAILED, "too many copies of '%s'", path);
}

/* Where the file really is, and what it is. */
static char *real_path(const struct site *site, struct stat *st,
		       struct err *err)
{
	char *path = realpath(site->path, NULL);

	if (path && stat(path, st) == 0)
		return path;
	err_sys(err, errno, "cannot find '%s'", site->path);
	free(path);
	return NULL;
}

int conf_file_replace(const struct site *site, const void *data, size_t len,
		      char **backup, struct err *err)
{
	struct stat st;
	autofree char *path = real_path(site, &st, err);
	autofree char *now = NULL;
	size_t now_len;

	if (path == NULL ||
	    file_read(AT_FDCWD, path, SITE_MAX_BYTES, &now, &now_len, err) < 0)
		return -1;
	if (now_len != site->len || memcmp(now, site->text, now_len) != 0)
		return err_set(err, ERR_LOCKED,
			       "somebody changed '%s' just now; run this again",
			       path);
	if (make_backup(path, &st, site, backup, err) < 0)
		return err_wrap(err, "keep a copy of '%s'", path);
	return put(path, &st, data, len, err);
}

int conf_file_restore(const struct site *site, const char *backup,
		      struct err *err)
{
	struct stat st;
	autofree char *path = real_path(site, &st, err);
	autofree char *text = NULL;
	size_t len;

	if (path == NULL ||
	    file_read(AT_FDCWD, backup, SITE_MAX_BYTES, &text, &len, err) < 0 ||
	    put(path, &st, text, len, err) < 0)
		return -1;
	unlink(backup);
	return 0;
}
