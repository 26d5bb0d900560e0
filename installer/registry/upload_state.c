#include "registry/upload_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "format/jval.h"

#define FOLDER "uploads"
#define MAX_AGE_S ((time_t)24 * 60 * 60)
#define NAME_LEN ((size_t)64) /* without what comes after the dot */
#define MAX_BYTES ((size_t)64 << 10)
#define LOCK_TRIES 10

struct upload_state {
	int dirfd; /* borrowed */
	int lock;
	const struct upload_key *key;
	char *name;	 /* "HEX.json" */
	char *lock_name; /* "HEX.lock" */
	time_t started;
};

/* The locked file, or -1. Its last owner may remove it in between; not for
 * ever, but on a file system whose inode numbers change. */
static int take_lock(int dirfd, const char *name)
{
	struct err err = ERR_INIT;

	for (int i = 0; i < LOCK_TRIES; i++) {
		int fd = file_open(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW,
				   0600, &err);

		if (fd < 0) {
			log_verbose("uploads are not remembered: %s", err.msg);
			return -1;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			close(fd);
			return -1;
		}
		if (file_is_at(fd, dirfd, name))
			return fd;
		close(fd);
	}
	log_verbose("uploads are not remembered: cannot lock '%s'", name);
	return -1;
}

/* Files of an upload that is given up. What file_replace leaves when it is
 * killed ends in ".tmp": nobody needs that. */
static void purge_one(int dirfd, const char *name)
{
	size_t len = strcspn(name, ".");
	autofree char *lock_name = mem_printf("%.*s.lock", (int)len, name);
	struct stat st;
	int lock;

	if (len != NAME_LEN ||
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (!str_ends(name, ".tmp") && clock_wall() - st.st_mtime < MAX_AGE_S)
		return;
	lock = take_lock(dirfd, lock_name);
	if (lock < 0)
		return;
	unlinkat(dirfd, name, 0);
	unlinkat(dirfd, lock_name, 0);
	close(lock);
}

static void purge(int dirfd)
{
	int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		purge_one(dirfd, entry->d_name);
	closedir(dir);
}

int upload_state_dir(const char *dir, struct err *err)
{
	autofree char *path = mem_printf("%s/" FOLDER, dir);
	struct stat st;
	int fd;

	if (file_make_dirs(path, 0700, err) < 0)
		return -1;
	fd = file_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
		       err);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0) {
		err_sys(err, errno, "cannot look at '%s'", path);
	} else if (st.st_uid != geteuid() ||
		   (st.st_mode & (S_IWGRP | S_IWOTH))) {
		err_set(err, ERR_FAILED, "others may write to '%s'", path);
	} else {
		purge(fd);
		return fd;
	}
	close(fd);
	return -1;
}

/* What was saved for just this upload, or NULL. */
static char *load(const struct upload_state *self, time_t *started)
{
	const struct upload_key *key = self->key;
	autofree char *text = NULL;
	autojval struct jval *value = NULL;
	struct err err = ERR_INIT;
	const char *since;
	size_t len;

	if (file_read(self->dirfd, self->name, MAX_BYTES, &text, &len, &err) <
	    0)
		return NULL;
	value = jval_parse(text, len, &err);
	if (value == NULL ||
	    !str_eq(jval_str(value, "registry"), key->registry) ||
	    !str_eq(jval_str(value, "repository"), key->repository) ||
	    !str_eq(jval_str(value, "digest"), key->digest))
		return NULL;
	since = jval_str(value, "started");
	if (since == NULL || clock_parse_rfc3339(since, started, &err) < 0 ||
	    clock_wall() - *started > MAX_AGE_S || *started > clock_wall())
		return NULL;
	return mem_strdup(jval_str(value, "location"));
}

static void name_files(struct upload_state *self)
{
	const struct upload_key *key = self->key;
	autofree char *all = mem_printf("%s\n%s\n%s", key->registry,
					key->repository, key->digest);
	char digest[DIGEST_SIZE];

	digest_of(all, strlen(all), digest);
	self->name = mem_printf("%s.json", digest_hex(digest));
	self->lock_name = mem_printf("%s.lock", digest_hex(digest));
}

static void state_free(struct upload_state *self)
{
	if (self->lock >= 0)
		close(self->lock);
	free(self->name);
	free(self->lock_name);
	free(self);
}

struct upload_state *upload_state_claim(int dirfd, const struct upload_key *key,
					char **location)
{
	struct upload_state *self;

	*location = NULL;
	if (dirfd < 0)
		return NULL;
	self = mem_alloc(sizeof(*self));
	self->dirfd = dirfd;
	self->key = key;
	name_files(self);
	self->lock = take_lock(dirfd, self->lock_name);
	if (self->lock < 0) {
		state_free(self);
		return NULL;
	}
	*location = load(self, &self->started);
	if (*location == NULL)
		self->started = clock_wall();
	return self;
}

void upload_state_save(struct upload_state *self, const char *location)
{
	autojval struct jval *value = NULL;
	autofree char *text = NULL;
	struct err err = ERR_INIT;
	char started[CLOCK_RFC3339_SIZE];

	if (self == NULL)
		return;
	clock_rfc3339(started, sizeof(started), self->started);
	value = jval_new_object();
	jval_set_str(value, "registry", self->key->registry);
	jval_set_str(value, "repository", self->key->repository);
	jval_set_str(value, "digest", self->key->digest);
	jval_set_str(value, "location", location);
	jval_set_str(value, "started", started);
	text = jval_pretty(value);
	if (file_replace(self->dirfd, self->name, 0600, text, strlen(text),
			 &err) < 0)
		log_verbose("an upload is not remembered: %s", err.msg);
}

void upload_state_close(struct upload_state *self, bool keep)
{
	if (self == NULL)
		return;
	if (!keep)
		unlinkat(self->dirfd, self->name, 0);
	/* Last, while it is held. */
	unlinkat(self->dirfd, self->lock_name, 0);
	state_free(self);
}
