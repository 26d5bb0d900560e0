#include "slurm/program.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strs.h"

static bool can_run(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

char *program_find(const char *name, const char *path)
{
	auto_strs struct strs dirs = STRS_INIT;

	if (strchr(name, '/'))
		return can_run(name) ? mem_strdup(name) : NULL;
	strs_split(&dirs, path, ':');
	for (size_t i = 0; i < dirs.nr; i++) {
		char *full = mem_printf("%s/%s", dirs.item[i], name);

		if (can_run(full))
			return full;
		free(full);
	}
	return NULL;
}

char *program_find_here(const char *name)
{
	const char *path = getenv("PATH");
	char *found = path ? program_find(name, path) : NULL;

	return found ? found :
		       program_find(name, PROGRAM_SERVICE_PATH
				    ":/opt/slurm/sbin:/opt/slurm/bin");
}

void program_forget_habits(void)
{
	static const char *const prefixes[] = {
		"SQUEUE_",	     "SCANCEL_",	  "SCONTROL_",
		"SLURM_CLUSTERS=",   "SBATCH_WAIT=",	  "SBATCH_CLUSTERS=",
		"SBATCH_ARRAY_INX=", "SBATCH_TEST_ONLY=",
	};
	auto_strs struct strs names = STRS_INIT;

	/* First all names: unsetenv moves the others. */
	for (char **e = environ; e && *e; e++)
		for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
			if (str_starts(*e, prefixes[i]))
				strs_addf(&names, "%.*s", (int)strcspn(*e, "="),
					  *e);
	for (size_t i = 0; i < names.nr; i++)
		unsetenv(names.item[i]);
}
