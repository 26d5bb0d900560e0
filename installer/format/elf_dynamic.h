/*
 * elf_dynamic - which shared objects an ELF file asks for, and where it has
 * them looked for.
 *
 * Source: System V ABI, "Dynamic Linking" (DT_NEEDED, DT_RUNPATH).
 */
#ifndef FORMAT_ELF_DYNAMIC_H
#define FORMAT_ELF_DYNAMIC_H

#include "base/strs.h"
#include "base/volume.h"

struct elf_dynamic {
	struct strs needed; /* "liblua5.1.so.0" */
	char *runpath;	    /* "/a:/b", or NULL */
};

/* Read it; a file that is linked statically has none. ERR_INVALID for what is
 * no ELF file of 64 bits, little endian, or is damaged. */
int elf_dynamic_read(struct elf_dynamic *dynamic, const struct volume *volume,
		     struct err *err) must_check;
void elf_dynamic_release(struct elf_dynamic *dynamic);

#define auto_elf_dynamic __attribute__((cleanup(elf_dynamic_release)))

#endif
