/*
 * workflow_table - Workflows as a table, for all commands that show some.
 */
#ifndef CMD_WORKFLOW_TABLE_H
#define CMD_WORKFLOW_TABLE_H

#include "base/buf.h"
#include "format/jval.h"

/* Append the table of the array `workflows`. */
void workflow_table(const struct jval *workflows, struct buf *out);

#endif
