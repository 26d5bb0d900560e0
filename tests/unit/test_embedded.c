#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/embedded.h"

static void embedded_files_are_sorted_and_terminated(void **state)
{
	size_t i;

	(void)state;
	assert_true(embedded_nr > 0);
	for (i = 0; i < embedded_nr; i++) {
		const struct embedded_file *file = &embedded_files[i];

		assert_int_equal(file->data[file->len], 0);
		if (i > 0)
			assert_true(strcmp(file[-1].path, file->path) < 0);
	}
}

static void embedded_find_finds_each_file(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < embedded_nr; i++)
		assert_ptr_equal(embedded_find(embedded_files[i].path),
				 &embedded_files[i]);
}

static void embedded_find_wants_the_whole_path(void **state)
{
	static const char *const absent[] = {
		"",
		"a",
		"manifests",
		"manifests/",
		"manifests/catalogue.yam",
		"manifests/catalogue.yamll",
		"zzz",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		assert_null(embedded_find(absent[i]));
}

static void embedded_next_goes_through_a_prefix_only(void **state)
{
	const struct embedded_file *file = NULL;
	size_t nr = 0;
	size_t expected = 0;
	size_t i;

	(void)state;
	for (i = 0; i < embedded_nr; i++)
		expected += strncmp(embedded_files[i].path, "manifests/dws/",
				    14) == 0;
	while ((file = embedded_next("manifests/dws/", file))) {
		assert_int_equal(strncmp(file->path, "manifests/dws/", 14), 0);
		nr++;
	}
	assert_int_equal(nr, expected);
	assert_null(embedded_next("zzz", NULL));
}

static void embedded_next_with_empty_prefix_goes_through_all(void **state)
{
	const struct embedded_file *file = NULL;
	size_t nr = 0;

	(void)state;
	while ((file = embedded_next("", file)))
		nr++;
	assert_int_equal(nr, embedded_nr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(embedded_files_are_sorted_and_terminated),
		cmocka_unit_test(embedded_find_finds_each_file),
		cmocka_unit_test(embedded_find_wants_the_whole_path),
		cmocka_unit_test(embedded_next_goes_through_a_prefix_only),
		cmocka_unit_test(
			embedded_next_with_empty_prefix_goes_through_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
