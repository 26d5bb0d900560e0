#include "unit.h"

#include "base/mem.h"
#include "format/gzip.h"

static void gzip_gives_back_what_went_in(void **state)
{
	static const size_t sizes[] = { 0, 1, 1000, 16384, 1000000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		auto_buf struct buf small = BUF_INIT(BUF_TEXT_MAX);
		auto_buf struct buf back = BUF_INIT(BUF_TEXT_MAX);
		autofree char *data = mem_alloc(sizes[i]);
		struct err err = ERR_INIT;
		uint32_t noise = 1;

		for (size_t k = 0; k < sizes[i]; k++) {
			noise = noise * 1103515245 + 12345;
			data[k] = (char)(noise >> 24);
		}
		gzip_compress(&small, data, sizes[i]);
		assert_done(gzip_expand(&back, small.data, small.len, &err) ==
				    0,
			    &err);
		assert_int_equal(back.len, sizes[i]);
		if (sizes[i] > 0)
			assert_memory_equal(back.data, data, sizes[i]);
	}
}

static void gzip_gives_the_same_bytes_for_the_same_input(void **state)
{
	auto_buf struct buf one = BUF_INIT(1000), two = BUF_INIT(1000);

	(void)state;
	gzip_compress(&one, "release", 7);
	gzip_compress(&two, "release", 7);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, one.len);
	/* RFC 1952: magic, deflate, no flags, no time. */
	assert_memory_equal(one.data, "\x1f\x8b\x08\0\0\0\0\0", 8);
}

static void gzip_expands_several_members(void **state)
{
	auto_buf struct buf small = BUF_INIT(1000), back = BUF_INIT(1000);
	struct err err = ERR_INIT;

	(void)state;
	gzip_compress(&small, "one ", 4);
	gzip_compress(&small, "two", 3);
	assert_done(gzip_expand(&back, small.data, small.len, &err) == 0, &err);
	assert_string_equal(buf_str(&back), "one two");
}

static void gzip_refuses_what_is_cut_off_anywhere(void **state)
{
	auto_buf struct buf small = BUF_INIT(1000);

	(void)state;
	gzip_compress(&small, "some text that is cut off", 25);
	for (size_t len = 0; len < small.len; len++) {
		auto_buf struct buf back = BUF_INIT(1000);
		struct err err = ERR_INIT;

		assert_int_equal(gzip_expand(&back, small.data, len, &err), -1);
		assert_error(&err, ERR_INVALID, "cut off");
	}
}

static void gzip_refuses_what_is_no_gzip(void **state)
{
	static const char *const cases[] = { "plain text", "\x1f\x8b\x08zzzz" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_buf struct buf back = BUF_INIT(1000);
		struct err err = ERR_INIT;

		assert_int_equal(gzip_expand(&back, cases[i], strlen(cases[i]),
					     &err),
				 -1);
		assert_error(&err, ERR_INVALID, "corrupt");
	}
}

static void gzip_refuses_a_wrong_checksum_and_what_follows(void **state)
{
	auto_buf struct buf small = BUF_INIT(1000);
	auto_buf struct buf back = BUF_INIT(1000);
	struct err err = ERR_INIT;

	(void)state;
	gzip_compress(&small, "some text", 9);
	small.data[small.len - 5] ^= 1;
	assert_int_equal(gzip_expand(&back, small.data, small.len, &err), -1);
	assert_error(&err, ERR_INVALID, "incorrect data check");
	small.data[small.len - 5] ^= 1;
	buf_addstr(&small, "garbage");
	assert_int_equal(gzip_expand(&back, small.data, small.len, &err), -1);
	assert_error(&err, ERR_INVALID, "incorrect header check");
}

static void gzip_stops_at_the_maximum_of_its_buffer(void **state)
{
	auto_buf struct buf small = BUF_INIT(BUF_TEXT_MAX);
	auto_buf struct buf back = BUF_INIT(4000);
	autofree char *zeros = mem_alloc(1000000);
	struct err err = ERR_INIT;

	(void)state;
	gzip_compress(&small, zeros, 1000000);
	assert_true(small.len < 2000);
	assert_int_equal(gzip_expand(&back, small.data, small.len, &err), -1);
	assert_error(&err, ERR_INVALID, "longer than 4000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gzip_gives_back_what_went_in),
		cmocka_unit_test(gzip_gives_the_same_bytes_for_the_same_input),
		cmocka_unit_test(gzip_expands_several_members),
		cmocka_unit_test(gzip_refuses_what_is_cut_off_anywhere),
		cmocka_unit_test(gzip_refuses_what_is_no_gzip),
		cmocka_unit_test(
			gzip_refuses_a_wrong_checksum_and_what_follows),
		cmocka_unit_test(gzip_stops_at_the_maximum_of_its_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
