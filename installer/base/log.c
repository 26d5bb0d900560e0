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

static void log_line(const char *prefix, const char *fmt, va_list args)
{
	autofree char *text = NULL;
	autofree char *line = NULL;

	if (vasprintf(&text, fmt, args) < 0)
		return;
	line = mem_printf("%s%s", prefix, text);
	utf8_clean(line);
	pthread_mutex_lock(&log_lock);
	if (log_sink)
		log_sink(line, log_sink_ctx);
	else
		fprintf(stderr, "%s\n", line);
	pthread_mutex_unlock(&log_lock);
}

#define LOG_DEFINE(name, level, prefix)      \
	void name(const char *fmt, ...)      \
	{                                    \
		va_list args;                \
                                             \
		if (!log_enabled(level))     \
			return;              \
		va_start(args, fmt);         \
		log_line(prefix, fmt, args); \
		va_end(args);                \
	}

LOG_DEFINE(log_warn, LOG_QUIET, "warning: ")
LOG_DEFINE(log_info, LOG_INFO, "")
LOG_DEFINE(log_verbose, LOG_VERBOSE, "")
LOG_DEFINE(log_debug, LOG_DEBUG, "debug: ")
