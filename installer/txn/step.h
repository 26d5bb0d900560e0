/*
 * step - the deeds of a transaction (see engine.h). Each is safe to run again,
 * whether it was done wholly, in part or not at all.
 */
#ifndef TXN_STEP_H
#define TXN_STEP_H

#include "txn/deploy.h"
#include "txn/engine.h"
#include "txn/undeploy.h"

/* What stands goes. */
int step_gate(struct engine *self, struct err *err) must_check;
int step_stop(struct engine *self, struct err *err) must_check;
int step_backup(struct engine *self, struct err *err) must_check;
int step_remove(struct engine *self, struct err *err) must_check;

/* What shall be comes. */
int step_deploy(struct engine *self, struct err *err) must_check;
int step_wait(struct engine *self, struct err *err) must_check;
int step_restore(struct engine *self, struct err *err) must_check;
int step_start(struct engine *self, struct err *err) must_check;
int step_probe(struct engine *self, struct err *err) must_check;

/* Part of no order: what has lost its finalizers in a `remove` that took no CRD
 * away gets them back from the backup, and what went for that comes back. */
int step_reattach(struct engine *self, struct err *err) must_check;

/* It is so. */
int step_commit(struct engine *self, struct err *err) must_check;
int step_finish(struct engine *self, struct err *err) must_check;

/* What the steps share. */
struct undeploy step_undeploy(const struct engine *self);
const char *step_operation(const struct engine *self);

#endif
