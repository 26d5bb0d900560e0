#include "unit.h"

#include <unistd.h>

#include "base/mem.h"
#include "slurm/program.h"

static void program_forgets_the_habits_of_a_person(void **state)
{
	(void)state;
	setenv("SQUEUE_USERS", "nobody", 1);
	setenv("SQUEUE_PARTITION", "x", 1);
	setenv("SBATCH_WAIT", "1", 1);
	setenv("SBATCH_PARTITION", "debug", 1);
	program_forget_habits();
	assert_null(getenv("SQUEUE_USERS"));
	assert_null(getenv("SQUEUE_PARTITION"));
	assert_null(getenv("SBATCH_WAIT"));
	assert_string_equal(getenv("SBATCH_PARTITION"), "debug");
}

static void program_is_found_by_name_or_path(void **state)
{
	autofree char *named = program_find("sh", "/nowhere:/bin");
	autofree char *path = program_find("/bin/sh", "/nowhere");

	(void)state;
	assert_string_equal(named, "/bin/sh");
	assert_string_equal(path, "/bin/sh");
	assert_null(program_find("sh", "/nowhere"));
	assert_null(program_find("/bin", "/bin"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(program_forgets_the_habits_of_a_person),
		cmocka_unit_test(program_is_found_by_name_or_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
