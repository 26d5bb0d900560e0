/*
 * type_edit - the one line of slurm.conf that we write, in and out.
 *
 * Pure: text in, text out. All else of the text stays as it is, byte by byte.
 */
#ifndef SLURM_TYPE_EDIT_H
#define SLURM_TYPE_EDIT_H

#include "base/buf.h"

#define TYPE_LINE "BurstBufferType=burst_buffer/lua"

/*
 * Append to `out` the text with our line: in the place of the first that says
 * there is no burst buffer, else behind the last that is commented out, else
 * at the end. Further lines that say so go. The caller has made sure that
 * there is none of ours and none of another system.
 */
void type_edit_in(struct buf *out, const char *text, size_t len);

/* The text without lines of ours; how many there were. */
size_t type_edit_out(struct buf *out, const char *text, size_t len);

#endif
