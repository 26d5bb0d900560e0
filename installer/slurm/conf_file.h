/*
 * conf_file - slurm.conf replaced: by one rename, with its mode and owner, where
 * a symbolic link leads, and a copy of what it was beside it.
 */
#ifndef SLURM_CONF_FILE_H
#define SLURM_CONF_FILE_H

#include "slurm/site.h"

/*
 * Replace what `site` was read from. `*backup` (the caller's) is the copy,
 * "slurm.conf.dws-csm-20261123T113000Z". ERR_LOCKED where the file is not what
 * was read any more.
 */
int conf_file_replace(const struct site *site, const void *data, size_t len,
		      char **backup, struct err *err) must_check;

/* Have it as the copy was, which goes. `data` is what it was replaced with;
 * ERR_LOCKED where somebody changed that. */
int conf_file_restore(const struct site *site, const char *backup,
		      const void *data, size_t len, struct err *err) must_check;

#endif
