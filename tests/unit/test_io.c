#include "unit.h"

#include "base/file.h"
#include "base/io.h"
#include "base/mem.h"

static void source_file_reads_its_range_only(void **state)
{
	autoclose int fd = unit_file("0123456789", 10);
	struct source_file file;
	struct err err = ERR_INIT;
	autofree char *text = NULL;
	size_t len;

	(void)state;
	source_file_init(&file, fd, 3, 4);
	assert_done(source_read_all(&file.source, 100, &text, &len, &err) == 0,
		    &err);
	assert_int_equal(len, 4);
	assert_string_equal(text, "3456");
}

static void source_file_that_ends_early_is_told(void **state)
{
	autoclose int fd = unit_file("0123456789", 10);
	struct source_file file;
	struct err err = ERR_INIT;
	char *text;

	(void)state;
	source_file_init(&file, fd, 8, 5);
	assert_int_equal(source_read_all(&file.source, 99, &text, NULL, &err),
			 -1);
	assert_error(&err, ERR_INVALID, "3 bytes are missing");
}

static void source_file_tells_of_a_failed_read(void **state)
{
	struct source_file file;
	struct err err = ERR_INIT;
	char c;

	(void)state;
	source_file_init(&file, -1, 0, 5);
	assert_int_equal(source_read(&file.source, &c, 1, &err), -1);
	assert_error(&err, ERR_FAILED, "cannot read");
}

static void source_read_all_keeps_its_limit(void **state)
{
	struct source_mem mem;
	struct err err = ERR_INIT;
	char *text;

	(void)state;
	source_mem_init(&mem, "12345", 5);
	assert_int_equal(source_read_all(&mem.source, 4, &text, NULL, &err),
			 -1);
	assert_error(&err, ERR_INVALID, "4 bytes");
}

static int seen_add(void *ctx, size_t len, struct err *err)
{
	size_t *sum = ctx;

	*sum += len;
	return *sum > 5 ? err_set(err, ERR_INTERRUPTED, "enough") : 0;
}

static void source_count_tells_what_went_through(void **state)
{
	struct source_mem mem;
	struct source_count count;
	struct err err = ERR_INIT;
	char block[2];
	size_t sum = 0;

	(void)state;
	source_mem_init(&mem, "12345", 5);
	source_count_init(&count, &mem.source, seen_add, &sum);
	while (source_read(&count.source, block, sizeof(block), &err) > 0)
		;
	assert_int_equal(sum, 5);
	assert_int_equal(count.total, 5);
}

static void source_count_ends_with_the_error_of_who_counts(void **state)
{
	struct source_mem mem;
	struct source_count count;
	struct err err = ERR_INIT;
	size_t sum = 0;
	char *text;

	(void)state;
	source_mem_init(&mem, "123456", 6);
	source_count_init(&count, &mem.source, seen_add, &sum);
	assert_int_equal(source_read_all(&count.source, 99, &text, NULL, &err),
			 -1);
	assert_error(&err, ERR_INTERRUPTED, "enough");
}

/* Read 5 bytes in blocks of two through a check of `len` and `digest`; the
 * number of bytes that the consumer got before the end or the failure. */
static size_t verified(const char *digest, uint64_t len, struct err *err)
{
	struct source_verify verify;
	struct source_mem mem;
	char block[2];
	size_t got = 0;
	ssize_t n;

	source_mem_init(&mem, "12345", 5);
	source_verify_init(&verify, &mem.source, digest, len);
	while ((n = source_read(&verify.source, block, sizeof(block), err)) > 0)
		got += (size_t)n;
	if (n < 0) {
		struct err again = ERR_INIT;

		/* Who reads on does not find a good end. */
		assert_int_equal(source_read(&verify.source, block, 2, &again),
				 -1);
	}
	source_verify_release(&verify);
	return got;
}

static void source_verify_lets_the_right_bytes_through(void **state)
{
	char digest[DIGEST_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	digest_of("12345", 5, digest);
	assert_int_equal(verified(digest, 5, &err), 5);
	assert_int_equal(verified(digest, UINT64_MAX, &err), 5);
	assert_int_equal(err.kind, ERR_NONE);
}

static void source_verify_holds_a_wrong_blob_back(void **state)
{
	char right[DIGEST_SIZE], wrong[DIGEST_SIZE];
	struct {
		const char *digest;
		uint64_t len;
		const char *text;
	} cases[] = {
		{ wrong, 5, "is corrupt" },
		{ wrong, UINT64_MAX, "is corrupt" },
		{ right, 4, "is corrupt" },
		{ right, 3, "longer than 3" },
		{ right, 6, "has 5 bytes instead of 6" },
	};

	(void)state;
	digest_of("12345", 5, right);
	digest_of("other", 5, wrong);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		size_t got = verified(cases[i].digest, cases[i].len, &err);

		assert_error(&err, ERR_VERIFY, cases[i].text);
		assert_non_null(strstr(err.msg, cases[i].digest));
		if (cases[i].len != UINT64_MAX)
			assert_true(got < cases[i].len);
	}
}

static void source_verify_takes_an_empty_blob(void **state)
{
	struct source_verify verify;
	struct source_mem mem;
	char digest[DIGEST_SIZE];
	struct err err = ERR_INIT;
	char c;

	(void)state;
	digest_of("", 0, digest);
	source_mem_init(&mem, "", 0);
	source_verify_init(&verify, &mem.source, digest, 0);
	assert_done(source_read(&verify.source, &c, 1, &err) == 0, &err);
	source_verify_release(&verify);
}

static void source_is_copied_to_a_file(void **state)
{
	autoclose int fd = unit_file("", 0);
	struct err err = ERR_INIT;
	struct source_mem mem;
	char block[8] = "";

	(void)state;
	source_mem_init(&mem, "12345", 5);
	assert_int_equal(source_copy_to_fd(&mem.source, fd, &err), 5);
	assert_int_equal(pread(fd, block, sizeof(block), 0), 5);
	assert_string_equal(block, "12345");
}

static void io_write_tells_of_a_bad_descriptor(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(io_write_all(-1, "x", 1, &err), -1);
	assert_error(&err, ERR_FAILED, "cannot write");
	assert_done(io_write_all(-1, "", 0, &err) == 0, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(source_file_reads_its_range_only),
		cmocka_unit_test(source_file_that_ends_early_is_told),
		cmocka_unit_test(source_file_tells_of_a_failed_read),
		cmocka_unit_test(source_read_all_keeps_its_limit),
		cmocka_unit_test(source_count_tells_what_went_through),
		cmocka_unit_test(
			source_count_ends_with_the_error_of_who_counts),
		cmocka_unit_test(source_verify_lets_the_right_bytes_through),
		cmocka_unit_test(source_verify_holds_a_wrong_blob_back),
		cmocka_unit_test(source_verify_takes_an_empty_blob),
		cmocka_unit_test(source_is_copied_to_a_file),
		cmocka_unit_test(io_write_tells_of_a_bad_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
