/*
 * host - the Slurm that is installed on this host: its version, its plugin for
 * Lua, and the Lua that this one is linked with.
 */
#ifndef SLURM_HOST_H
#define SLURM_HOST_H

#include "base/err.h"
#include "base/strs.h"
#include "slurm/site.h"

struct host {
	char *slurmctld;      /* path */
	char *version;	      /* "22.05.8" */
	unsigned int release; /* 2205 */
	char *plugin;	      /* path of burst_buffer_lua.so, or NULL */
	char *lua;	      /* "5.1" or "luajit"; NULL = not known */
};

/* ERR_BLOCKED where there is no slurmctld, or it does not tell its version. A
 * plugin that is missing is no error. */
int host_look(struct host *host, const struct site *site, struct err *err)
	must_check;
void host_release(struct host *host);

/* Release 2405 of "slurm-wlm 24.05.1", and its version, the caller's; 0 where
 * the text holds none. */
unsigned int host_release_of(const char *text, char **version);

/* "5.3" of "liblua5.3.so.5" and its kind; NULL for other libraries. The
 * caller's. */
char *host_lua_of(const char *library) must_check;

/* The hooks without which slurmctld of that release does not start. */
void host_hooks(struct strs *hooks, unsigned int release);

#define auto_host __attribute__((cleanup(host_release)))

#endif
