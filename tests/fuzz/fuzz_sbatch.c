/* Whatever a script holds, an option that makes several jobs is seen where
 * sbatch would read it, and nothing behind the first command is. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "slurm/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARRAY "#SBATCH --array=1-2\n"
#define COMMAND "\ntrue\n"

static int check(const char *text)
{
	struct err err = ERR_INIT;
	int result = job_check_script(text, strlen(text), &err);

	if (result < 0 &&
	    (err.kind != ERR_USAGE || !strstr(err.msg, "#SBATCH")))
		abort();
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = mem_strndup((const char *)data, size);
	autofree char *before = mem_printf(ARRAY "%s", text);
	autofree char *behind = mem_printf("%s" COMMAND ARRAY, text);
	autofree char *alone = mem_printf(COMMAND "%s", text);
	struct err err = ERR_INIT;
	int fit = check(text);

	/* With its length, and no NUL to stop at. */
	if (job_check_script((const char *)data, size, &err) != fit)
		abort();
	if (check(before) == 0 || check(behind) != fit || check(alone) < 0)
		abort();
	if (fit < 0 && !strstr(text, "#SBATCH"))
		abort();
	return 0;
}
