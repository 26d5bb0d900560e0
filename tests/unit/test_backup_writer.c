#include "unit.h"

#include <fcntl.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strs.h"
#include "format/gzip.h"
#include "txn/backup_place.h"
#include "txn/backup_writer.h"

struct fixture {
	char dir[32];
	struct state state;
	struct backup_writer writer;
	struct err err;
};

static int set_up(void **state)
{
	struct fixture *self = mem_alloc(sizeof(*self));

	strcpy(self->dir, "/tmp/test_backup.XXXXXX");
	assert_non_null(mkdtemp(self->dir));
	assert_done(state_open(&self->state, self->dir, &self->err) == 0,
		    &self->err);
	assert_done(backup_writer_open(&self->writer, NULL, &self->state, "b-1",
				       &self->err) == 0,
		    &self->err);
	*state = self;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *self = *state;
	autofree char *command = mem_printf("rm -r %s", self->dir);

	backup_writer_release(&self->writer);
	state_release(&self->state);
	assert_int_equal(system(command), 0);
	free(self);
	return 0;
}

static void add(struct fixture *self, const char *name, size_t size, bool noise)
{
	autofree char *text = mem_alloc(size + 1);
	autojval struct jval *object = NULL;
	static uint32_t seed = 1;

	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245 + 12345;
		text[i] = noise ? (char)('0' + (seed >> 24) % 64) : 'x';
	}
	object = jval_new_object();
	jval_set_str(object, "name", name);
	jval_set_str(object, "text", text);
	assert_done(backup_writer_add(&self->writer, object, &self->err) == 0,
		    &self->err);
}

/* All lines of the file, after each chunk was compared with its digest. */
static char *content(struct fixture *self)
{
	const struct jval *chunks = self->writer.chunks;
	auto_buf struct buf plain = BUF_INIT((size_t)64 << 20);
	autofree char *name = backup_data_file("b-1");
	autofree char *data = NULL;
	size_t len, at = 0;

	assert_done(backup_writer_close(&self->writer, &self->err) == 0,
		    &self->err);
	assert_done(file_read(self->state.dirfd, name, (size_t)64 << 20, &data,
			      &len, &self->err) == 0,
		    &self->err);
	for (size_t i = 0; i < jval_len(chunks); i++) {
		const struct jval *chunk = jval_at(chunks, i);
		size_t bytes = (size_t)jval_int(chunk, "bytes", 0);
		char digest[DIGEST_SIZE];

		assert_true(bytes <= BACKUP_PACKED_MAX_BYTES);
		digest_of(data + at, bytes, digest);
		assert_string_equal(digest_hex(digest),
				    jval_str(chunk, "sha256"));
		at += bytes;
	}
	assert_int_equal(at, len);
	assert_int_equal(at, self->writer.bytes);
	assert_done(gzip_expand(&plain, data, len, &self->err) == 0,
		    &self->err);
	return buf_steal(&plain);
}

static size_t count(const struct fixture *self)
{
	size_t nr = 0;

	for (size_t i = 0; i < jval_len(self->writer.chunks); i++)
		nr += (size_t)jval_int(jval_at(self->writer.chunks, i), "count",
				       0);
	return nr;
}

static void writer_makes_lines_of_objects(void **state)
{
	struct fixture *self = *state;
	autofree char *text = NULL;

	add(self, "a", 2, false);
	add(self, "b", 1, false);
	text = content(self);
	assert_string_equal(text, "{\"name\":\"a\",\"text\":\"xx\"}\n"
				  "{\"name\":\"b\",\"text\":\"x\"}\n");
	assert_int_equal(jval_len(self->writer.chunks), 1);
	assert_int_equal(count(self), 2);
}

static void writer_writes_no_chunk_where_there_is_nothing(void **state)
{
	struct fixture *self = *state;
	autofree char *name = backup_data_file("b-1");
	autofree char *data = NULL;
	size_t len;

	assert_done(backup_writer_close(&self->writer, &self->err) == 0,
		    &self->err);
	assert_int_equal(jval_len(self->writer.chunks), 0);
	assert_done(file_read(self->state.dirfd, name, 1, &data, &len,
			      &self->err) == 0,
		    &self->err);
	assert_int_equal(len, 0);
}

static void writer_begins_a_chunk_before_one_is_too_long(void **state)
{
	struct fixture *self = *state;
	autofree char *text = NULL;

	for (int i = 0; i < 10; i++)
		add(self, "a", BACKUP_CHUNK_BYTES / 4, false);
	text = content(self);
	assert_int_equal(jval_len(self->writer.chunks), 4);
	assert_int_equal(count(self), 10);
}

static void writer_splits_what_cannot_be_packed(void **state)
{
	struct fixture *self = *state;
	autofree char *text = NULL;

	/* The small ones and the large one must part, whatever the order. */
	add(self, "first", 10, false);
	for (int i = 0; i < 3; i++)
		add(self, "noise", 600000, true);
	add(self, "last", 10, false);
	text = content(self);
	assert_true(jval_len(self->writer.chunks) >= 3);
	assert_int_equal(count(self), 5);
	assert_true(str_starts(text, "{\"name\":\"first\""));
	assert_non_null(strstr(text, "{\"name\":\"last\""));
}

static void writer_refuses_one_that_no_secret_holds(void **state)
{
	struct fixture *self = *state;

	add(self, "a", 10, false);
	add(self, "noise", 1500000, true);
	add(self, "b", 10, false);
	assert_int_equal(backup_writer_close(&self->writer, &self->err), -1);
	assert_error(&self->err, ERR_FAILED, "too large");
}

static void writer_goes_back_to_a_mark(void **state)
{
	struct fixture *self = *state;
	struct backup_mark mark;
	autofree char *text = NULL;

	add(self, "a", 1, false);
	assert_done(backup_writer_mark(&self->writer, &mark, &self->err) == 0,
		    &self->err);
	for (int i = 0; i < 5; i++)
		add(self, "gone", BACKUP_CHUNK_BYTES / 2, false);
	assert_done(backup_writer_rewind(&self->writer, &mark, &self->err) == 0,
		    &self->err);
	add(self, "b", 1, false);
	text = content(self);
	assert_string_equal(text, "{\"name\":\"a\",\"text\":\"x\"}\n"
				  "{\"name\":\"b\",\"text\":\"x\"}\n");
	assert_int_equal(jval_len(self->writer.chunks), 2);
}

#define WITH_FIXTURE(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(writer_makes_lines_of_objects),
		WITH_FIXTURE(writer_writes_no_chunk_where_there_is_nothing),
		WITH_FIXTURE(writer_begins_a_chunk_before_one_is_too_long),
		WITH_FIXTURE(writer_splits_what_cannot_be_packed),
		WITH_FIXTURE(writer_refuses_one_that_no_secret_holds),
		WITH_FIXTURE(writer_goes_back_to_a_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
