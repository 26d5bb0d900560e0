#include "unit.h"

#include "base/buf.h"
#include "base/mem.h"

static void buf_is_an_empty_text_at_first(void **state)
{
	struct buf b = BUF_INIT(10);
	char *text;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	text = buf_steal(&b);
	assert_string_equal(text, "");
	free(text);
}

static void buf_grows_and_stays_terminated(void **state)
{
	auto_buf struct buf b = BUF_INIT(BUF_TEXT_MAX);

	(void)state;
	for (int i = 0; i < 5000; i++) {
		buf_addch(&b, 'a');
		assert_int_equal(buf_str(&b)[b.len], '\0');
	}
	buf_addstr(&b, "bc");
	buf_addf(&b, "%d-%s", 42, "x");
	assert_int_equal(b.len, 5006);
	assert_string_equal(buf_str(&b) + 4999, "abc42-x");
}

static void buf_takes_exactly_its_maximum(void **state)
{
	auto_buf struct buf b = BUF_INIT(4);
	struct err err = ERR_INIT;

	(void)state;
	buf_add(&b, "1234", 4);
	assert_done(buf_check(&b, "text", &err) == 0, &err);
	assert_string_equal(buf_str(&b), "1234");
}

static void buf_refuses_more_than_its_maximum(void **state)
{
	auto_buf struct buf b = BUF_INIT(4);
	struct err err = ERR_INIT;

	(void)state;
	buf_addstr(&b, "123");
	buf_addf(&b, "%s", "45");
	buf_addch(&b, '6');
	assert_string_equal(buf_str(&b), "123");
	assert_int_equal(buf_check(&b, "request line", &err), -1);
	assert_error(&err, ERR_INVALID, "'request line' is longer than 4");
}

static void buf_reserve_refuses_sizes_that_overflow(void **state)
{
	auto_buf struct buf b = BUF_INIT(100);

	(void)state;
	buf_addstr(&b, "x");
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_true(b.overflow);
}

static void buf_reserved_room_is_filled_by_the_caller(void **state)
{
	auto_buf struct buf b = BUF_INIT(100);
	char *room;

	(void)state;
	room = buf_reserve(&b, 10);
	assert_non_null(room);
	memcpy(room, "abc", 3);
	buf_advance(&b, 3);
	assert_string_equal(buf_str(&b), "abc");
}

static void buf_clear_makes_it_usable_again(void **state)
{
	auto_buf struct buf b = BUF_INIT(3);
	struct err err = ERR_INIT;

	(void)state;
	buf_addstr(&b, "1234");
	buf_addstr(&b, "12");
	buf_clear(&b);
	assert_string_equal(buf_str(&b), "");
	buf_addstr(&b, "abc");
	assert_done(buf_check(&b, "text", &err) == 0, &err);
	assert_string_equal(buf_str(&b), "abc");
}

static void buf_steal_leaves_it_empty_with_its_maximum(void **state)
{
	auto_buf struct buf b = BUF_INIT(5);
	autofree char *text = NULL;

	(void)state;
	buf_addstr(&b, "abc");
	text = buf_steal(&b);
	assert_string_equal(text, "abc");
	assert_int_equal(b.len, 0);
	assert_int_equal(b.max, 5);
}

static void buf_holds_bytes_that_are_no_text(void **state)
{
	auto_buf_secret struct buf b = BUF_INIT(100);

	(void)state;
	buf_add(&b, "a\0b", 3);
	buf_add(&b, NULL, 0);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "a\0b", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_is_an_empty_text_at_first),
		cmocka_unit_test(buf_grows_and_stays_terminated),
		cmocka_unit_test(buf_takes_exactly_its_maximum),
		cmocka_unit_test(buf_refuses_more_than_its_maximum),
		cmocka_unit_test(buf_reserve_refuses_sizes_that_overflow),
		cmocka_unit_test(buf_reserved_room_is_filled_by_the_caller),
		cmocka_unit_test(buf_clear_makes_it_usable_again),
		cmocka_unit_test(buf_steal_leaves_it_empty_with_its_maximum),
		cmocka_unit_test(buf_holds_bytes_that_are_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
