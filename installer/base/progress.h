/*
 * progress - what is under way, as one tree with three faces.
 *
 * A command makes one `struct progress`; work adds items (an image, a blob,
 * an object, a wait), tells how far they are, and ends them. On a terminal:
 * a line for each item that moves and an overall bar with rate and
 * remaining time; not on one: a plain line when an item ends (and every ten
 * seconds for a long one); with json: one JSON event a line. All on standard
 * error. Thread-safe: items may be moved by any thread. Every function
 * accepts a NULL progress or item and does nothing.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum progress_mode {
	PROGRESS_AUTO, /* tty if standard error is one, else plain */
	PROGRESS_TTY,
	PROGRESS_PLAIN,
	PROGRESS_JSON,
	PROGRESS_NONE,
};

enum progress_unit { PROGRESS_STEPS, PROGRESS_BYTES };

enum progress_state {
	PROGRESS_RUNNING,
	PROGRESS_DONE,	  /* changed or sent */
	PROGRESS_SKIPPED, /* was there already */
	PROGRESS_FAILED,
};

struct progress;
struct progress_item;

/* "auto", "tty", "plain", "json", "none"; ERR_USAGE for others. */
int progress_mode_parse(enum progress_mode *mode, const char *text,
			struct err *err) must_check;

struct progress *progress_new(enum progress_mode mode, int fd) must_check;

/* Draw the last state, leave the terminal as it was, free all. */
void progress_free(struct progress *progress);

/* A heading that groups what follows ("pushing images"). */
void progress_phase(struct progress *progress, const char *fmt, ...)
	printf_like(2, 3);

/* An item: `id` is stable and unique among running ones ("image dws:0.0.20"),
 * `total` in units, 0 when unknown. Owned by `progress`. */
struct progress_item *progress_add(struct progress *progress,
				   enum progress_unit unit, uint64_t total,
				   const char *fmt, ...) printf_like(4, 5);
void progress_set_total(struct progress_item *item, uint64_t total);
void progress_advance(struct progress_item *item, uint64_t by);
/* Back to `done` units, when a transfer starts again. */
void progress_reset(struct progress_item *item, uint64_t done);
/* What it is doing or waiting for ("0 of 3 pods ready"). */
void progress_note(struct progress_item *item, const char *fmt, ...)
	printf_like(2, 3);
/* End of the item, with a note for the reader ("already there") or NULL. */
void progress_end(struct progress_item *item, enum progress_state state,
		  const char *note);

#endif
