/*
 * findings - what a command that looks for faults prints of them.
 */
#ifndef CMD_FINDINGS_H
#define CMD_FINDINGS_H

#include "base/finding.h"

/* As a table in which each remedy has a row of its own, or as --output says. */
int findings_tell(const struct finding *list, size_t nr, const char *output,
		  struct err *err) must_check;

#endif
