/*
 * state - the directory on this host where undo data is kept besides the
 * cluster: fsynced before anything is destroyed.
 *
 *	/var/lib/dws-csm/, mode 0700; for a user who is not root
 *	$XDG_STATE_HOME/dws-csm or ~/.local/state/dws-csm; --state-dir.
 *
 * Names are relative and may have one folder ("backup/ID.jsonl.gz"); the
 * folders backup/ and log/ are there once it is open.
 */
#ifndef TXN_STATE_H
#define TXN_STATE_H

#include "base/err.h"

struct state {
	int dirfd;
	char *path; /* absolute */
};

#define STATE_INIT          \
	{                   \
		.dirfd = -1 \
	}

/* Open or make it; `dir` NULL = the default. What cannot be written is an
 * error now, not in the middle: its text names --state-dir. So is a directory
 * that others may write to, or that is another user's. */
int state_open(struct state *state, const char *dir, struct err *err)
	must_check;
void state_release(struct state *state);

/* "/var/lib/dws-csm/NAME" for messages; the caller's. */
char *state_path(const struct state *state, const char *name) must_check;

#define auto_state __attribute__((cleanup(state_release)))

#endif
