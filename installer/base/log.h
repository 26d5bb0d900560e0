/*
 * log - what is said on standard error besides results and errors.
 *
 * One of the two mutable globals of the program: a level and who is told.
 * Lines go through the sink when one is set (progress draws around them); a
 * listener hears besides what is not shown. Thread-safe. Never give it a
 * secret.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum log_level {
	LOG_QUIET = 0, /* -q: warnings only */
	LOG_INFO = 1,
	LOG_VERBOSE = 2, /* -v: what is decided and why */
	LOG_DEBUG = 3,	 /* -vv: each request */
};

void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/* Where lines (without newline) go instead of standard error; NULL undoes. */
void log_set_sink(void (*sink)(const char *line, void *ctx), void *ctx);

/* Who hears each message up to LOG_VERBOSE, whatever the level is; NULL undoes.
 * Text comes clean for a terminal and without "warning: ", whose level is
 * LOG_QUIET. Called under the lock of this module: it must not log. */
void log_set_listener(void (*listener)(enum log_level level, const char *text,
				       void *ctx),
		      void *ctx);

void log_warn(const char *fmt, ...) printf_like(1, 2); /* "warning: ..." */
void log_info(const char *fmt, ...) printf_like(1, 2);
void log_verbose(const char *fmt, ...) printf_like(1, 2);
void log_debug(const char *fmt, ...) printf_like(1, 2);

#endif
