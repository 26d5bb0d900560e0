/*
 * unit - what every unit test includes: cmocka and checks of errors.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"

/* The error is of that kind, and its message holds `text`. */
#define assert_error(err, kind, text) \
	unit_assert_error(err, kind, text, __FILE__, __LINE__)

static inline void unit_assert_error(const struct err *err, enum err_kind kind,
				     const char *text, const char *file,
				     int line)
{
	if (err->kind == kind && strstr(err->msg, text))
		return;
	print_error("error is of kind %d: '%s'\n", (int)err->kind, err->msg);
	_fail(file, line);
}

/* A call went well; else its error is shown. */
#define assert_done(call, err)                           \
	do {                                             \
		if (!(call)) {                           \
			print_error("%s\n", (err)->msg); \
			fail();                          \
		}                                        \
	} while (0)

/* An unlinked temporary file that holds `data`. */
static inline int unit_file(const void *data, size_t len)
{
	FILE *file = tmpfile();
	int fd;

	assert_non_null(file);
	fd = dup(fileno(file));
	fclose(file);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, 0), len);
	return fd;
}

#endif
