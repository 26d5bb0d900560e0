#include "unit.h"

#include "layout_fixture.h"

#include "base/strs.h"
#include "base/volume.h"

static char *in_dir(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static struct volume *opened(const char *name)
{
	autofree char *path = in_dir(name);
	struct err err = ERR_INIT;
	struct volume *volume = volume_open(path, &err);

	assert_done(volume != NULL, &err);
	return volume;
}

static void assert_refused(const char *name, enum err_kind kind,
			   const char *text)
{
	autofree char *path = in_dir(name);
	struct err err = ERR_INIT;

	assert_null(volume_open(path, &err));
	assert_error(&err, kind, text);
}

static void volume_of_one_file_is_read_by_position(void **state)
{
	autovolume struct volume *volume = NULL;
	struct err err = ERR_INIT;
	char text[8] = "";

	(void)state;
	put("one", "0123456789");
	volume = opened("one");
	assert_int_equal(volume_size(volume), 10);
	assert_true(str_ends(volume_name(volume), "/one"));
	assert_done(volume_read(volume, 3, text, 7, &err) == 0, &err);
	assert_string_equal(text, "3456789");
	assert_int_equal(volume_read(volume, 4, text, 7, &err), -1);
	assert_error(&err, ERR_INVALID, "truncated");
	assert_int_equal(volume_read(volume, UINT64_MAX, text, 2, &err), -1);
	assert_error(&err, ERR_INVALID, "truncated");
}

static void volume_joins_its_parts(void **state)
{
	static const char *const names[] = { "whole", "whole.part001" };

	(void)state;
	put("whole.part001", "abcd");
	put("whole.part002", "efgh");
	put("whole.part003", "ij");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		autovolume struct volume *volume = opened(names[i]);
		struct err err = ERR_INIT;

		assert_int_equal(volume_size(volume), 10);
		for (size_t from = 0; from <= 10; from++) {
			char text[11] = "";

			assert_done(volume_read(volume, from, text, 10 - from,
						&err) == 0,
				    &err);
			assert_string_equal(text, &"abcdefghij"[from]);
		}
	}
}

static void volume_source_goes_over_the_edges_of_parts(void **state)
{
	autovolume struct volume *volume = NULL;
	struct source_volume source;
	struct err err = ERR_INIT;
	autofree char *text = NULL;

	(void)state;
	put("s.part001", "abcd");
	put("s.part002", "efgh");
	put("s.part003", "ij");
	volume = opened("s");
	source_volume_init(&source, volume, 2, 7);
	assert_done(source_read_all(&source.source, 100, &text, NULL, &err) ==
			    0,
		    &err);
	assert_string_equal(text, "cdefghi");
	source_volume_init(&source, volume, 9, 2);
	free(mem_steal(&text));
	assert_int_equal(
		source_read_all(&source.source, 100, &text, NULL, &err), -1);
	assert_error(&err, ERR_INVALID, "truncated");
}

static void volume_prefers_the_whole_file_to_parts(void **state)
{
	autovolume struct volume *volume = NULL;

	(void)state;
	put("both", "whole");
	put("both.part001", "part");
	volume = opened("both");
	assert_int_equal(volume_size(volume), 5);
}

static void volume_names_the_part_that_is_wrong(void **state)
{
	(void)state;
	put("gap.part001", "abcd");
	put("gap.part003", "ij");
	assert_refused("gap", ERR_INVALID, "gap.part002' is missing");
	put("gap.part002", "xyz");
	assert_refused("gap", ERR_INVALID, "gap.part002' has 3 bytes");
	put("gap.part002", "efgh");
	put("gap.part003", "ijklm");
	assert_refused("gap", ERR_INVALID, "gap.part003' has 5 bytes");
	put("gap.part003", "");
	assert_refused("gap", ERR_INVALID, "gap.part003' has 0 bytes");
	assert_refused("gap.part002", ERR_INVALID, "one part of several");
	put("late.part002", "efgh");
	assert_refused("late", ERR_INVALID, "late.part001' is missing");
}

static void volume_refuses_what_is_no_file(void **state)
{
	autofree char *fifo = in_dir("fifo");

	(void)state;
	assert_refused("nothing", ERR_NOT_FOUND, "nothing");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_refused("fifo", ERR_INVALID, "not a regular file");
	assert_refused(".", ERR_INVALID, "not a regular file");
}

static void volume_tells_when_it_was_changed(void **state)
{
	autofree char *path = in_dir("c.part002");
	struct err err = ERR_INIT;
	autovolume struct volume *volume = NULL;
	char text[8];

	(void)state;
	put("c.part001", "abcd");
	put("c.part002", "efgh");
	volume = opened("c");
	assert_done(volume_unchanged(volume, &err) == 0, &err);
	/* What leaves all bytes as they are. */
	assert_int_equal(chmod(path, 0400), 0);
	assert_done(volume_unchanged(volume, &err) == 0, &err);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 1), 0);
	assert_int_equal(volume_unchanged(volume, &err), -1);
	assert_error(&err, ERR_VERIFY, "c.part002' was changed");
	assert_int_equal(volume_read(volume, 0, text, 8, &err), -1);
	assert_error(&err, ERR_INVALID, "c.part002' became shorter");
}

static void volume_finds_the_last_part(void **state)
{
	autofree char *path = in_dir("last");
	autofree char *name = volume_part_name("x", 11);

	(void)state;
	assert_string_equal(name, "x.part012");
	assert_int_equal(volume_last_part(path), 0);
	put("last.part001", "a");
	put("last.part012", "a");
	put("last.part1", "a");
	put("last.part0133", "a");
	put("last.part99x", "a");
	assert_int_equal(volume_last_part(path), 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(volume_of_one_file_is_read_by_position),
		cmocka_unit_test(volume_joins_its_parts),
		cmocka_unit_test(volume_source_goes_over_the_edges_of_parts),
		cmocka_unit_test(volume_prefers_the_whole_file_to_parts),
		cmocka_unit_test(volume_names_the_part_that_is_wrong),
		cmocka_unit_test(volume_refuses_what_is_no_file),
		cmocka_unit_test(volume_tells_when_it_was_changed),
		cmocka_unit_test(volume_finds_the_last_part),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
