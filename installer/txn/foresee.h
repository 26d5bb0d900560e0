/*
 * foresee - what would become of each object, as steps of a plan.
 */
#ifndef TXN_FORESEE_H
#define TXN_FORESEE_H

#include "txn/deploy.h"

/*
 * What the API server would make of the array `objects`, asked by a dry run:
 * create, change with its difference, or keep. Without their Namespace
 * (`namespace_stands` false) nothing can be asked of what lives in it: it would
 * be created. 1 when anything would change, 0, or -1.
 */
int foresee_apply(const struct deploy *deploy, bool namespace_stands,
		  const struct jval *objects, struct plan *plan,
		  struct err *err) must_check;

/*
 * The same where what stands is taken away before the next comes, and so no
 * server can be asked: objects of a record against those of another, either
 * NULL. Delete, create, change with its difference, or keep (it goes, and
 * comes back as it was). Pure.
 */
void foresee_replace(const struct jval *now, const struct jval *next,
		     struct plan *plan);

#endif
