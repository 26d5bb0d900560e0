/* The objects out of a backup, checked. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "format/gzip.h"
#include "txn/backup.h"
#include "txn/backup_place.h"

#define CHUNK_MAX_BYTES ((size_t)4 << 20)
#define PLAIN_MAX_BYTES ((size_t)64 << 20)

struct reader {
	struct kube *kube;
	const struct state *state; /* or NULL */
	const char *id;
	const struct jval *chunks;
	bool in_cluster;
	int fd; /* of the file here, or -1 */
	int (*object)(void *ctx, struct jval *object, struct err *err);
	void *ctx;
};

static int check_digest(const struct reader *self, size_t number,
			const struct buf *packed, const char *place,
			struct err *err)
{
	const char *wanted = jval_str(jval_at(self->chunks, number), "sha256");
	char digest[DIGEST_SIZE];

	digest_of(packed->data, packed->len, digest);
	if (str_eq(digest_hex(digest), wanted))
		return 0;
	return err_set(err, ERR_VERIFY,
		       "part %zu of backup '%s' %s is damaged: its digest is "
		       "another one",
		       number, self->id, place);
}

static int read_there(const struct reader *self, size_t number,
		      struct buf *packed, struct err *err)
{
	buf_clear(packed);
	if (backup_get_chunk(self->kube, self->id, number, packed, err) < 0)
		return -1;
	return check_digest(self, number, packed, "in the cluster", err);
}

static int read_here(const struct reader *self, size_t number, uint64_t offset,
		     struct buf *packed, struct err *err)
{
	uint64_t len =
		(uint64_t)jval_int(jval_at(self->chunks, number), "bytes", 0);
	struct source_file file;
	autofree char *text = NULL;
	size_t got;

	buf_clear(packed);
	source_file_init(&file, self->fd, offset, len);
	if (source_read_all(&file.source, CHUNK_MAX_BYTES, &text, &got, err) <
	    0)
		return err_wrap(err, "read part %zu of backup '%s' in '%s'",
				number, self->id, self->state->path);
	buf_add(packed, text, got);
	return check_digest(self, number, packed, "on this host", err);
}

/* From the cluster; where it is gone or damaged there, from here. */
static int read_chunk(const struct reader *self, size_t number, uint64_t offset,
		      struct buf *packed, struct err *err)
{
	struct err why = ERR_INIT;

	if (self->in_cluster) {
		if (read_there(self, number, packed, &why) == 0)
			return 0;
		if (self->fd < 0 ||
		    (!kube_is_not_found(&why) && why.kind != ERR_VERIFY &&
		     why.kind != ERR_INVALID)) {
			*err = why;
			return err_wrap(err, "read backup '%s'", self->id);
		}
		log_warn("%s; taking the one on this host", why.msg);
	}
	return read_here(self, number, offset, packed, err);
}

static int tell_line(const struct reader *self, const char *line, size_t len,
		     struct err *err)
{
	autojval struct jval *object = jval_parse(line, len, err);

	if (object == NULL)
		return err_wrap(err, "read backup '%s'", self->id);
	return self->object(self->ctx, object, err);
}

static int tell_chunk(const struct reader *self, const struct buf *packed,
		      struct err *err)
{
	auto_buf struct buf plain = BUF_INIT(PLAIN_MAX_BYTES);
	const char *line;
	size_t left;

	if (gzip_expand(&plain, packed->data, packed->len, err) < 0)
		return err_wrap(err, "read backup '%s'", self->id);
	line = plain.data;
	left = plain.len;
	while (left > 0) {
		const char *end = memchr(line, '\n', left);
		size_t len = end ? (size_t)(end - line) : left;
		int result = tell_line(self, line, len, err);

		if (result < 0)
			return result;
		len += end != NULL;
		line += len;
		left -= len;
	}
	return 0;
}

static int tell_all(const struct reader *self, struct err *err)
{
	uint64_t offset = 0;

	for (size_t i = 0; i < jval_len(self->chunks); i++) {
		auto_buf struct buf packed = BUF_INIT(CHUNK_MAX_BYTES);
		int result = clock_check_interrupt(err);

		if (result == 0)
			result = read_chunk(self, i, offset, &packed, err);
		if (result == 0)
			result = tell_chunk(self, &packed, err);
		if (result < 0)
			return result;
		offset += (uint64_t)jval_int(jval_at(self->chunks, i), "bytes",
					     0);
	}
	return 0;
}

static bool is_in_cluster(const struct jval *index)
{
	const struct jval *places = jval_get(index, "places");

	for (size_t i = 0; i < jval_len(places); i++)
		if (str_eq(jval_string(jval_at(places, i)), "cluster"))
			return true;
	return false;
}

int backup_each(struct kube *kube, const struct state *state, const char *id,
		int (*object)(void *ctx, struct jval *object, struct err *err),
		void *ctx, struct err *err)
{
	autojval struct jval *index = backup_find(kube, state, id, err);
	autofree char *name = backup_data_file(id);
	struct err missing = ERR_INIT;
	struct reader self = {
		.kube = kube,
		.state = state,
		.id = id,
		.chunks = jval_get(index, "chunks"),
		.in_cluster = is_in_cluster(index),
		.fd = -1,
		.object = object,
		.ctx = ctx,
	};
	int result;

	if (index == NULL)
		return -1;
	if (state)
		self.fd = file_open(state->dirfd, name, O_RDONLY, 0, &missing);
	if (self.fd < 0 && !self.in_cluster) {
		*err = missing;
		return err_wrap(err, "read backup '%s'", id);
	}
	result = tell_all(&self, err);
	if (self.fd >= 0)
		close(self.fd);
	return result;
}
