#include "unit.h"

#include "base/mem.h"
#include "format/base64.h"

static void base64_gives_the_examples_of_the_rfc(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_buf struct buf text = BUF_INIT(100);
		auto_buf struct buf data = BUF_INIT(100);
		struct err err = ERR_INIT;

		base64_encode(&text, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(buf_str(&text), cases[i][1]);
		assert_done(base64_decode(&data, buf_str(&text), text.len,
					  &err) == 0,
			    &err);
		assert_string_equal(buf_str(&data), cases[i][0]);
	}
}

static void base64_reads_other_ways_to_write(void **state)
{
	static const char *const cases[] = {
		"+/+/YQ==",
		"-_-_YQ==",
		"-_-_YQ",
		" +/\n+/\tYQ=\r\n=\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_buf struct buf data = BUF_INIT(100);
		struct err err = ERR_INIT;

		assert_done(base64_decode(&data, cases[i], strlen(cases[i]),
					  &err) == 0,
			    &err);
		assert_int_equal(data.len, 4);
		assert_memory_equal(data.data,
				    "\xfb\xff\xbf"
				    "a",
				    4);
	}
}

static void base64_refuses_what_is_none_and_does_not_tell_it(void **state)
{
	static const char *const cases[] = {
		"A",	 "AAAAA", "AA=A",  "AA*A", "=",	       "AAAA=",
		"AA===", "A=",	  "AAA==", "====", "Zm9v\x80",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_buf struct buf data = BUF_INIT(100);
		struct err err = ERR_INIT;

		buf_addstr(&data, "kept");
		assert_int_equal(base64_decode(&data, cases[i],
					       strlen(cases[i]), &err),
				 -1);
		assert_error(&err, ERR_INVALID, "is not base64");
		assert_null(strstr(err.msg, cases[i]));
		assert_string_equal(buf_str(&data), "kept");
	}
}

static void base64_refuses_a_nul_in_the_text(void **state)
{
	auto_buf struct buf data = BUF_INIT(100);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(base64_decode(&data, "AA\0A", 4, &err), -1);
	assert_error(&err, ERR_INVALID, "is not base64");
}

static void base64_keeps_to_the_maximum_of_its_buffer(void **state)
{
	auto_buf struct buf data = BUF_INIT(3), text = BUF_INIT(7);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(base64_decode(&data, "Zm9vYg==", 8, &err), -1);
	assert_error(&err, ERR_INVALID, "longer than 3");
	base64_encode(&text, "foob", 4);
	assert_true(text.overflow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_gives_the_examples_of_the_rfc),
		cmocka_unit_test(base64_reads_other_ways_to_write),
		cmocka_unit_test(
			base64_refuses_what_is_none_and_does_not_tell_it),
		cmocka_unit_test(base64_refuses_a_nul_in_the_text),
		cmocka_unit_test(base64_keeps_to_the_maximum_of_its_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
