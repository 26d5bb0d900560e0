#include "unit.h"

#include "base/mem.h"
#include "base/nearest.h"

static void nearest_distance_counts_edits(void **state)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} cases[] = {
		{ "", "", 0 },
		{ "", "abc", 3 },
		{ "abc", "", 3 },
		{ "status", "status", 0 },
		{ "status", "statsu", 1 },
		{ "install", "instal", 1 },
		{ "kitten", "sitting", 3 },
		{ "ab", "ba", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(nearest_distance(cases[i].a, cases[i].b),
				 cases[i].distance);
}

static void nearest_distance_of_long_words_is_infinite(void **state)
{
	char word[NEAREST_MAX + 2];

	(void)state;
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_true(nearest_distance(word, "a") == SIZE_MAX);
	assert_true(nearest_distance("a", word) == SIZE_MAX);
	assert_int_equal(nearest_distance(word + 1, word + 2), 1);
}

static void nearest_word_guesses_or_is_silent(void **state)
{
	static const struct {
		const char *word, *nearest;
	} cases[] = {
		{ "instal", "install" },
		{ "unistall", "uninstall" },
		{ "hisotry", "history" },
		{ "mani", "manifests" },
		{ "man", NULL },
		{ "upgrade", NULL },
		{ "", NULL },
	};
	auto_strs struct strs known = STRS_INIT;

	(void)state;
	strs_split(&known, "install,uninstall,history,manifests", ',');
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *found = nearest_word(cases[i].word, &known);

		assert_true(str_eq(found, cases[i].nearest));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest_distance_counts_edits),
		cmocka_unit_test(nearest_distance_of_long_words_is_infinite),
		cmocka_unit_test(nearest_word_guesses_or_is_silent),
	};

	return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
