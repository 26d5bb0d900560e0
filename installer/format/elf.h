/*
 * elf - where an executable ends, and what lies behind it begins.
 *
 * Source: System V ABI, "ELF Header", "Program Header", "Sections".
 */
#ifndef FORMAT_ELF_H
#define FORMAT_ELF_H

#include <stdint.h>

#include "base/volume.h"

/*
 * 1 and the end of the ELF file that `volume` begins with: the furthest of
 * its program headers' contents and its section headers. 0 where it begins
 * with something else. ERR_INVALID for one that is not 64 bit, little endian,
 * or is truncated.
 */
int elf_end(const struct volume *volume, uint64_t *end, struct err *err)
	must_check;

/* The same, and where a payload lies: `*start` is the end rounded up to 512
 * bytes, or the size of the volume where nothing is behind it. */
int elf_payload(const struct volume *volume, uint64_t *start, struct err *err)
	must_check;

#endif
