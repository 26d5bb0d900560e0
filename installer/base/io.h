/*
 * io - bytes that flow: a source is read until it ends.
 *
 * What may be large never lies in memory: a file range, an archive entry or
 * the body of an HTTP answer is a `struct source`, filters wrap it on the
 * caller's stack (count, digest check), and the consumer, an upload or a
 * file, pulls. One thread drives one chain.
 *
 *	struct source_file file;
 *	struct source_verify checked;
 *
 *	source_file_init(&file, fd, offset, len);
 *	source_verify_init(&checked, &file.source, "sha256:...", len);
 *	... while ((n = source_read(&checked.source, block, size, err)) > 0)
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/err.h"

struct source {
	/* Up to `len` bytes into `data`; 0 at the end, -1 on failure. */
	ssize_t (*read)(struct source *self, void *data, size_t len,
			struct err *err);
};

static inline ssize_t source_read(struct source *source, void *data, size_t len,
				  struct err *err)
{
	return source->read(source, data, len, err);
}

#define SOURCE_BLOCK ((size_t)256 << 10)

/* Bytes [offset, offset + len) of a file that stays open (pread). A file
 * that ends early is ERR_INVALID. */
struct source_file {
	struct source source;
	int fd;
	uint64_t offset;
	uint64_t left;
};
void source_file_init(struct source_file *self, int fd, uint64_t offset,
		      uint64_t len);

/* Bytes in memory, borrowed. */
struct source_mem {
	struct source source;
	const char *data;
	size_t left;
};
void source_mem_init(struct source_mem *self, const void *data, size_t len);

/*
 * Calls `seen` with the number of bytes that went through, for progress. A
 * negative result of `seen` ends the read with the error it made.
 */
struct source_count {
	struct source source;
	struct source *from;
	int (*seen)(void *ctx, size_t len, struct err *err);
	void *ctx;
	uint64_t total; /* may be read */
};
void source_count_init(struct source_count *self, struct source *from,
		       int (*seen)(void *ctx, size_t len, struct err *err),
		       void *ctx);

/*
 * Checks that what flows has `len` bytes and digest `digest`
 * ("sha256:<hex>"). The last block is held back until it has been checked,
 * so that a consumer that counts bytes never gets a whole wrong blob:
 * ERR_VERIFY. With len UINT64_MAX any length goes.
 */
struct source_verify {
	struct source source;
	struct source *from;
	const char *digest;
	uint64_t len;
	uint64_t seen;
	struct digest_state *state;
	bool done;
};
void source_verify_init(struct source_verify *self, struct source *from,
			const char *digest, uint64_t len);
void source_verify_release(struct source_verify *self);

/* Read all of `source`, at most `max_bytes`, as NUL-terminated text owned by
 * the caller. */
int source_read_all(struct source *source, size_t max_bytes, char **text,
		    size_t *len, struct err *err) must_check;

/* Read all of `source` for its digest, DIGEST_SIZE bytes; ERR_INTERRUPTED. */
int source_digest(struct source *source, char *digest, struct err *err)
	must_check;

/* Copy all of `source` to `fd`; the number of bytes or -1. */
int64_t source_copy_to_fd(struct source *source, int fd, struct err *err)
	must_check;

/* Write all `len` bytes. */
int io_write_all(int fd, const void *data, size_t len, struct err *err)
	must_check;

#endif
