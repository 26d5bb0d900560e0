/*
 * log - what is said on standard error besides results and errors.
 *
 * One of the two mutable globals of the program: a level. Lines go through
 * log_sink when one is set (progress draws around them). Thread-safe. Never
 * give it a secret.
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

void log_warn(const char *fmt, ...) printf_like(1, 2); /* "warning: ..." */
void log_info(const char *fmt, ...) printf_like(1, 2);
void log_verbose(const char *fmt, ...) printf_like(1, 2);
void log_debug(const char *fmt, ...) printf_like(1, 2);

#endif
