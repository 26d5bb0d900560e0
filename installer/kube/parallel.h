/*
 * parallel - the same work for many things, on a few threads.
 */
#ifndef KUBE_PARALLEL_H
#define KUBE_PARALLEL_H

#include <stddef.h>

#include "base/err.h"

#define PARALLEL_MAX_JOBS 64

/* One piece of work: number `index`, done by worker number `worker`. */
typedef int parallel_work(void *ctx, unsigned int worker, size_t index,
			  struct err *err);

/* Do 0 to nr - 1 on at most `jobs` threads, in that order as they become
 * free, and wait for all. After a failure nothing more is begun; the first
 * one is told. */
int parallel_run(size_t nr, unsigned int jobs, parallel_work *work, void *ctx,
		 struct err *err) must_check;

#endif
