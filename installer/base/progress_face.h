/*
 * progress_face - what the three faces of progress share. Only progress*.c
 * include it.
 *
 * progress.c owns the state and its lock; a face draws. Each function of a
 * face is called with the lock held, must not log, and writes through
 * progress_write.
 */
#ifndef BASE_PROGRESS_FACE_H
#define BASE_PROGRESS_FACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/progress.h"

/* Units a second: the average of a window that grows to five seconds. */
struct progress_rate {
	int64_t start_ms;
	int64_t at_ms;
	uint64_t seen;
	double per_s;
};

struct progress_item {
	struct progress *progress;
	struct progress_item *next; /* running, oldest first; or ended */
	char *name;
	char *note; /* never NULL */
	enum progress_unit unit;
	enum progress_state state;
	unsigned int phase;
	uint64_t done, total;
	uint64_t moved; /* what really flowed, for the rate */
	int64_t start_ms;
	int64_t told_ms; /* when a plain or JSON face last told of it */
	bool news;	 /* since then */
	struct progress_rate rate;
};

/* All items of the current phase, those that ended included. */
struct progress_sum {
	uint64_t done, total, moved; /* bytes */
	size_t ended, nr;	     /* items */
	struct progress_rate rate;
};

struct progress_face {
	int64_t tick_ms;
	void *(*new)(void);
	void (*free)(void *state);
	void (*phase)(struct progress *p, const char *text);
	void (*start)(struct progress *p, struct progress_item *item);
	/* `item->state` tells how, `text` the outcome in words. */
	void (*end)(struct progress *p, struct progress_item *item,
		    const char *text);
	void (*tick)(struct progress *p, int64_t now_ms);
	void (*log)(struct progress *p, const char *line);
	void (*finish)(struct progress *p);
};

/* A step for which nothing had to be done is told to those who want more:
 * for a person, three dozen "unchanged" hide the one that changed. */
bool progress_is_news(const struct progress_item *item);

extern const struct progress_face progress_tty;
extern const struct progress_face progress_plain;
extern const struct progress_face progress_json;

struct progress {
	const struct progress_face *face;
	void *state; /* the face's own */
	int fd;
	bool broken; /* a write failed: nothing more is drawn */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool stop;
	struct progress_item *running;
	struct progress_item *ended;
	struct progress_sum sum;
	unsigned int phase;
};

/* Write at once, and empty `out`. */
void progress_write(struct progress *progress, struct buf *out);

/* "3s", "42s", "2m05s", "1h02m" into at least 32 bytes; progress_time says
 * "3.1s" below ten seconds, which would flicker in what moves. */
#define PROGRESS_TIME_SIZE 32
void progress_seconds(char *text, size_t size, int64_t seconds);
void progress_time(char *text, size_t size, int64_t ms);

/* "31.2 MiB/s" into at least 24 bytes; "" where nothing is known yet. */
#define PROGRESS_RATE_SIZE 24
void progress_rate_text(char *text, size_t size,
			const struct progress_rate *rate);

/* Percent, 0 to 100, never 100 before the end. */
unsigned int progress_percent(uint64_t done, uint64_t total);

#endif
