/*
 * edit - the way from one list of lines to another.
 *
 * Pure. The shortest script there is, unless the lists differ so much that
 * finding it would take long: then from some point on all lines are taken out
 * and the others put in.
 *
 * Source: E. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986).
 */
#ifndef TXN_EDIT_H
#define TXN_EDIT_H

#include "base/strs.h"

/* A character a line: ' ' it stays, '-' it goes, '+' it comes; of those that
 * change together, the ones that go first. The caller's. */
char *edit_script(const struct strs *before, const struct strs *after)
	must_check;

#endif
