/*
 * plan_print - a plan on standard output: what, why, and how objects change.
 *
 * As a table: the steps; below them each difference as `kubectl diff` tells
 * it, in colour on a terminal; notes, problems, and the way back.
 */
#ifndef CMD_PLAN_PRINT_H
#define CMD_PLAN_PRINT_H

#include "txn/plan.h"

/* As --output says ("table" by default). */
int plan_print(const struct plan *plan, const char *format, struct err *err)
	must_check;

/* Append the table; for a test. */
void plan_table(const struct plan *plan, bool colour, struct buf *out);

#endif
