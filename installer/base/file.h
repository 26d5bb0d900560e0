/*
 * file - whole small files: read with a limit, replaced atomically.
 *
 * `dirfd` is a directory or AT_FDCWD. Errors name the path.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/err.h"

/* All of a file of at most `max_bytes`, NUL-terminated, owned by the caller.
 * `len` may be NULL. ERR_NOT_FOUND where it is not. */
int file_read(int dirfd, const char *path, size_t max_bytes, char **text,
	      size_t *len, struct err *err) must_check;

/* Likewise of a regular file only, else ERR_INVALID: in a folder that is not
 * only ours a pipe would be waited for without end, and a device read. What the
 * user names himself may be a pipe on purpose: file_read. */
int file_read_regular(const char *path, size_t max_bytes, char **text,
		      size_t *len, struct err *err) must_check;

/* Likewise a key or the like: freed by mem_free_secret it leaves no copy in
 * memory. */
int file_read_secret(const char *path, size_t max_bytes, char **text,
		     struct err *err) must_check;

/* Replace `path`: a temporary file beside it with `mode` from its creation
 * on, write, fsync, close, rename, fsync of the directory. */
int file_replace(int dirfd, const char *path, mode_t mode, const void *data,
		 size_t len, struct err *err) must_check;

/* fsync of the directory that holds `path`, after a rename. */
int file_sync_dir(int dirfd, const char *path, struct err *err) must_check;

/* open(2) with O_CLOEXEC and an error that names the path. */
int file_open(int dirfd, const char *path, int flags, mode_t mode,
	      struct err *err) must_check;

/* Open a regular file to be read, see file_read_regular; `st` is what it is. */
int file_open_regular(int dirfd, const char *path, struct stat *st,
		      struct err *err) must_check;

/* Whether `path` still means the opened file `fd`, after a lock of it was
 * waited for: its last owner may have removed it. */
bool file_is_at(int fd, int dirfd, const char *path);

/* mkdir -p with `mode` for what is created. */
int file_make_dirs(const char *path, mode_t mode, struct err *err) must_check;

/* close(2) of a file that was written, with its error told. */
int file_close(int fd, const char *path, struct err *err) must_check;

static inline void file_autoclose(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* int fd = -1, closed at the end of the block (for what was only read). */
#define autoclose __attribute__((cleanup(file_autoclose)))

#endif
