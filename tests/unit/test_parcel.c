#include "unit.h"

#include "base/mem.h"
#include "format/base64.h"
#include "format/gzip.h"
#include "txn/parcel.h"

static struct jval *secret_with(const char *data)
{
	return jval_pack("{s:{s:s}, s:{s:s?}}", "metadata", "name", "s", "data",
			 "book", data);
}

static void parcel_gives_back_what_was_put_in(void **state)
{
	struct err err = ERR_INIT;
	autojval struct jval *value =
		jval_pack("{s:I, s:[s]}", "n", (int64_t)1 << 60, "list", "x");
	autojval struct jval *secret = parcel_wrap("s", "book", value, &err);
	autojval struct jval *again = NULL;

	(void)state;
	assert_done(secret != NULL, &err);
	assert_string_equal(jval_str(secret, "metadata.namespace"),
			    "dws-system");
	assert_string_equal(jval_str(secret, "type"), "dws-csm.io/book.v1");
	assert_string_equal(
		jval_string(jval_get(jval_path(secret, "metadata.labels"),
				     "dws-csm.io/record")),
		"book");
	again = parcel_open(secret, "book", &err);
	assert_done(again != NULL, &err);
	assert_true(jval_equal(value, again));
}

static void parcel_refuses_what_no_secret_can_hold(void **state)
{
	struct err err = ERR_INIT;
	autojval struct jval *value = jval_new_array();

	(void)state;
	srand(1);
	for (int i = 0; i < 400000; i++)
		jval_append(value, jval_new_int(rand()));
	assert_null(parcel_wrap("s", "book", value, &err));
	assert_error(&err, ERR_INVALID, "'s' is longer than");
}

static void parcel_that_is_damaged_is_told_by_name(void **state)
{
	/* Nothing, no base64, no gzip, gzip of no JSON. */
	auto_buf struct buf packed = BUF_INIT(1000);
	auto_buf struct buf text = BUF_INIT(1000);
	const char *data[] = { NULL, "*", "eHh4", NULL };

	(void)state;
	gzip_compress(&packed, "{", 1);
	base64_encode(&text, packed.data, packed.len);
	data[3] = buf_str(&text);
	for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
		struct err err = ERR_INIT;
		autojval struct jval *secret = secret_with(data[i]);

		assert_null(parcel_open(secret, "book", &err));
		assert_error(&err, ERR_INVALID, "read Secret 's' of namespace");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parcel_gives_back_what_was_put_in),
		cmocka_unit_test(parcel_refuses_what_no_secret_can_hold),
		cmocka_unit_test(parcel_that_is_damaged_is_told_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
