/*
 * backup_describe - a backup in a few lines, for those who read.
 */
#ifndef CMD_BACKUP_DESCRIBE_H
#define CMD_BACKUP_DESCRIBE_H

#include "base/buf.h"
#include "cmd/settings.h"
#include "format/jval.h"
#include "txn/state.h"

/* Append what the index (see txn/backup.h) with its places tells. */
void backup_describe(const struct jval *index, struct buf *out);

/* "cluster, /var/lib/..."; the caller's. */
char *backup_places(const struct jval *index) must_check;

/* The state directory for those who only look: NULL with a warning where it
 * cannot be used, unless --state-dir names it. */
int backup_state_open(struct state *state, const struct settings *settings,
		      const struct state **usable, struct err *err) must_check;

#endif
