#include "unit.h"

#include "base/mem.h"
#include "base/strs.h"
#include "format/tar.h"
#include "format/tar_header.h"

static void made(unsigned char *header, const char *path, uint64_t size,
		 int64_t mtime)
{
	struct err err = ERR_INIT;

	assert_done(tar_header_make(header, path, size, mtime, &err) == 0,
		    &err);
}

/* Every later release has to make the same: this is the format. */
static void tar_header_is_these_bytes(void **state)
{
	unsigned char header[TAR_HEADER_SIZE], expected[TAR_HEADER_SIZE] = "";

	(void)state;
	memcpy(expected, "rpms/a.rpm", 10);
	memcpy(expected + 100, "0000644\0000000000\0000000000", 24);
	memcpy(expected + 124, "00000001750", 12);
	memcpy(expected + 136, "14524240200", 12);
	memcpy(expected + 148, "011161\0 0", 9);
	memcpy(expected + 257, "ustar\00000", 8);
	memcpy(expected + 329, "0000000\0000000000", 16);
	made(header, "rpms/a.rpm", 1000, 1699823744);
	assert_memory_equal(header, expected, sizeof(header));
}

static void tar_header_tells_large_numbers_in_binary(void **state)
{
	unsigned char header[TAR_HEADER_SIZE];

	(void)state;
	made(header, "x", ((uint64_t)1 << 33) - 1, 0);
	assert_string_equal((char *)header + 124, "77777777777");
	made(header, "x", (uint64_t)1 << 33, (int64_t)1 << 33);
	assert_memory_equal(header + 124, "\x80\0\0\0\0\0\0\2\0\0\0\0", 12);
	assert_memory_equal(header + 136, "\x80\0\0\0\0\0\0\2\0\0\0\0", 12);
}

/* A path of `a` and `b` characters with a slash between. */
static char *path_of(size_t a, size_t b)
{
	char *path = mem_alloc(a + b + 2);

	memset(path, 'a', a);
	path[a] = '/';
	memset(path + a + 1, 'b', b);
	return path;
}

static void tar_header_splits_a_long_path(void **state)
{
	static const struct {
		size_t a, b;
		bool fits, split;
	} cases[] = {
		{ 50, 49, true, false },  { 50, 50, true, true },
		{ 1, 100, true, true },	  { 1, 101, false, false },
		{ 154, 100, true, true }, { 155, 100, false, false },
		{ 155, 99, true, true },  { 156, 98, false, false },
		{ 0, 100, false, false }, { 100, 0, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *path = path_of(cases[i].a, cases[i].b);
		unsigned char header[TAR_HEADER_SIZE];
		struct err err = ERR_INIT;
		int result = tar_header_make(header, path, 0, 0, &err);

		if (!cases[i].fits) {
			assert_int_equal(result, -1);
			assert_error(&err, ERR_INVALID, path);
			continue;
		}
		assert_done(result == 0, &err);
		assert_int_equal(header[345] == 'a', cases[i].split);
		assert_int_equal(header[0], cases[i].split ? 'b' : 'a');
	}
}

static void tar_header_refuses_what_no_header_holds(void **state)
{
	unsigned char header[TAR_HEADER_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(tar_header_make(header, "", 0, 0, &err), -1);
	assert_error(&err, ERR_INVALID, "path ''");
	assert_int_equal(tar_header_make(header, "x", 0, -1, &err), -1);
	assert_error(&err, ERR_INVALID, "before 1970");
}

static void tar_header_pads_to_whole_blocks(void **state)
{
	(void)state;
	assert_int_equal(tar_padded(0), 0);
	assert_int_equal(tar_padded(1), 512);
	assert_int_equal(tar_padded(512), 512);
	assert_int_equal(tar_padded(513), 1024);
}

/* The library that reads all archives understands it. */
static void tar_header_is_read_by_tar(void **state)
{
	unsigned char archive[2 * TAR_HEADER_SIZE + TAR_END_SIZE] = "";
	autofree char *path = path_of(90, 90);
	struct err err = ERR_INIT;
	autovolume struct volume *volume = NULL;
	autofree char *place = NULL, *text = NULL;
	autotar struct tar *tar = NULL;
	int fd;

	(void)state;
	made(archive, path, 5, 1);
	memcpy(archive + TAR_HEADER_SIZE, "hello", 5);
	fd = unit_file(archive, sizeof(archive));
	place = mem_printf("/proc/self/fd/%d", fd);
	volume = volume_open(place, &err);
	assert_done(volume != NULL, &err);
	tar = tar_open(volume, 0, UINT64_MAX, &err);
	assert_done(tar != NULL, &err);
	assert_done(tar_read(tar, path, 5, &text, NULL, &err) == 0, &err);
	assert_string_equal(text, "hello");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tar_header_is_these_bytes),
		cmocka_unit_test(tar_header_tells_large_numbers_in_binary),
		cmocka_unit_test(tar_header_splits_a_long_path),
		cmocka_unit_test(tar_header_refuses_what_no_header_holds),
		cmocka_unit_test(tar_header_pads_to_whole_blocks),
		cmocka_unit_test(tar_header_is_read_by_tar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
