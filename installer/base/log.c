#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/utf8.h"

static enum log_level log_level = LOG_INFO;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*log_sink)(const char *line, void *ctx);
static void *log_sink_ctx;
static void (*log_listener)(enum log_level level, const char *text, void *ctx);
static void *log_listener_ctx;

void log_set_level(enum log_level level)
{
	log_level = level;
}

bool log_enabled(enum log_level level)
{
	return log_level >= level;
}

void log_set_sink(void (*sink)(const char *line, void *ctx), void *ctx)
{
	pthread_mutex_lock(&log_lock);
	log_sink = sink;
	log_sink_ctx = ctx;
	pthread_mutex_unlock(&log_lock);
}

void log_set_listener(void (*listener)(enum log_level level, const char *text,
				       void *ctx),
		      void *ctx)
{
	pthread_mutex_lock(&log_lock);
	log_listener = listener;
	log_listener_ctx = ctx;
	pthread_mutex_unlock(&log_lock);
}

static void log_show(const char *prefix, const char *text)
{
	autofree char *line = mem_printf("%s%s", prefix, text);

	if (log_sink)
		log_sink(line, log_sink_ctx);
	else
		fprintf(stderr, "%s\n", line);
}

static void log_line(enum log_level level, const char *prefix, const char *fmt,
		     va_list args)
{
	autofree char *text = NULL;

	if (vasprintf(&text, fmt, args) < 0)
		return;
	utf8_clean(text);
	pthread_mutex_lock(&log_lock);
	if (log_enabled(level))
		log_show(prefix, text);
	if (log_listener && level <= LOG_VERBOSE)
		log_listener(level, text, log_listener_ctx);
	pthread_mutex_unlock(&log_lock);
}

/* Without the lock: a listener that comes just now has missed nothing yet. */
static bool log_wanted(enum log_level level)
{
	return log_enabled(level) || (log_listener && level <= LOG_VERBOSE);
}

#define LOG_DEFINE(name, level, prefix)             \
	void name(const char *fmt, ...)             \
	{                                           \
		va_list args;                       \
                                                    \
		if (!log_wanted(level))             \
			return;                     \
		va_start(args, fmt);                \
		log_line(level, prefix, fmt, args); \
		va_end(args);                       \
	}

LOG_DEFINE(log_warn, LOG_QUIET, "warning: ")
LOG_DEFINE(log_info, LOG_INFO, "")
LOG_DEFINE(log_verbose, LOG_VERBOSE, "")
LOG_DEFINE(log_debug, LOG_DEBUG, "debug: ")
