#include "unit.h"

#include <fcntl.h>

#include "base/mem.h"
#include "base/password.h"

/* What a pipe with these bytes gives. */
static int read_from(const char *bytes, size_t len, char **password,
		     struct err *err)
{
	int ends[2], result;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], bytes, len), len);
	close(ends[1]);
	result = password_read(ends[0], password, err);
	close(ends[0]);
	return result;
}

static void password_read_takes_one_line(void **state)
{
	static const struct {
		const char *text, *password;
	} cases[] = {
		{ "open sesame\n", "open sesame" },
		{ "open sesame", "open sesame" },
		{ "open\r\n", "open" },
		{ " blanks \n", " blanks " },
		{ "first\nsecond\n", "first" },
		{ "\n", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;
		char *password = NULL;

		assert_done(read_from(cases[i].text, strlen(cases[i].text),
				      &password, &err) == 0,
			    &err);
		assert_string_equal(password, cases[i].password);
		mem_free_secret(password);
	}
}

static void password_read_leaves_what_follows_the_line(void **state)
{
	struct err err = ERR_INIT;
	char *one = NULL, *two = NULL;
	int fd = unit_file("one\ntwo\n", 8);

	(void)state;
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_done(password_read(fd, &one, &err) == 0, &err);
	assert_done(password_read(fd, &two, &err) == 0, &err);
	assert_string_equal(one, "one");
	assert_string_equal(two, "two");
	mem_free_secret(one);
	mem_free_secret(two);
	close(fd);
}

static void password_read_refuses_a_line_without_end(void **state)
{
	struct err err = ERR_INIT;
	char line[4098], *password = NULL;

	(void)state;
	memset(line, 's', sizeof(line));
	line[4096] = '\n';
	assert_done(read_from(line, 4097, &password, &err) == 0, &err);
	mem_free_secret(mem_steal(&password));
	line[4096] = 's';
	assert_int_equal(read_from(line, 4098, &password, &err), -1);
	assert_error(&err, ERR_INVALID, "longer than 4096");
	assert_null(strstr(err.msg, "sss"));
}

static void password_read_tells_what_cannot_be_read(void **state)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);
	struct err err = ERR_INIT;
	char *password = NULL;

	(void)state;
	assert_int_equal(password_read(fd, &password, &err), -1);
	assert_error(&err, ERR_FAILED, "cannot read the password");
	assert_null(password);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(password_read_takes_one_line),
		cmocka_unit_test(password_read_leaves_what_follows_the_line),
		cmocka_unit_test(password_read_refuses_a_line_without_end),
		cmocka_unit_test(password_read_tells_what_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
