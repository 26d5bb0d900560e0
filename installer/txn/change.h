/*
 * change - from what a command wants to an open transaction (see
 * transaction.h): everything before the first step, and after the last.
 *
 *	survey, lock, find what stands | the command's own checks, what shall
 *	be | hooks, records, journal, steps, hooks
 */
#ifndef TXN_CHANGE_H
#define TXN_CHANGE_H

#include "txn/engine.h"

struct change {
	struct engine engine;
	const char *operation; /* "install" */
	bool in_place;	       /* the same release stands */
	bool adopted;	       /* engine.now is not in the cluster yet */
	bool now_pinned;       /* engine.now has got digests: write it anew */
	bool supersedes;       /* a failed installation is open still */
	char *superseded;      /* resourceVersion of its journal */
	bool ours_open;	       /* so is an uninstallation: go on with it */
	struct jval *carried;  /* of carry_survey */
	/* Secrets of the site with their data, which no record holds: they are
	 * applied before the transaction opens, and never taken away. */
	struct jval *secrets;
};

void change_init(struct change *change, const char *operation,
		 const struct txn_options *options, struct txn_result *result);
void change_release(struct change *change);

/*
 * Survey, and lock where there is a place for it (a Namespace; not for a dry
 * run). ERR_LOCKED when another installer is at work, or when a transaction is
 * open that this operation does not go on with.
 */
int change_begin(struct change *change, struct err *err) must_check;

/* The record of what stands into engine.now: ours, or one that is made of
 * what somebody deployed by hand. */
int change_find_now(struct change *change, struct err *err) must_check;

/* A new record into engine.next, without objects. */
void change_make_next(struct change *change, const char *version);

/* Whether what stands can be changed in place into `objects` of `version`: it is
 * the same release, with nothing in it that only a new object can have. */
bool change_fits(const struct change *change, const char *version,
		 const struct jval *objects) must_check;

/* All that can be refused before the first change: custom resources,
 * permissions, kinds, Workflows, the way back. With `record`, whose objects they
 * are, also whether the images are there that it has; it, and engine.now, name
 * them by digest then where a tag has got another. */
int change_check(struct change *change, const struct jval *objects,
		 struct jval *record, struct err *err) must_check;

/* Tags of images that stand have got others: the way back is to name those that
 * stood by digest, where they are there still. */
void change_pin_back(struct change *change);

/* What refuses a change is shown in the plan of a dry run, which goes on: 0.
 * Otherwise, and for any other error, -1. */
int change_problem(struct change *change, struct err *err) must_check;

/* For a dry run, the steps around the objects: before and after those are
 * told. */
int change_plan_before(struct change *change, struct err *err) must_check;
int change_plan_after(struct change *change, struct err *err) must_check;

/* Open the transaction and see it through. */
int change_run(struct change *change, struct err *err) must_check;

/* The hooks after it, as the outcome is; `err` is that of the operation. */
void change_tell_end(struct change *change, const struct err *err);

#endif
