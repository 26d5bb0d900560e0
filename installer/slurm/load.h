/*
 * load - whether slurmctld could load a burst_buffer.lua.
 *
 * It is really loaded, in a process of its own, as the user that slurmctld
 * runs as: by an interpreter of Slurm's Lua where the host has one, else by the
 * Lua that we carry. Nothing that the script calls on others is done.
 */
#ifndef SLURM_LOAD_H
#define SLURM_LOAD_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strs.h"
#include "slurm/user.h"

struct load_request {
	const char *script;
	const struct strs *hooks; /* which it must have */
	bool polled;		  /* Slurm has test_data_in and test_data_out */
	const char *lua;	  /* "5.1", "luajit", or NULL = any */
	const struct user *user;  /* who runs it; NULL = we ourselves */
};

struct load_answer {
	char *by;	     /* "Lua 5.1", or which other one */
	bool other;	     /* not the Lua that was asked for */
	char *error;	     /* why it cannot be loaded, or NULL */
	struct strs missing; /* hooks */
	char *settings;	     /* what it says of its settings, or NULL */
};

/* -1 where that could not be found out; that it cannot be loaded is an answer.
 */
int load_try(struct load_answer *answer, const struct load_request *request,
	     struct err *err) must_check;
void load_answer_release(struct load_answer *answer);

#define auto_load_answer __attribute__((cleanup(load_answer_release)))

#endif
