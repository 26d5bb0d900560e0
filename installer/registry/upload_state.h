/*
 * upload_state - uploads in flight, remembered over the end of the program.
 *
 *	DIR/uploads/NAME.json	{"registry", "repository", "digest",
 *				 "location", "started"}
 *	DIR/uploads/NAME.lock	held by whoever sends it
 *
 * Mode 0600, replaced atomically, removed when the upload has ended, at the
 * latest after a day: registries forget, too. No credential is in it. All of
 * it only saves bytes: whatever fails here is told with -v and the blob sent
 * from its start.
 */
#ifndef REGISTRY_UPLOAD_STATE_H
#define REGISTRY_UPLOAD_STATE_H

#include <stdbool.h>

#include "base/err.h"

struct upload_state;

/* What one upload is known by. */
struct upload_key {
	const char *registry; /* "https://HOST:PORT" */
	const char *repository;
	const char *digest;
};

/* Open "uploads" in the directory `dir`, made where it is not, and clear away
 * what is older than a day; a file descriptor, or -1. A directory that others
 * may write to is refused: they could have us send elsewhere. */
int upload_state_dir(const char *dir, struct err *err) must_check;

/*
 * Take the upload for us alone: NULL when another process or thread has it,
 * or dirfd is -1. `*location` is where it goes on (owned), or NULL. The key
 * is borrowed until the end.
 */
struct upload_state *upload_state_claim(int dirfd, const struct upload_key *key,
					char **location) must_check;

/* From now on it goes on at `location`. `state` may be NULL. */
void upload_state_save(struct upload_state *state, const char *location);

/* With `keep` the next one who claims it goes on. `state` may be NULL. */
void upload_state_close(struct upload_state *state, bool keep);

#endif
