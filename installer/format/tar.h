/*
 * tar - an index of a tar archive that stays where it is.
 *
 * An uncompressed archive is indexed by seeking from header to header: no
 * byte of content is read until somebody asks for it. ustar, GNU and pax
 * headers. A compressed archive is refused with the name of its compression
 * and what to do (image archives are written uncompressed by podman, docker
 * and skopeo).
 *
 * The index holds files and links; directories and devices are left out, and
 * a sparse file is refused. Where a name comes twice the later one counts.
 *
 * Source: POSIX.1-2017 pax, "pax Interchange Format"; GNU tar manual,
 * "Basic Tar Format".
 */
#ifndef FORMAT_TAR_H
#define FORMAT_TAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/volume.h"

struct tar;

struct tar_entry {
	char *path;	 /* without leading "./", without "." and ".." */
	char *link;	 /* of a link: the path it leads to, else NULL */
	uint64_t offset; /* of the content in the volume */
	uint64_t size;
};

/* Index the archive in [start, start + len) of `volume`, which is borrowed
 * and must stay open; len UINT64_MAX = to its end. ERR_INVALID when it is not
 * a tar archive or is truncated. */
struct tar *tar_open(const struct volume *volume, uint64_t start, uint64_t len,
		     struct err *err) must_check;
void tar_free(struct tar *tar);

/* The entry, links followed (docker save links layers), or NULL: also where
 * a link leads out of the archive or in a circle. Borrowed. */
const struct tar_entry *tar_find(const struct tar *tar, const char *path);

size_t tar_count(const struct tar *tar);
const struct tar_entry *tar_at(const struct tar *tar, size_t index);

/* A small entry as NUL-terminated text, owned by the caller. ERR_NOT_FOUND
 * names it; ERR_INVALID where it is longer than `max_bytes`. */
int tar_read(const struct tar *tar, const char *path, size_t max_bytes,
	     char **text, size_t *len, struct err *err) must_check;

const char *tar_library_version(void);

static inline void tar_autofree(struct tar **tar)
{
	tar_free(*tar);
}

#define autotar __attribute__((cleanup(tar_autofree)))

#endif
