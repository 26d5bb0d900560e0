#include "base/volume_writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strs.h"
#include "base/volume.h"

struct writer_part {
	int fd;
	char *path;
	char *temp; /* NULL once it is in its place */
};

struct volume_writer {
	char *path;
	uint64_t size;
	uint64_t part_bytes;
	bool split;
	struct writer_part *part;
	size_t nr;
};

static int is_being_written(const char *path, struct err *err)
{
	err_set(err, ERR_LOCKED, "'%s' is being written by another dws-csm",
		path);
	return -1;
}

/* What a process left that was killed; one that lives holds a lock. */
static int remove_left(const char *temp, const char *path, struct err *err)
{
	struct err reason = ERR_INIT;
	autoclose int fd = file_open(
		AT_FDCWD, temp, O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0, &reason);

	if (fd < 0 && reason.kind == ERR_NOT_FOUND)
		return 0;
	if (fd < 0) {
		*err = reason;
		return -1;
	}
	/* Another one may have removed it since, and begun its own. */
	if ((flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) ||
	    !file_is_at(fd, AT_FDCWD, temp))
		return is_being_written(path, err);
	if (unlink(temp) < 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot remove '%s'", temp);
	return 0;
}

static int create_partial(struct writer_part *part, mode_t mode,
			  struct err *err)
{
	autofree char *temp = mem_printf("%s.partial", part->path);

	if (remove_left(temp, part->path, err) < 0)
		return -1;
	part->fd = file_open(AT_FDCWD, temp, O_WRONLY | O_CREAT | O_EXCL, mode,
			     err);
	if (part->fd < 0)
		return err->sys == EEXIST ? is_being_written(part->path, err) :
					    -1;
	/* Before it was locked it looked like one that was left. */
	if ((flock(part->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) ||
	    !file_is_at(part->fd, AT_FDCWD, temp))
		return is_being_written(part->path, err);
	part->temp = mem_steal(&temp);
	return 0;
}

static int open_part(struct volume_writer *writer, char *path, mode_t mode,
		     struct err *err)
{
	struct writer_part *part = &writer->part[writer->nr];
	uint64_t start = writer->nr * writer->part_bytes;
	uint64_t len = writer->size - start;

	part->path = path;
	part->fd = -1;
	writer->nr++;
	if (create_partial(part, mode, err) < 0)
		return -1;
	if (len > writer->part_bytes)
		len = writer->part_bytes;
	if (ftruncate(part->fd, (off_t)len) < 0)
		return err_sys(err, errno, "cannot make '%s' %llu bytes long",
			       part->temp, (unsigned long long)len);
	return 0;
}

static int check_space(const struct volume_writer *writer, struct err *err)
{
	char needed[16], there[16];
	struct statvfs space;
	uint64_t bytes;

	/* Not every file system can tell. */
	if (fstatvfs(writer->part[0].fd, &space) < 0 || space.f_blocks == 0)
		return 0;
	bytes = (uint64_t)space.f_bavail * space.f_frsize;
	if (bytes >= writer->size)
		return 0;
	str_bytes(needed, sizeof(needed), writer->size);
	str_bytes(there, sizeof(there), bytes);
	return err_set(
		err, ERR_INVALID,
		"no space for '%s': it needs %s, %s are free (%llu bytes "
		"are missing); make room, or write it to another file "
		"system",
		writer->path, needed, there,
		(unsigned long long)(writer->size - bytes));
}

static int check_place(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		return 0;
	return err_set(err, ERR_INVALID,
		       "cannot write '%s': what stands there is not a regular "
		       "file",
		       path);
}

static int open_parts(struct volume_writer *writer, mode_t mode,
		      struct err *err)
{
	uint64_t nr =
		writer->size ? (writer->size - 1) / writer->part_bytes + 1 : 1;

	if (nr > VOLUME_MAX_PARTS)
		return err_set(err, ERR_INVALID,
			       "'%s' would have %llu parts, more than %d: make "
			       "them larger",
			       writer->path, (unsigned long long)nr,
			       VOLUME_MAX_PARTS);
	if (check_place(writer->path, err) < 0)
		return -1;
	writer->part = mem_array((size_t)nr, sizeof(*writer->part));
	for (size_t i = 0; i < nr; i++) {
		char *path = writer->split ? volume_part_name(writer->path, i) :
					     mem_strdup(writer->path);

		if (open_part(writer, path, mode, err) < 0)
			return -1;
	}
	return check_space(writer, err);
}

struct volume_writer *volume_writer_new(const char *path, uint64_t size,
					uint64_t part_bytes, mode_t mode,
					struct err *err)
{
	autovolume_writer struct volume_writer *writer =
		mem_alloc(sizeof(*writer));

	assert(size <= INT64_MAX);
	writer->path = mem_strdup(path);
	writer->size = size;
	writer->split = part_bytes > 0;
	writer->part_bytes = part_bytes ? part_bytes : size;
	/* Of an empty file, too, a position lies in some part. */
	if (writer->part_bytes == 0)
		writer->part_bytes = 1;
	if (open_parts(writer, mode, err) < 0)
		return NULL;
	return mem_steal(&writer);
}

void volume_writer_free(struct volume_writer *writer)
{
	if (writer == NULL)
		return;
	for (size_t i = 0; i < writer->nr; i++) {
		struct writer_part *part = &writer->part[i];

		if (part->fd >= 0)
			close(part->fd);
		if (part->temp)
			unlink(part->temp);
		free(part->temp);
		free(part->path);
	}
	free(writer->part);
	free(writer->path);
	free(writer);
}

int volume_writer_write(struct volume_writer *writer, uint64_t offset,
			const void *data, size_t len, struct err *err)
{
	const char *from = data;

	assert(offset <= writer->size && len <= writer->size - offset);
	while (len > 0) {
		struct writer_part *part =
			&writer->part[offset / writer->part_bytes];
		uint64_t at = offset % writer->part_bytes;
		uint64_t left = writer->part_bytes - at;
		ssize_t n = pwrite(part->fd, from,
				   len < left ? len : (size_t)left, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "cannot write '%s'",
				       part->path);
		from += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int64_t volume_writer_copy(struct volume_writer *writer, uint64_t offset,
			   struct source *source, struct err *err)
{
	autofree char *block = mem_alloc(SOURCE_BLOCK);
	uint64_t start = offset;
	ssize_t n;

	while ((n = source_read(source, block, SOURCE_BLOCK, err)) > 0) {
		if (offset > writer->size || (size_t)n > writer->size - offset)
			return err_set(err, ERR_INVALID,
				       "there is more to write than the %llu "
				       "bytes of '%s'",
				       (unsigned long long)writer->size,
				       writer->path);
		if (volume_writer_write(writer, offset, block, (size_t)n, err) <
		    0)
			return -1;
		offset += (uint64_t)n;
	}
	return n < 0 ? -1 : (int64_t)(offset - start);
}

static int finish_part(struct writer_part *part, struct err *err)
{
	int fd = part->fd;

	if (fsync(fd) < 0)
		return err_sys(err, errno, "cannot sync '%s'", part->path);
	part->fd = -1;
	return file_close(fd, part->path, err);
}

static int place_part(struct writer_part *part, struct err *err)
{
	if (rename(part->temp, part->path) < 0)
		return err_sys(err, errno, "cannot rename '%s' to '%s'",
			       part->temp, part->path);
	free(part->temp);
	part->temp = NULL;
	return 0;
}

/* What an earlier one left under names that a reader would take for this. */
static int remove_stale(const struct volume_writer *writer, struct err *err)
{
	size_t first = writer->split ? writer->nr : 0;
	size_t end = volume_last_part(writer->path);

	if (writer->split && unlink(writer->path) < 0 && errno != ENOENT)
		return err_sys(err, errno, "cannot remove '%s'", writer->path);
	for (size_t i = first; i < end; i++) {
		autofree char *name = volume_part_name(writer->path, i);

		if (unlink(name) < 0 && errno != ENOENT)
			return err_sys(err, errno, "cannot remove '%s'", name);
	}
	return 0;
}

int volume_writer_commit(struct volume_writer *writer, struct err *err)
{
	for (size_t i = 0; i < writer->nr; i++)
		if (finish_part(&writer->part[i], err) < 0)
			return -1;
	for (size_t i = 0; i < writer->nr; i++)
		if (place_part(&writer->part[i], err) < 0)
			return -1;
	if (remove_stale(writer, err) < 0)
		return -1;
	return file_sync_dir(AT_FDCWD, writer->path, err);
}
