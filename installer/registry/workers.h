/*
 * workers - a few threads that share a list of jobs.
 *
 * Each thread takes the next job until there is none left. The first error
 * stops all: others see it through workers_cancelled and end soon.
 */
#ifndef REGISTRY_WORKERS_H
#define REGISTRY_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct workers;

struct workers_options {
	size_t nr_jobs;
	unsigned int threads; /* at most one a job */
	void *ctx;
	struct workers **handle; /* filled before the first thread starts */
	/* What a thread needs for itself, or NULL; each may be NULL. */
	void *(*begin)(void *ctx);
	void (*end)(void *ctx, void *own);
	/* Job number `job`, in order of beginning. */
	int (*run)(void *ctx, void *own, size_t job, struct err *err);
};

/* Run all; 0, or -1 with the first error. */
int workers_run(const struct workers_options *options, struct err *err)
	must_check;

/* Whether another one failed; `workers` as a void * for callbacks. */
bool workers_cancelled(void *workers);

#endif
