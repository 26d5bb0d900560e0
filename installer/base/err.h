/*
 * err - the one error object.
 *
 * The caller owns a `struct err`, passes it last, and looks at it only when a
 * function said that it failed (-1 or NULL); on success it is untouched.
 * Each layer adds, once, what it was doing:
 *
 *	if (file_read(...) < 0)
 *		return err_wrap(err, "read 'release.json'");
 *
 * Texts are lower case, without a full stop, with the subject in quotes, and
 * say what the user can do. They never hold a secret.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#define must_check __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

/*
 * What kind of failure it was. The first eleven are exit codes of the
 * program; the others leave it as ERR_FAILED.
 */
enum err_kind {
	ERR_NONE = 0,
	ERR_FAILED = 1,
	ERR_USAGE = 2,
	ERR_BLOCKED = 3,  /* a precondition, such as a Workflow left */
	ERR_REGISTRY = 4, /* a registry refused or cannot be reached */
	ERR_API = 5,	  /* the API server, likewise */
	ERR_TIMEOUT = 6,
	ERR_ROLLED_BACK = 7,
	ERR_ROLLBACK_INCOMPLETE = 8,
	ERR_VERIFY = 9,	      /* a digest or signature does not match */
	ERR_INTERRUPTED = 10, /* by a signal; can be resumed */
	ERR_LOCKED = 11,      /* another installer is at work */

	ERR_INVALID = 100, /* input that cannot be understood */
	ERR_NOT_FOUND,
	ERR_NET, /* a connection failed (see transient) */
};

struct err {
	enum err_kind kind;
	int sys;	/* errno, or 0 */
	int http;	/* status of the HTTP answer that caused it, or 0 */
	bool transient; /* trying again may help */
	char msg[1024];
};

#define ERR_INIT                 \
	{                        \
		.kind = ERR_NONE \
	}

/* Fill `err`; return -1, so that `return err_set(...)` makes and returns. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
	printf_like(3, 4);

/* Like err_set, kind ERR_FAILED (ERR_NOT_FOUND for ENOENT), with ": " and
 * the text of errno value `sys` appended. */
int err_sys(struct err *err, int sys, const char *fmt, ...) printf_like(3, 4);

/* Put "<formatted>: " before the message; kind and the rest stay. */
int err_wrap(struct err *err, const char *fmt, ...) printf_like(2, 3);

/* Append "; <formatted>", as for a remedy. */
int err_hint(struct err *err, const char *fmt, ...) printf_like(2, 3);

void err_clear(struct err *err);

/* The exit code of a program that ends with this error. */
int err_exit_code(const struct err *err);

#endif
