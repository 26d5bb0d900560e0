/*
 * volume - one file, or the parts it was split into, read by position.
 *
 * A bundle for media with a limit is FILE.part001, FILE.part002, ...: all
 * parts but the last are of one size. They are joined while reading, never
 * on disk. Reading is thread-safe (pread).
 */
#ifndef BASE_VOLUME_H
#define BASE_VOLUME_H

#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

struct volume;

/* Each part is held open. Their numbers have three digits. */
#define VOLUME_MAX_PARTS 500

/*
 * Open `path`: a regular file, or where there is none the parts of it; the
 * first part itself stands for all. ERR_NOT_FOUND; ERR_INVALID names a part
 * that is missing in between, of another size, or no regular file.
 */
struct volume *volume_open(const char *path, struct err *err) must_check;
void volume_free(struct volume *volume);

const char *volume_name(const struct volume *volume); /* path, for messages */
uint64_t volume_size(const struct volume *volume);
size_t volume_parts(const struct volume *volume); /* 1 = not split */

/* The file that holds the byte at `offset`, which lies inside; where in it,
 * and how many bytes it has from there. For who changes a few of them. */
const char *volume_place(const struct volume *volume, uint64_t offset,
			 uint64_t *within, uint64_t *left);

/* Whether `fd` is open on one of its files, and not on another that has got
 * the name of one since. */
bool volume_has(const struct volume *volume, int fd);

/* Exactly `len` bytes from `offset`; ERR_INVALID where it ends before. */
int volume_read(const struct volume *volume, uint64_t offset, void *data,
		size_t len, struct err *err) must_check;

/* ERR_VERIFY when a file of it has changed since it was opened: its size or
 * the time of its content. What was verified before is no longer what is read.
 * Only against accidents: whoever may write to it can set the time. A new
 * name, mode or owner changes no bytes. */
int volume_unchanged(const struct volume *volume, struct err *err) must_check;

/* The name of part number `index` (from 0) of `path`, owned; and the number
 * (from 1) of the last one there is, 0 for none. */
char *volume_part_name(const char *path, size_t index) must_check;
size_t volume_last_part(const char *path);

/* Bytes [offset, offset + len) as a source. */
struct source_volume {
	struct source source;
	const struct volume *volume;
	uint64_t offset;
	uint64_t left;
};
void source_volume_init(struct source_volume *self, const struct volume *volume,
			uint64_t offset, uint64_t len);

static inline void volume_autofree(struct volume **volume)
{
	volume_free(*volume);
}

#define autovolume __attribute__((cleanup(volume_autofree)))

#endif
