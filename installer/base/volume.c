#include "base/volume.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strs.h"

struct volume_part {
	int fd;
	char *path;
	struct stat opened;
};

struct volume {
	char *name;
	struct volume_part *part;
	size_t nr;
	uint64_t part_bytes; /* of all but the last */
	uint64_t size;
};

static int add_part(struct volume *volume, const char *path, struct err *err)
{
	struct volume_part *part;
	struct stat st;
	int fd = file_open_regular(AT_FDCWD, path, &st, err);

	if (fd < 0)
		return -1;
	volume->part =
		mem_resize(volume->part, volume->nr + 1, sizeof(*volume->part));
	part = &volume->part[volume->nr++];
	part->fd = fd;
	part->path = mem_strdup(path);
	part->opened = st;
	/* A hint: who reads on finds it there. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	volume->size += (uint64_t)part->opened.st_size;
	return 0;
}

char *volume_part_name(const char *path, size_t index)
{
	return mem_printf("%s.part%03zu", path, index + 1);
}

/* The number of a part as volume_part_name writes it, or 0. */
static size_t part_number(const char *digits)
{
	size_t number = 0;

	if (strlen(digits) != 3)
		return 0;
	for (; *digits; digits++) {
		if (!isdigit((unsigned char)*digits))
			return 0;
		number = number * 10 + (size_t)(*digits - '0');
	}
	return number;
}

size_t volume_last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	autofree char *folder =
		slash ? mem_strndup(path, (size_t)(slash - path) + 1) :
			mem_strdup(".");
	autofree char *prefix = mem_printf("%s.part", slash ? slash + 1 : path);
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t last = 0;

	while (dir && (entry = readdir(dir))) {
		const char *digits = str_after(entry->d_name, prefix);
		size_t number = digits ? part_number(digits) : 0;

		if (number > last)
			last = number;
	}
	if (dir)
		closedir(dir);
	return last;
}

static int check_part(const struct volume *volume, size_t index,
		      struct err *err)
{
	uint64_t size = (uint64_t)volume->part[index].opened.st_size;
	bool last = index + 1 == volume->nr;

	if (size == volume->part_bytes ||
	    (last && size > 0 && size < volume->part_bytes))
		return 0;
	err_set(err, ERR_INVALID, "'%s' has %llu bytes, the parts before %llu",
		volume->part[index].path, (unsigned long long)size,
		(unsigned long long)volume->part_bytes);
	return err_hint(err, "copy the parts again, and none of another bundle "
			     "along with them");
}

static int open_parts(struct volume *volume, const char *path, size_t nr,
		      struct err *err)
{
	if (nr > VOLUME_MAX_PARTS)
		return err_set(err, ERR_INVALID,
			       "'%s' has %zu parts: more than %d", path, nr,
			       VOLUME_MAX_PARTS);
	for (size_t i = 0; i < nr; i++) {
		autofree char *name = volume_part_name(path, i);

		if (add_part(volume, name, err) == 0)
			continue;
		if (err->kind != ERR_NOT_FOUND)
			return -1;
		return err_set(err, ERR_INVALID,
			       "'%s' is missing, although there are parts up "
			       "to %zu: copy it beside them",
			       name, nr);
	}
	volume->part_bytes = (uint64_t)volume->part[0].opened.st_size;
	for (size_t i = 0; i < nr; i++)
		if (check_part(volume, i, err) < 0)
			return -1;
	return 0;
}

/* "FILE.partNNN" of several: FILE, or NULL. */
static char *whole_of(const char *path, size_t *number)
{
	const char *dot = strrchr(path, '.');
	const char *digits = dot ? str_after(dot, ".part") : NULL;

	*number = digits ? part_number(digits) : 0;
	return *number ? mem_strndup(path, (size_t)(dot - path)) : NULL;
}

static int open_all(struct volume *volume, const char *path, struct err *err)
{
	size_t number, last;
	autofree char *whole = whole_of(path, &number);

	if (access(path, F_OK) == 0) {
		last = whole ? volume_last_part(whole) : 0;
		if (number == 1)
			return open_parts(volume, whole, last, err);
		if (number > 1 && last > 1)
			return err_set(err, ERR_INVALID,
				       "'%s' is one part of several: name the "
				       "first, or '%s'",
				       path, whole);
		return add_part(volume, path, err);
	}
	last = volume_last_part(path);
	return last ? open_parts(volume, path, last, err) :
		      add_part(volume, path, err);
}

struct volume *volume_open(const char *path, struct err *err)
{
	autovolume struct volume *volume = mem_alloc(sizeof(*volume));

	volume->name = mem_strdup(path);
	if (open_all(volume, path, err) < 0)
		return NULL;
	if (volume->nr == 1)
		volume->part_bytes = volume->size;
	return mem_steal(&volume);
}

void volume_free(struct volume *volume)
{
	if (volume == NULL)
		return;
	for (size_t i = 0; i < volume->nr; i++) {
		close(volume->part[i].fd);
		free(volume->part[i].path);
	}
	free(volume->part);
	free(volume->name);
	free(volume);
}

const char *volume_name(const struct volume *volume)
{
	return volume->name;
}

uint64_t volume_size(const struct volume *volume)
{
	return volume->size;
}

size_t volume_parts(const struct volume *volume)
{
	return volume->nr;
}

const char *volume_place(const struct volume *volume, uint64_t offset,
			 uint64_t *within, uint64_t *left)
{
	const struct volume_part *part =
		&volume->part[offset / volume->part_bytes];

	*within = offset % volume->part_bytes;
	*left = (uint64_t)part->opened.st_size - *within;
	return part->path;
}

bool volume_has(const struct volume *volume, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	for (size_t i = 0; i < volume->nr; i++)
		if (st.st_dev == volume->part[i].opened.st_dev &&
		    st.st_ino == volume->part[i].opened.st_ino)
			return true;
	return false;
}

/* What one pread gives: up to `len` bytes of the part that holds `offset`,
 * which lies inside the volume. */
static ssize_t read_some(const struct volume *volume, uint64_t offset,
			 void *data, size_t len, struct err *err)
{
	const struct volume_part *part =
		&volume->part[offset / volume->part_bytes];
	uint64_t at = offset % volume->part_bytes;
	uint64_t left = (uint64_t)part->opened.st_size - at;
	ssize_t n;

	do {
		n = pread(part->fd, data, len < left ? len : (size_t)left,
			  (off_t)at);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, errno, "cannot read '%s'", part->path);
	if (n == 0)
		return err_set(err, ERR_INVALID,
			       "'%s' became shorter while it was read",
			       part->path);
	return n;
}

static int check_range(const struct volume *volume, uint64_t offset,
		       uint64_t len, struct err *err)
{
	if (offset <= volume->size && len <= volume->size - offset)
		return 0;
	return err_set(err, ERR_INVALID, "'%s' is truncated: it has %llu bytes",
		       volume->name, (unsigned long long)volume->size);
}

int volume_read(const struct volume *volume, uint64_t offset, void *data,
		size_t len, struct err *err)
{
	char *at = data;

	if (check_range(volume, offset, len, err) < 0)
		return -1;
	while (len > 0) {
		ssize_t n = read_some(volume, offset, at, len, err);

		if (n < 0)
			return -1;
		at += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

int volume_unchanged(const struct volume *volume, struct err *err)
{
	for (size_t i = 0; i < volume->nr; i++) {
		const struct volume_part *part = &volume->part[i];
		struct stat now;

		if (fstat(part->fd, &now) < 0)
			return err_sys(err, errno, "cannot look at '%s'",
				       part->path);
		if (now.st_size != part->opened.st_size ||
		    !same_time(&now.st_mtim, &part->opened.st_mtim))
			return err_set(err, ERR_VERIFY,
				       "'%s' was changed while it was in use; "
				       "see that nobody writes to it, then run "
				       "this again",
				       part->path);
	}
	return 0;
}

static ssize_t source_volume_read(struct source *source, void *data, size_t len,
				  struct err *err)
{
	struct source_volume *self = (struct source_volume *)source;
	ssize_t n;

	if (len > self->left)
		len = (size_t)self->left;
	if (len == 0)
		return 0;
	if (check_range(self->volume, self->offset, self->left, err) < 0)
		return -1;
	n = read_some(self->volume, self->offset, data, len, err);
	if (n < 0)
		return -1;
	self->offset += (uint64_t)n;
	self->left -= (uint64_t)n;
	return n;
}

void source_volume_init(struct source_volume *self, const struct volume *volume,
			uint64_t offset, uint64_t len)
{
	self->source.read = source_volume_read;
	self->volume = volume;
	self->offset = offset;
	self->left = len;
}
