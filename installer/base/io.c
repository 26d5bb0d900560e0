#include "base/io.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

static ssize_t source_file_read(struct source *source, void *data, size_t len,
				struct err *err)
{
	struct source_file *self = (struct source_file *)source;
	ssize_t n;

	if (len > self->left)
		len = (size_t)self->left;
	if (len == 0)
		return 0;
	do {
		n = pread(self->fd, data, len, (off_t)self->offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, errno, "cannot read");
	if (n == 0)
		return err_set(err, ERR_INVALID,
			       "file is truncated: %llu bytes are missing",
			       (unsigned long long)self->left);
	self->offset += (uint64_t)n;
	self->left -= (uint64_t)n;
	return n;
}

void source_file_init(struct source_file *self, int fd, uint64_t offset,
		      uint64_t len)
{
	self->source.read = source_file_read;
	self->fd = fd;
	self->offset = offset;
	self->left = len;
}

static ssize_t source_mem_read(struct source *source, void *data, size_t len,
			       struct err *err)
{
	struct source_mem *self = (struct source_mem *)source;

	(void)err;
	if (len > self->left)
		len = self->left;
	if (len > 0)
		memcpy(data, self->data, len);
	self->data += len;
	self->left -= len;
	return (ssize_t)len;
}

void source_mem_init(struct source_mem *self, const void *data, size_t len)
{
	self->source.read = source_mem_read;
	self->data = data;
	self->left = len;
}

static ssize_t source_count_read(struct source *source, void *data, size_t len,
				 struct err *err)
{
	struct source_count *self = (struct source_count *)source;
	ssize_t n = source_read(self->from, data, len, err);

	if (n <= 0)
		return n;
	self->total += (uint64_t)n;
	if (self->seen && self->seen(self->ctx, (size_t)n, err) < 0)
		return -1;
	return n;
}

void source_count_init(struct source_count *self, struct source *from,
		       int (*seen)(void *ctx, size_t len, struct err *err),
		       void *ctx)
{
	self->source.read = source_count_read;
	self->from = from;
	self->seen = seen;
	self->ctx = ctx;
	self->total = 0;
}

static int source_verify_end(struct source_verify *self, struct err *err)
{
	char digest[DIGEST_SIZE];

	if (self->len != UINT64_MAX && self->seen != self->len)
		return err_set(err, ERR_VERIFY,
			       "blob '%s' has %llu bytes instead of %llu",
			       self->digest, (unsigned long long)self->seen,
			       (unsigned long long)self->len);
	digest_final(self->state, digest);
	if (strcmp(digest, self->digest) != 0)
		return err_set(err, ERR_VERIFY,
			       "blob '%s' is corrupt: its digest is '%s'",
			       self->digest, digest);
	/* Only now: who reads on after a failure fails again. */
	self->done = true;
	return 0;
}

static ssize_t source_verify_read(struct source *source, void *data, size_t len,
				  struct err *err)
{
	struct source_verify *self = (struct source_verify *)source;
	ssize_t n;

	if (self->done)
		return 0;
	n = source_read(self->from, data, len, err);
	if (n < 0)
		return -1;
	digest_update(self->state, data, (size_t)n);
	self->seen += (uint64_t)n;
	if (self->len != UINT64_MAX && self->seen > self->len)
		return err_set(err, ERR_VERIFY,
			       "blob '%s' is longer than %llu bytes",
			       self->digest, (unsigned long long)self->len);
	/* Checked together with its last block: the consumer that waits for
	 * `len` bytes never has all of them before they are known good. */
	if (n == 0 || self->seen == self->len)
		return source_verify_end(self, err) < 0 ? -1 : n;
	return n;
}

void source_verify_init(struct source_verify *self, struct source *from,
			const char *digest, uint64_t len)
{
	self->source.read = source_verify_read;
	self->from = from;
	self->digest = digest;
	self->len = len;
	self->seen = 0;
	self->state = digest_new();
	self->done = false;
}

void source_verify_release(struct source_verify *self)
{
	digest_free(self->state);
	self->state = NULL;
}

int source_read_all(struct source *source, size_t max_bytes, char **text,
		    size_t *len, struct err *err)
{
	auto_buf struct buf all = BUF_INIT(max_bytes);
	autofree char *block = mem_alloc(SOURCE_BLOCK);
	ssize_t n;

	while ((n = source_read(source, block, SOURCE_BLOCK, err)) > 0) {
		buf_add(&all, block, (size_t)n);
		if (buf_check(&all, "content", err) < 0)
			return -1;
	}
	if (n < 0)
		return -1;
	if (len)
		*len = all.len;
	*text = buf_steal(&all);
	return 0;
}

int source_digest(struct source *source, char *digest, struct err *err)
{
	autofree char *block = mem_alloc(SOURCE_BLOCK);
	struct digest_state *state = digest_new();
	ssize_t n;

	do {
		n = clock_check_interrupt(err) < 0 ?
			    -1 :
			    source_read(source, block, SOURCE_BLOCK, err);
		if (n > 0)
			digest_update(state, block, (size_t)n);
	} while (n > 0);
	digest_final(state, digest);
	digest_free(state);
	return n < 0 ? -1 : 0;
}

int64_t source_copy_to_fd(struct source *source, int fd, struct err *err)
{
	autofree char *block = mem_alloc(SOURCE_BLOCK);
	int64_t total = 0;
	ssize_t n;

	while ((n = source_read(source, block, SOURCE_BLOCK, err)) > 0) {
		if (io_write_all(fd, block, (size_t)n, err) < 0)
			return -1;
		total += n;
	}
	return n < 0 ? -1 : total;
}

int io_write_all(int fd, const void *data, size_t len, struct err *err)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "cannot write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
