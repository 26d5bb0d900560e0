#include "unit.h"

#include "base/digest.h"
#include "base/mem.h"

#define EMPTY \
	"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC \
	"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void digest_of_known_texts_is_right(void **state)
{
	char text[DIGEST_SIZE];

	(void)state;
	digest_of("", 0, text);
	assert_string_equal(text, EMPTY);
	digest_of("abc", 3, text);
	assert_string_equal(text, ABC);
}

static void digest_may_be_fed_in_parts_and_used_again(void **state)
{
	struct digest_state *digest = digest_new();
	char text[DIGEST_SIZE];

	(void)state;
	digest_update(digest, "a", 1);
	digest_update(digest, "", 0);
	digest_update(digest, "bc", 2);
	digest_final(digest, text);
	assert_string_equal(text, ABC);
	digest_final(digest, text);
	assert_string_equal(text, EMPTY);
	digest_free(digest);
	digest_free(NULL);
}

static void digest_check_takes_the_well_formed(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_done(digest_check(ABC, &err) == 0, &err);
	assert_string_equal(digest_hex(ABC), ABC + 7);
}

static void digest_check_refuses_the_rest(void **state)
{
	static const char *const cases[] = {
		"",
		"sha256:",
		"sha256:abc",
		"sha512:ba7816bf",
		ABC "0",
		"sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9C"
		"B410FF61F20015AD",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a"
		"d",
		"sha256:../../../../../../../../../../../../../../../../etc/"
		"passwdxxxx",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(digest_check(cases[i], &err), -1);
		assert_error(&err, ERR_INVALID, cases[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_of_known_texts_is_right),
		cmocka_unit_test(digest_may_be_fed_in_parts_and_used_again),
		cmocka_unit_test(digest_check_takes_the_well_formed),
		cmocka_unit_test(digest_check_refuses_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
