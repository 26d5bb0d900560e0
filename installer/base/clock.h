/*
 * clock - time, deadlines, waiting, and the wish to stop.
 *
 * Every wait in the program goes through clock_sleep or a deadline, so that
 * a signal ends it: interrupt_install makes SIGINT, SIGTERM and SIGHUP set a
 * flag that clock_interrupted tells and clock_sleep obeys.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"

/* Monotonic milliseconds. */
int64_t clock_now_ms(void);

/* Wall clock, seconds since 1970. */
time_t clock_wall(void);

/* "2026-11-23T00:38:00Z" (RFC 3339, UTC) into `text` of at least 21 bytes. */
#define CLOCK_RFC3339_SIZE 21
void clock_rfc3339(char *text, size_t size, time_t t);

/* RFC 3339 with optional fraction and offset, as Kubernetes writes it. */
int clock_parse_rfc3339(const char *text, time_t *t, struct err *err)
	must_check;

/* An age as kubectl prints it: 42s, 5m, 3h, 2d. */
void clock_age(char *text, size_t size, time_t since, time_t now);

/* A point of the monotonic clock; INT64_MAX is never. */
static inline int64_t deadline_in_ms(int64_t timeout_ms)
{
	int64_t now = clock_now_ms();

	return timeout_ms < 0 || timeout_ms > INT64_MAX - now ?
		       INT64_MAX :
		       now + timeout_ms;
}

/* Milliseconds until `deadline`, 0 when it has passed. */
int64_t deadline_left_ms(int64_t deadline);

/* Sleep; ERR_INTERRUPTED when a signal asked to stop before the end. */
int clock_sleep(int64_t ms, struct err *err) must_check;

/* The pause before try number `attempt` (1 = first retry): doubling from
 * `base_ms` to at most `max_ms`, with jitter of +-25 %. */
int64_t clock_backoff_ms(unsigned int attempt, int64_t base_ms, int64_t max_ms);

void interrupt_install(void);
bool clock_interrupted(void);

/* While deferred, a signal is only remembered: for the last words that must
 * be written after one came. */
bool interrupt_defer(bool deferred);

/* ERR_INTERRUPTED when a signal asked to stop, else 0. */
int clock_check_interrupt(struct err *err) must_check;

#endif
