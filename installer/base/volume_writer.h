/*
 * volume_writer - write a file of known size, or its parts, by position.
 *
 * Written beside its place as PATH.partial, and renamed when it is whole and
 * fsynced: a writer that is freed before volume_writer_commit leaves nothing.
 * What a killed one left is replaced by the next. Threads
 * may write at the same time.
 */
#ifndef BASE_VOLUME_WRITER_H
#define BASE_VOLUME_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/io.h"

struct volume_writer;

/*
 * For `size` bytes at `path`; with part_bytes > 0 in parts of that many bytes
 * (base/volume.h), also where one part would do. ERR_LOCKED
 * where another process writes it at the moment, ERR_INVALID where the file
 * system lacks the space: how much is missing, and where. What stands at
 * `path` is replaced by the commit, and so are parts left of an earlier,
 * longer one.
 */
struct volume_writer *volume_writer_new(const char *path, uint64_t size,
					uint64_t part_bytes, mode_t mode,
					struct err *err) must_check;
void volume_writer_free(struct volume_writer *writer);

int volume_writer_write(struct volume_writer *writer, uint64_t offset,
			const void *data, size_t len, struct err *err)
	must_check;

/* All of `source` from `offset` on; the number of bytes or -1. */
int64_t volume_writer_copy(struct volume_writer *writer, uint64_t offset,
			   struct source *source, struct err *err) must_check;

int volume_writer_commit(struct volume_writer *writer, struct err *err)
	must_check;

static inline void volume_writer_autofree(struct volume_writer **writer)
{
	volume_writer_free(*writer);
}

#define autovolume_writer __attribute__((cleanup(volume_writer_autofree)))

#endif
