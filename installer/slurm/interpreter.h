/*
 * interpreter - the Lua that this program carries.
 *
 * For hosts that have Slurm's Lua as a library only. Without the functions
 * that load other code.
 */
#ifndef SLURM_INTERPRETER_H
#define SLURM_INTERPRETER_H

#include <stddef.h>

/* Run Lua text with `args` (NULL-terminated) as its arg[1] and on. It has all
 * rights of the process: only for one that was made for it and gave up what
 * it does not need. In at most `max_bytes` of memory. 0, or 1 with the error on
 * standard error. */
int interpreter_run(const char *text, size_t len, char *const *args,
		    size_t max_bytes);

#endif
