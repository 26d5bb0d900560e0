#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"

bool file_is_at(int fd, int dirfd, const char *path)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 &&
	       fstatat(dirfd, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

int file_open(int dirfd, const char *path, int flags, mode_t mode,
	      struct err *err)
{
	int fd = openat(dirfd, path, flags | O_CLOEXEC, mode);

	if (fd < 0)
		return err_sys(err, errno, "cannot open '%s'", path);
	return fd;
}

static int check_regular(const struct stat *st, const char *path,
			 struct err *err)
{
	if (S_ISREG(st->st_mode))
		return 0;
	return err_set(err, ERR_INVALID, "'%s' is not a regular file", path);
}

/* Looked at first, since opening a device may already do something; and again,
 * since it may be another one by then. */
int file_open_regular(int dirfd, const char *path, struct stat *st,
		      struct err *err)
{
	int fd;

	if (fstatat(dirfd, path, st, 0) < 0)
		return err_sys(err, errno, "cannot open '%s'", path);
	if (check_regular(st, path, err) < 0)
		return -1;
	fd = file_open(dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, err);
	if (fd < 0)
		return -1;
	if (fstat(fd, st) < 0)
		err_sys(err, errno, "cannot look at '%s'", path);
	else if (check_regular(st, path, err) == 0)
		return fd;
	close(fd);
	return -1;
}

int file_close(int fd, const char *path, struct err *err)
{
	if (close(fd) < 0)
		return err_sys(err, errno, "cannot write '%s'", path);
	return 0;
}

struct source_fd {
	struct source source;
	int fd;
};

static ssize_t source_fd_read(struct source *source, void *data, size_t len,
			      struct err *err)
{
	struct source_fd *self = (struct source_fd *)source;
	ssize_t n;

	do {
		n = read(self->fd, data, len);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? err_sys(err, errno, "cannot read") : n;
}

/* All that `fd` has, which is closed; nothing of -1. */
static int read_whole(int fd, const char *path, size_t max_bytes, char **text,
		      size_t *len, struct err *err)
{
	autoclose int opened = fd;
	struct source_fd source = { { source_fd_read }, fd };

	if (fd < 0)
		return -1;
	if (source_read_all(&source.source, max_bytes, text, len, err) < 0)
		return err_wrap(err, "read '%s'", path);
	return 0;
}

int file_read(int dirfd, const char *path, size_t max_bytes, char **text,
	      size_t *len, struct err *err)
{
	return read_whole(file_open(dirfd, path, O_RDONLY, 0, err), path,
			  max_bytes, text, len, err);
}

int file_read_regular(const char *path, size_t max_bytes, char **text,
		      size_t *len, struct err *err)
{
	struct stat st;

	return read_whole(file_open_regular(AT_FDCWD, path, &st, err), path,
			  max_bytes, text, len, err);
}

/* Until the end, or `max_bytes`. */
static ssize_t read_some(struct source *source, char *text, size_t max_bytes,
			 struct err *err)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < max_bytes) {
		n = source_read(source, text + len, max_bytes - len, err);
		len += n > 0 ? (size_t)n : 0;
	}
	return n < 0 ? -1 : (ssize_t)len;
}

/* Into one buffer of the largest size: one that grows leaves copies. */
int file_read_secret(const char *path, size_t max_bytes, char **text,
		     struct err *err)
{
	autoclose int fd = file_open(AT_FDCWD, path, O_RDONLY, 0, err);
	struct source_fd source = { { source_fd_read }, fd };
	ssize_t len;
	char *all;

	if (fd < 0)
		return -1;
	all = mem_alloc(max_bytes + 1);
	len = read_some(&source.source, all, max_bytes + 1, err);
	if (len >= 0 && (size_t)len <= max_bytes) {
		*text = all;
		return 0;
	}
	if (len >= 0)
		err_set(err, ERR_INVALID, "it is longer than %zu bytes",
			max_bytes);
	mem_wipe(all, max_bytes + 1);
	free(all);
	return err_wrap(err, "read '%s'", path);
}

int file_sync_dir(int dirfd, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	autofree char *dir = slash && slash > path ?
				     mem_strndup(path, (size_t)(slash - path)) :
				     mem_strdup(slash ? "/" : ".");
	autoclose int fd =
		file_open(dirfd, dir, O_RDONLY | O_DIRECTORY, 0, err);

	if (fd < 0)
		return -1;
	/* Some file systems cannot sync a directory, and need not. */
	if (fsync(fd) < 0 && errno != EINVAL)
		return err_sys(err, errno, "cannot sync '%s'", dir);
	return 0;
}

static int file_write_new(int dirfd, const char *path, mode_t mode,
			  const void *data, size_t len, struct err *err)
{
	int fd = file_open(dirfd, path, O_WRONLY | O_CREAT | O_EXCL, mode, err);

	if (fd < 0)
		return -1;
	if (io_write_all(fd, data, len, err) < 0) {
		close(fd);
		return err_wrap(err, "write '%s'", path);
	}
	if (fsync(fd) < 0) {
		err_sys(err, errno, "cannot sync '%s'", path);
		close(fd);
		return -1;
	}
	return file_close(fd, path, err);
}

int file_replace(int dirfd, const char *path, mode_t mode, const void *data,
		 size_t len, struct err *err)
{
	autofree char *temp = mem_printf("%s.%ld.tmp", path, (long)getpid());

	/* A file of an earlier process with our number. */
	unlinkat(dirfd, temp, 0);
	if (file_write_new(dirfd, temp, mode, data, len, err) < 0)
		goto fail;
	if (renameat(dirfd, temp, dirfd, path) < 0) {
		err_sys(err, errno, "cannot rename '%s' to '%s'", temp, path);
		goto fail;
	}
	return file_sync_dir(dirfd, path, err);
fail:
	unlinkat(dirfd, temp, 0);
	return -1;
}

int file_make_dirs(const char *path, mode_t mode, struct err *err)
{
	autofree char *part = mem_strdup(path);
	struct stat st;

	for (char *p = part; *p; p++) {
		if (*p != '/' || p == part)
			continue;
		*p = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return err_sys(err, errno, "cannot create '%s'", part);
		*p = '/';
	}
	if (mkdir(part, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(err, errno, "cannot create '%s'", part);
	if (stat(part, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_sys(err, ENOTDIR, "cannot create '%s'", part);
	return 0;
}
