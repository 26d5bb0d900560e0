/*
 * plan - what a command is going to do, as data: shown by --dry-run.
 *
 * A step is an action on a thing, with the reason where it is not plain.
 * Notes are what was decided about the whole (see bundle/adapt).
 */
#ifndef TXN_PLAN_H
#define TXN_PLAN_H

#include "base/strs.h"
#include "format/jval.h"

struct plan {
	struct jval *steps; /* [{action, thing, why}] */
	struct strs notes;
};

#define PLAN_INIT             \
	{                     \
		.steps = NULL \
	}

void plan_release(struct plan *plan);

/* "push", "image registry.local/dws:0.0.20", reason or NULL. */
void plan_add(struct plan *plan, const char *action, const char *why,
	      const char *fmt, ...) printf_like(4, 5);

/* {"steps": [...], "notes": [...]}; the caller's. */
struct jval *plan_value(const struct plan *plan) must_check;

#define auto_plan __attribute__((cleanup(plan_release)))

#endif
