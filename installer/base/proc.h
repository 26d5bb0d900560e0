/*
 * proc - run another program and hear what it says.
 *
 * No shell: an argument vector, the program looked up in PATH. Standard
 * output and error are read with a limit, told line by line while it runs, or
 * left where ours go. The program has a deadline and ends with us: an
 * interrupt, the deadline or too much output kills it, and its whole process
 * group where it has one of its own.
 *
 *	char *argv[] = { "aws", "eks", "get-token", NULL };
 *	struct proc_request request = { .argv = argv, .timeout_ms = 60000 };
 *	struct proc_result auto_proc result = PROC_RESULT_INIT;
 *
 *	if (proc_run(&request, &result, err) < 0)
 *		return -1;
 *
 * Source: posix_spawn(3), memfd_create(2).
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct proc_request {
	char *const *argv; /* NULL-terminated; argv[0] is the program */
	char *const *env;  /* "NAME=VALUE" to add or replace, or NULL */
	const void *in;	   /* its standard input; NULL = none (/dev/null) */
	size_t in_len;
	bool keep_stdin;  /* it reads our standard input (a terminal) */
	bool keep_stderr; /* it writes to our standard error */
	/* In a session of its own: it, or who it becomes, gets no terminal to
	 * push words into. Not with keep_stdin. */
	bool session;
	size_t max_bytes;   /* of standard output, and of error; 0 = 1 MiB */
	int64_t timeout_ms; /* 0 = 60 s */
	int64_t grace_ms;   /* after SIGTERM, before SIGKILL; 0 = no SIGTERM */
	/* Hears each line of output and error, in the order written, without
	 * limit to their number; `result` keeps none. One of more than 4 KiB
	 * comes in pieces. NULL = nobody. */
	void (*line)(void *ctx, const char *line);
	void *ctx;
};

struct proc_result {
	int status; /* exit status; 128 + signal when killed by one */
	struct buf out;
	struct buf err;
};

#define PROC_RESULT_INIT    \
	{                   \
		.status = 0 \
	}

/* Run and wait. A program that exits with a status other than 0 is no
 * error. ERR_NOT_FOUND when there is no such program, ERR_TIMEOUT,
 * ERR_INTERRUPTED, ERR_INVALID for too much output. */
int proc_run(const struct proc_request *request, struct proc_result *result,
	     struct err *err) must_check;

/* Wipes: the output may hold a secret. */
void proc_result_release(struct proc_result *result);

#define auto_proc __attribute__((cleanup(proc_result_release)))

#endif
