#include "unit.h"

#include <dirent.h>

#include "layout_fixture.h"

#include "base/strs.h"
#include "base/volume.h"
#include "base/volume_writer.h"

static char *in_dir(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static struct volume_writer *begun(const char *name, uint64_t size,
				   uint64_t part_bytes)
{
	autofree char *path = in_dir(name);
	struct err err = ERR_INIT;
	struct volume_writer *writer =
		volume_writer_new(path, size, part_bytes, 0640, &err);

	assert_done(writer != NULL, &err);
	return writer;
}

static void write_at(struct volume_writer *writer, uint64_t offset,
		     const char *text)
{
	struct err err = ERR_INIT;

	assert_done(volume_writer_write(writer, offset, text, strlen(text),
					&err) == 0,
		    &err);
}

static void commit(struct volume_writer *writer)
{
	struct err err = ERR_INIT;

	assert_done(volume_writer_commit(writer, &err) == 0, &err);
}

static void assert_file(const char *name, const char *expected, size_t len)
{
	autofree char *path = in_dir(name);
	struct err err = ERR_INIT;
	autofree char *text = NULL;
	size_t there;

	assert_done(file_read(AT_FDCWD, path, 100, &text, &there, &err) == 0,
		    &err);
	assert_int_equal(there, len);
	assert_memory_equal(text, expected, len);
}

static bool is_there(const char *name)
{
	autofree char *path = in_dir(name);

	return access(path, F_OK) == 0;
}

static size_t nr_files(void)
{
	DIR *list = opendir(dir);
	size_t nr = 0;

	for (struct dirent *entry = readdir(list); entry; entry = readdir(list))
		nr += *entry->d_name != '.';
	closedir(list);
	return nr;
}

static void writer_writes_by_position_and_leaves_zeros(void **state)
{
	autovolume_writer struct volume_writer *writer = begun("a", 10, 0);
	autofree char *path = in_dir("a");
	struct stat st;

	(void)state;
	write_at(writer, 7, "xyz");
	write_at(writer, 0, "ab");
	assert_false(is_there("a"));
	commit(writer);
	assert_file("a", "ab\0\0\0\0\0xyz", 10);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void writer_splits_over_parts(void **state)
{
	autovolume_writer struct volume_writer *writer = begun("p", 10, 4);

	(void)state;
	write_at(writer, 2, "cdefghij");
	write_at(writer, 0, "ab");
	commit(writer);
	assert_file("p.part001", "abcd", 4);
	assert_file("p.part002", "efgh", 4);
	assert_file("p.part003", "ij", 2);
	assert_false(is_there("p"));
}

static void writer_makes_a_part_where_one_would_do(void **state)
{
	autovolume_writer struct volume_writer *writer = begun("q", 4, 4);

	(void)state;
	write_at(writer, 0, "abcd");
	commit(writer);
	assert_file("q.part001", "abcd", 4);
	assert_false(is_there("q.part002"));
}

static void writer_copies_a_source(void **state)
{
	autovolume_writer struct volume_writer *writer = begun("c", 10, 4);
	struct err err = ERR_INIT;
	struct source_mem source;

	(void)state;
	source_mem_init(&source, "cdefghij", 8);
	assert_int_equal(volume_writer_copy(writer, 2, &source.source, &err),
			 8);
	source_mem_init(&source, "more than fits", 14);
	assert_int_equal(volume_writer_copy(writer, 2, &source.source, &err),
			 -1);
	assert_error(&err, ERR_INVALID, "more to write than the 10 bytes");
}

static void writer_that_is_not_committed_leaves_nothing(void **state)
{
	struct volume_writer *writer;
	size_t before = nr_files();

	(void)state;
	put("n", "old");
	writer = begun("n", 10, 4);
	write_at(writer, 0, "abcdefghij");
	volume_writer_free(writer);
	assert_file("n", "old", 3);
	assert_int_equal(nr_files(), before + 1);
}

static void writer_replaces_what_a_reader_would_take_for_it(void **state)
{
	autovolume_writer struct volume_writer *parts = NULL, *whole = NULL;

	(void)state;
	put("r", "old");
	put("r.part001", "old");
	put("r.part004", "old");
	parts = begun("r", 8, 4);
	write_at(parts, 0, "abcdefgh");
	commit(parts);
	assert_false(is_there("r"));
	assert_file("r.part001", "abcd", 4);
	assert_file("r.part002", "efgh", 4);
	assert_false(is_there("r.part004"));
	whole = begun("r", 3, 0);
	write_at(whole, 0, "new");
	commit(whole);
	assert_file("r", "new", 3);
	assert_false(is_there("r.part001"));
	assert_false(is_there("r.part002"));
}

static void assert_refused(const char *name, uint64_t size, uint64_t part_bytes,
			   enum err_kind kind, const char *text)
{
	autofree char *path = in_dir(name);
	struct err err = ERR_INIT;

	assert_null(volume_writer_new(path, size, part_bytes, 0600, &err));
	assert_error(&err, kind, text);
}

static void writer_refuses_what_cannot_be(void **state)
{
	autofree char *fifo = in_dir("fifo");
	size_t before;

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	before = nr_files();
	assert_refused("fifo", 4, 0, ERR_INVALID, "not a regular file");
	assert_refused("no/where", 4, 0, ERR_NOT_FOUND, "no/where");
	assert_refused("many", 501, 1, ERR_INVALID, "501 parts");
	/* Sparse, so that only the question for space can refuse it. */
	assert_refused("large", (uint64_t)1 << 42, (uint64_t)1 << 40,
		       ERR_INVALID, "no space for");
	assert_int_equal(nr_files(), before);
}

static void writer_replaces_what_a_killed_one_left(void **state)
{
	autofree char *left = in_dir("killed.partial");
	autovolume_writer struct volume_writer *writer = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_done(file_replace(AT_FDCWD, left, 0600, "much longer", 11,
				 &err) == 0,
		    &err);
	writer = begun("killed", 4, 0);
	write_at(writer, 0, "done");
	commit(writer);
	assert_file("killed", "done", 4);
	assert_false(is_there("killed.partial"));
}

static void writer_leaves_another_one_alone(void **state)
{
	autovolume_writer struct volume_writer *writer = begun("two", 4, 0);

	(void)state;
	assert_refused("two", 4, 0, ERR_LOCKED, "two' is being written");
	write_at(writer, 0, "done");
	commit(writer);
	assert_file("two", "done", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writer_writes_by_position_and_leaves_zeros),
		cmocka_unit_test(writer_splits_over_parts),
		cmocka_unit_test(writer_makes_a_part_where_one_would_do),
		cmocka_unit_test(writer_copies_a_source),
		cmocka_unit_test(writer_that_is_not_committed_leaves_nothing),
		cmocka_unit_test(
			writer_replaces_what_a_reader_would_take_for_it),
		cmocka_unit_test(writer_refuses_what_cannot_be),
		cmocka_unit_test(writer_replaces_what_a_killed_one_left),
		cmocka_unit_test(writer_leaves_another_one_alone),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
