#include "slurm/conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/strs.h"

#define MAX_NAMES 100
#define MAX_ATTRIBUTES 4096

/* What the file was like that is replaced. */
struct like {
	const char *path;
	struct stat st;
};

/* Its access list, label and whatever else it has. Where it has a list the
 * bits of the group are that list's mask: alone they would give the group what
 * others were given. */
static int copy_attributes(int fd, const char *path, const struct like *like,
			   struct err *err)
{
	char names[MAX_ATTRIBUTES];
	char value[MAX_ATTRIBUTES];
	ssize_t len = listxattr(like->path, names, sizeof(names));

	for (const char *name = names; len > 0 && name < names + len;
	     name += strlen(name) + 1) {
		ssize_t n = getxattr(like->path, name, value, sizeof(value));
		bool list = str_starts(name, "system.posix_acl_");

		/* A label may be the system's business. */
		if ((n < 0 || fsetxattr(fd, name, value, (size_t)n, 0) < 0) &&
		    list)
			return err_sys(err, errno,
				       "cannot give '%s' the access list of "
				       "'%s'",
				       path, like->path);
	}
	if (len < 0 && errno == ERANGE)
		return err_sys(err, errno, "cannot read the attributes of '%s'",
			       like->path);
	return 0;
}

/* Owner first: a change of it may take bits of the mode away. */
static int fill(int fd, const char *path, const struct like *like,
		const void *data, size_t len, struct err *err)
{
	if (fchown(fd, like->st.st_uid, like->st.st_gid) < 0)
		return err_sys(err, errno, "cannot give '%s' its owner", path);
	if (copy_attributes(fd, path, like, err) < 0)
		return -1;
	if (fchmod(fd, like->st.st_mode & 07777) < 0)
		return err_sys(err, errno, "cannot give '%s' its mode", path);
	if (io_write_all(fd, data, len, err) < 0)
		return err_wrap(err, "write '%s'", path);
	if (fsync(fd) < 0)
		return err_sys(err, errno, "cannot sync '%s'", path);
	return 0;
}

/* A file that was not there. */
static int make(const char *path, const struct like *like, const void *data,
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

static int put(const char *path, const struct like *like, const void *data,
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
static int make_backup(const char *path, const struct like *like,
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

/* Where the file really is, and what it is like. */
static char *real_path(const struct site *site, struct like *like,
		       struct err *err)
{
	char *path = realpath(site->path, NULL);

	like->path = path;
	if (path && stat(path, &like->st) == 0)
		return path;
	err_sys(err, errno, "cannot find '%s'", site->path);
	free(path);
	return NULL;
}

/* Nobody changed it since. */
static int check_text(const char *path, const char *text, size_t len,
		      struct err *err)
{
	autofree char *now = NULL;
	size_t now_len;

	if (file_read_regular(path, SITE_MAX_BYTES, &now, &now_len, err) < 0)
		return -1;
	if (now_len == len && memcmp(now, text, len) == 0)
		return 0;
	return err_set(err, ERR_LOCKED, "somebody changed '%s' just now", path);
}

int conf_file_replace(const struct site *site, const void *data, size_t len,
		      char **backup, struct err *err)
{
	struct like like;
	autofree char *path = real_path(site, &like, err);

	if (path == NULL)
		return -1;
	if (check_text(path, site->text, site->len, err) < 0)
		return err_hint(err, "run this again");
	if (make_backup(path, &like, site, backup, err) < 0)
		return err_wrap(err, "keep a copy of '%s'", path);
	return put(path, &like, data, len, err);
}

int conf_file_restore(const struct site *site, const char *backup,
		      const void *data, size_t len, struct err *err)
{
	struct like like;
	autofree char *path = real_path(site, &like, err);
	autofree char *text = NULL;
	size_t text_len;

	if (path == NULL || check_text(path, data, len, err) < 0 ||
	    file_read_regular(backup, SITE_MAX_BYTES, &text, &text_len, err) <
		    0 ||
	    put(path, &like, text, text_len, err) < 0)
		return -1;
	unlink(backup);
	return 0;
}
