/*
 * plan - what a command is going to do, as data: shown by --dry-run.
 *
 * A step is an action on a thing, with the reason where it is not plain, and
 * what can be said of its extent. Notes are what was decided about the whole
 * (see bundle/adapt). Problems stand in the way: with one, nothing can be
 * done. `back` says how to return.
 *
 * A plan can be kept in a file and carried out later, if it is still what
 * would be done:
 *
 *	{dws-csm, operation, arguments, options: {NAME: VALUE}, digest, plan}
 */
#ifndef TXN_PLAN_H
#define TXN_PLAN_H

#include "base/strs.h"
#include "format/jval.h"

struct plan {
	/* [{action, thing, why, diff, count, bytes}]; only action and thing are
	 * in each. */
	struct jval *steps;
	struct strs notes;
	struct strs problems;
	char *back;
	char *bundle; /* digest of the one it is carried out with, or NULL */
};

#define PLAN_INIT             \
	{                     \
		.steps = NULL \
	}

void plan_release(struct plan *plan);

/* "push", "image registry.local/dws:0.0.20", reason or NULL. */
void plan_add(struct plan *plan, const char *action, const char *why,
	      const char *fmt, ...) printf_like(4, 5);

/* Of the step added last: how the thing changes (diff_objects); "count" or
 * "bytes" of what it moves. */
void plan_set_diff(struct plan *plan, const char *diff);
void plan_set_number(struct plan *plan, const char *name, int64_t number);

/* The steps of `more` come after those of `plan`. */
void plan_append(struct plan *plan, const struct plan *more);

/* {steps: [...], notes: [...], problems: [...], back: "..." or null},
 * and bundle where there is one; the caller's. */
struct jval *plan_value(const struct plan *plan) must_check;

/* ERR_BLOCKED with the first problem and how many there are; 0 when there is
 * none. */
int plan_refuse(const struct plan *plan, struct err *err) must_check;

/* What refuses a change is a problem of its plan: an ERR_BLOCKED is added and
 * cleared (0), so that the rest can be told as well; any other error stays. */
int plan_note_problem(struct plan *plan, struct err *err) must_check;

/* "sha256:..." of the steps, the caller's: the same as long as the same would
 * be done. What is other at each look, such as a key, is masked in diffs. */
char *plan_digest(const struct plan *plan) must_check;

/* Write the file; `meta` is an object with operation, arguments and options.
 * YAML where `path` ends in .yaml or .yml, else JSON; mode 0644. */
int plan_save(const struct plan *plan, const struct jval *meta,
	      const char *path, struct err *err) must_check;

/* Read it; the whole value. ERR_INVALID when it is none, was made by another
 * version of dws-csm, or its steps were edited. */
struct jval *plan_load(const char *path, struct err *err) must_check;

/* ERR_BLOCKED unless `plan` is what the file `saved` holds: names the steps
 * that are new and those that are no longer there, or the two bundles. */
int plan_check_same(const struct plan *plan, const struct jval *saved,
		    struct err *err) must_check;

#define auto_plan __attribute__((cleanup(plan_release)))

#endif
