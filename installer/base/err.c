#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void err_vset(struct err *err, enum err_kind kind, const char *fmt,
		     va_list args)
{
	char msg[sizeof(err->msg)];

	/* An argument may be the old message itself. */
	vsnprintf(msg, sizeof(msg), fmt, args);
	err_clear(err);
	err->kind = kind;
	memcpy(err->msg, msg, sizeof(msg));
}

static void err_append(struct err *err, const char *text)
{
	size_t len = strlen(err->msg);

	snprintf(err->msg + len, sizeof(err->msg) - len, "%s", text);
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	err_vset(err, kind, fmt, args);
	va_end(args);
	return -1;
}

int err_sys(struct err *err, int sys, const char *fmt, ...)
{
	char text[128];
	va_list args;

	va_start(args, fmt);
	err_vset(err, sys == ENOENT ? ERR_NOT_FOUND : ERR_FAILED, fmt, args);
	va_end(args);
	err->sys = sys;
	err_append(err, ": ");
	err_append(err, strerror_r(sys, text, sizeof(text)));
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char text[sizeof(err->msg)], old[sizeof(err->msg)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	memcpy(old, err->msg, sizeof(old));
	memcpy(err->msg, text, sizeof(text));
	err_append(err, ": ");
	err_append(err, old);
	return -1;
}

int err_hint(struct err *err, const char *fmt, ...)
{
	char text[sizeof(err->msg)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_append(err, "; ");
	err_append(err, text);
	return -1;
}

void err_clear(struct err *err)
{
	memset(err, 0, sizeof(*err));
}

int err_exit_code(const struct err *err)
{
	if (err->kind == ERR_NONE)
		return 0;
	return err->kind < ERR_INVALID ? (int)err->kind : ERR_FAILED;
}
