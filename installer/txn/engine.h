/*
 * engine - the steps of a transaction and the way through them.
 *
 * Part of transaction.h; knows no options of commands, only the journal and
 * the two records, since that is all that `resume` has on another host.
 */
#ifndef TXN_ENGINE_H
#define TXN_ENGINE_H

#include "txn/audit.h"
#include "txn/journal.h"
#include "txn/lease.h"
#include "txn/survey.h"
#include "txn/transaction.h"

struct engine {
	const struct txn_options *options;
	struct txn_result *result;
	struct survey survey;
	struct lease *lease;
	struct audit *audit;
	struct journal journal;
	struct jval *now;  /* record of what stood; NULL = nothing */
	struct jval *next; /* record of what shall be; NULL = nothing */
};

/* Directions are seen from where it goes: the record that it goes to. */
bool engine_is_back(const struct engine *self);
struct jval *engine_goal(const struct engine *self);

/* A step: by name, what to tell of it, and the deed. */
struct step {
	const char *name;
	const char *title;
	int (*run)(struct engine *self, struct err *err);
};

extern const struct step steps[]; /* NULL-terminated, in order */

/* Whether the transaction of the journal has this step in its direction. */
bool engine_has_step(const struct engine *self, const char *name);

/* The first step in the direction that the journal tells. */
const char *engine_first_step(const struct engine *self);

/* Turn round; 0 also when it goes back already. */
int engine_turn(struct engine *self, const char *why, struct err *err)
	must_check;

/* For who takes it up. Where the last step had not taken any CRD away yet,
 * begin anew, since the backup may be old by now, once resources have what they
 * lost when they were detached; where the objects had been applied, apply them
 * again, since who mended a cause may have deleted some. The journal is not
 * written yet. */
int engine_rewind(struct engine *self, struct err *err) must_check;

/* From the step that the journal names, which may be half done, to the end,
 * where the journal is closed; and what follows from a failure: see
 * transaction.h. */
int engine_see_through(struct engine *self, struct err *err) must_check;

/* How long each wait of a step may take. The way back has at least as long as
 * by default: who has no patience with what is new loses all by leaving what
 * stood half-way. */
int64_t engine_timeout_ms(const struct engine *self);

/* Past its commit: what the journal tells cannot be undone. */
bool engine_is_committed(const struct engine *self);

/* Kinds that may be left behind, as the journal has them, added. */
void engine_abandoned(const struct engine *self, struct strs *kinds);

/* What stood or was begun and is not among `objects`, in the order of
 * removal. */
struct jval *engine_obsolete(const struct engine *self,
			     const struct jval *objects) must_check;

/* Take it up again: journal and records of an open transaction into `self`: 1,
 * or 0 where none is open. What the cluster lost of the records is taken from
 * the state directory of this host. */
int engine_load(struct engine *self, struct err *err) must_check;

/* Write the records down here, and the journal with its first step: from now
 * on it is open. The records must be in the cluster. */
int engine_open(struct engine *self, struct err *err) must_check;

void engine_release(struct engine *self);

#endif
