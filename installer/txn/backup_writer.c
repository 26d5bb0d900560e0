#include "txn/backup_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/io.h"
#include "base/mem.h"
#include "format/gzip.h"
#include "txn/backup_place.h"

#define LINES_MAX_BYTES ((size_t)32 << 20)

static int write_here(const struct backup_writer *self,
		      const struct buf *packed, struct err *err)
{
	autofree char *name = backup_data_file(self->id);
	autofree char *path = NULL;

	if (self->state == NULL)
		return 0;
	if (io_write_all(self->fd, packed->data, packed->len, err) == 0)
		return 0;
	path = state_path(self->state, name);
	err_wrap(err, "write '%s'", path);
	return err_hint(err, "make room, or name another directory with "
			     "--state-dir");
}

static int write_there(const struct backup_writer *self,
		       const struct buf *packed, struct err *err)
{
	if (self->kube == NULL ||
	    backup_put_chunk(self->kube, self->id, jval_len(self->chunks),
			     packed->data, packed->len, err) == 0)
		return 0;
	return err_wrap(err, "keep backup '%s' in the cluster", self->id);
}

static int write_chunk(struct backup_writer *self, const struct buf *packed,
		       size_t nr_lines, struct err *err)
{
	char digest[DIGEST_SIZE];

	if (write_here(self, packed, err) < 0 ||
	    write_there(self, packed, err) < 0)
		return -1;
	digest_of(packed->data, packed->len, digest);
	jval_append(self->chunks,
		    jval_pack("{s:s, s:I, s:I}", "sha256", digest_hex(digest),
			      "bytes", (int64_t)packed->len, "count",
			      (int64_t)nr_lines));
	self->bytes += packed->len;
	return 0;
}

/* Behind the line that ends at `len` / 2 or later. */
static size_t half(const char *text, size_t len)
{
	const char *end = memchr(text + len / 2, '\n', len - len / 2);

	return (size_t)(end - text) + 1;
}

static size_t count_lines(const char *text, size_t len)
{
	size_t nr = 0;

	for (size_t i = 0; i < len; i++)
		nr += text[i] == '\n';
	return nr;
}

/* As one chunk, or as two where they cannot be packed well. */
static int write_lines(struct backup_writer *self, const char *text, size_t len,
		       struct err *err)
{
	auto_buf struct buf packed = BUF_INIT(LINES_MAX_BYTES * 2);
	size_t nr_lines = count_lines(text, len);
	size_t first;

	gzip_compress(&packed, text, len);
	if (packed.len <= BACKUP_PACKED_MAX_BYTES)
		return write_chunk(self, &packed, nr_lines, err);
	if (nr_lines == 1)
		return err_set(err, ERR_FAILED,
			       "a custom resource of %zu bytes is too large "
			       "for a Secret of the cluster",
			       len);
	buf_release(&packed);
	first = half(text, len);
	/* The last line may be most of it. */
	if (first == len)
		first = (size_t)((char *)memrchr(text, '\n', len - 1) - text) +
			1;
	return write_lines(self, text, first, err) < 0 ?
		       -1 :
		       write_lines(self, text + first, len - first, err);
}

static int flush(struct backup_writer *self, struct err *err)
{
	int result;

	if (self->lines.len == 0)
		return 0;
	result = buf_check(&self->lines, "custom resource", err);
	if (result == 0)
		result = write_lines(self, self->lines.data, self->lines.len,
				     err);
	buf_clear(&self->lines);
	return result;
}

int backup_writer_open(struct backup_writer *self, struct kube *kube,
		       const struct state *state, const char *id,
		       struct err *err)
{
	autofree char *name = backup_data_file(id);

	memset(self, 0, sizeof(*self));
	self->kube = kube;
	self->state = state;
	self->id = id;
	self->fd = -1;
	self->chunks = jval_new_array();
	buf_init(&self->lines, LINES_MAX_BYTES);
	if (state == NULL)
		return 0;
	self->fd = file_open(state->dirfd, name, O_WRONLY | O_CREAT | O_TRUNC,
			     0600, err);
	return self->fd < 0 ? err_hint(err, "name a directory of yours with "
					    "--state-dir") :
			      0;
}

int backup_writer_add(struct backup_writer *self, const struct jval *object,
		      struct err *err)
{
	autofree char *line = jval_text(object, false);

	if (self->lines.len + strlen(line) > BACKUP_CHUNK_BYTES &&
	    flush(self, err) < 0)
		return -1;
	buf_addstr(&self->lines, line);
	buf_addch(&self->lines, '\n');
	return 0;
}

int backup_writer_mark(struct backup_writer *self, struct backup_mark *mark,
		       struct err *err)
{
	if (flush(self, err) < 0)
		return -1;
	mark->chunks = jval_len(self->chunks);
	mark->bytes = self->bytes;
	return 0;
}

/* Secrets that are too many then are written over, or go with the backup. */
int backup_writer_rewind(struct backup_writer *self,
			 const struct backup_mark *mark, struct err *err)
{
	buf_clear(&self->lines);
	while (jval_len(self->chunks) > mark->chunks)
		jval_remove_at(self->chunks, jval_len(self->chunks) - 1);
	self->bytes = mark->bytes;
	if (self->fd >= 0 &&
	    (ftruncate(self->fd, (off_t)mark->bytes) < 0 ||
	     lseek(self->fd, (off_t)mark->bytes, SEEK_SET) < 0))
		return err_sys(err, errno, "cannot begin backup '%s' anew",
			       self->id);
	return 0;
}

int backup_writer_close(struct backup_writer *self, struct err *err)
{
	autofree char *name = backup_data_file(self->id);
	int fd = self->fd;

	if (flush(self, err) < 0)
		return -1;
	if (fd < 0)
		return 0;
	if (fsync(fd) < 0)
		return err_sys(err, errno, "cannot sync '%s'", name);
	self->fd = -1;
	return file_close(fd, name, err);
}

void backup_writer_release(struct backup_writer *self)
{
	if (self->fd >= 0)
		close(self->fd);
	buf_release(&self->lines);
	jval_free(self->chunks);
}
