/*
 * site - the configuration of Slurm on this host: slurm.conf and the files
 * that it includes.
 *
 * Source: slurm.conf(5), "Description" (Include, SLURM_CONF).
 */
#ifndef SLURM_SITE_H
#define SLURM_SITE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define SITE_CONF "/etc/slurm/slurm.conf"
#define SITE_MAX_BYTES ((size_t)16 << 20)

/* A line "BurstBufferType=...". */
struct site_type {
	char *file;
	unsigned int number;
	char *value;
	bool included; /* it stands in a file that slurm.conf includes */
};

struct site {
	char *path; /* of slurm.conf, as it was named */
	char *dir;  /* that it is in: relative names start there */
	char *text; /* of slurm.conf alone */
	size_t len;
	char *user;		/* SlurmUser, "root" where none is named */
	char *plugin_dir;	/* PluginDir, or NULL */
	char *parameters;	/* SlurmctldParameters, or "" */
	struct site_type *type; /* in the order of reading: the last counts */
	size_t nr_types;
};

/* Read it. `path` NULL = SLURM_CONF, else /etc/slurm/slurm.conf. What Slurm
 * would stop at (an Include of no file) is ERR_INVALID with file and line, and
 * so is a pipe or the like in place of a file, also of the plugin's; ERR_BLOCKED
 * where there is no slurm.conf. */
int site_read(struct site *site, const char *path, struct err *err) must_check;
void site_release(struct site *site);

/* A file beside slurm.conf; the caller's. */
char *site_file(const struct site *site, const char *name) must_check;

enum type_meaning {
	TYPE_NONE,  /* no burst buffer */
	TYPE_LUA,   /* ours */
	TYPE_OTHER, /* of another system */
};

/* What a value of BurstBufferType means; NULL = none is set. */
enum type_meaning type_meaning(const char *value);

/* What slurmctld makes of all of them. */
enum type_meaning site_type(const struct site *site);

#define auto_site __attribute__((cleanup(site_release)))

#endif
