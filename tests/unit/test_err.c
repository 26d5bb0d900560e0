#include "unit.h"

#include <errno.h>

static void err_set_fills_kind_and_message(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(err_set(&err, ERR_USAGE, "no '%s'", "x"), -1);
	assert_error(&err, ERR_USAGE, "no 'x'");
	assert_int_equal(err.sys, 0);
}

static void err_set_forgets_what_was_before(void **state)
{
	struct err err = { .kind = ERR_API, .http = 500, .transient = true };

	(void)state;
	err_set(&err, ERR_FAILED, "new");
	assert_int_equal(err.http, 0);
	assert_false(err.transient);
}

static void err_set_may_quote_the_old_message(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_FAILED, "first");
	err_set(&err, ERR_FAILED, "second after %s", err.msg);
	assert_string_equal(err.msg, "second after first");
}

static void err_sys_appends_the_text_of_errno(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(err_sys(&err, EACCES, "open '%s'", "f"), -1);
	assert_error(&err, ERR_FAILED, "open 'f': Permission denied");
	assert_int_equal(err.sys, EACCES);
}

static void err_sys_knows_what_is_not_there(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_sys(&err, ENOENT, "open 'f'");
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void err_wrap_goes_in_front_and_keeps_the_rest(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_API, "refused");
	err.http = 403;
	assert_int_equal(err_wrap(&err, "apply '%s'", "ns"), -1);
	assert_string_equal(err.msg, "apply 'ns': refused");
	assert_int_equal(err.kind, ERR_API);
	assert_int_equal(err.http, 403);
}

static void err_hint_goes_behind(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_USAGE, "bad");
	err_hint(&err, "try %d", 7);
	assert_string_equal(err.msg, "bad; try 7");
}

static void err_messages_stay_within_their_size(void **state)
{
	struct err err = ERR_INIT;
	char big[4096];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&err, ERR_FAILED, "%s", big);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	err_wrap(&err, "%s", big);
	err_wrap(&err, "ctx");
	err_hint(&err, "%s", big);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_memory_equal(err.msg, "ctx: xxx", 8);
}

static void err_exit_codes_are_the_first_kinds(void **state)
{
	static const struct {
		enum err_kind kind;
		int code;
	} cases[] = {
		{ ERR_NONE, 0 },    { ERR_FAILED, 1 },	     { ERR_BLOCKED, 3 },
		{ ERR_LOCKED, 11 }, { ERR_NOT_FOUND, 1 },    { ERR_NET, 1 },
		{ ERR_INVALID, 1 }, { ERR_INTERRUPTED, 10 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { .kind = cases[i].kind };

		assert_int_equal(err_exit_code(&err), cases[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_set_fills_kind_and_message),
		cmocka_unit_test(err_set_forgets_what_was_before),
		cmocka_unit_test(err_set_may_quote_the_old_message),
		cmocka_unit_test(err_sys_appends_the_text_of_errno),
		cmocka_unit_test(err_sys_knows_what_is_not_there),
		cmocka_unit_test(err_wrap_goes_in_front_and_keeps_the_rest),
		cmocka_unit_test(err_hint_goes_behind),
		cmocka_unit_test(err_messages_stay_within_their_size),
		cmocka_unit_test(err_exit_codes_are_the_first_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
