#include "format/elf.h"

#include <elf.h>
#include <string.h>

#include "format/tar_header.h"

/* What lies at [offset, offset + len) is inside the volume, and counts. */
static int extend(uint64_t *end, uint64_t offset, uint64_t len,
		  const struct volume *volume, struct err *err)
{
	uint64_t size = volume_size(volume);

	if (offset > size || len > size - offset)
		return err_set(err, ERR_INVALID,
			       "the executable '%s' is truncated",
			       volume_name(volume));
	if (offset + len > *end)
		*end = offset + len;
	return 0;
}

static int add_programs(const struct volume *volume, const Elf64_Ehdr *header,
			uint64_t *end, struct err *err)
{
	for (size_t i = 0; i < header->e_phnum; i++) {
		Elf64_Phdr program;

		if (volume_read(volume, header->e_phoff + i * sizeof(program),
				&program, sizeof(program), err) < 0 ||
		    extend(end, program.p_offset, program.p_filesz, volume,
			   err) < 0)
			return -1;
	}
	return 0;
}

int elf_end(const struct volume *volume, uint64_t *end, struct err *err)
{
	unsigned char ident[EI_NIDENT];
	Elf64_Ehdr header;

	if (volume_size(volume) < sizeof(ident))
		return 0;
	if (volume_read(volume, 0, ident, sizeof(ident), err) < 0)
		return -1;
	if (memcmp(ident, ELFMAG, SELFMAG) != 0)
		return 0;
	if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB)
		return err_set(err, ERR_INVALID,
			       "'%s' is an executable of another machine",
			       volume_name(volume));
	if (volume_read(volume, 0, &header, sizeof(header), err) < 0)
		return -1;
	*end = sizeof(header);
	if ((header.e_phnum && header.e_phentsize != sizeof(Elf64_Phdr)) ||
	    (header.e_shnum && header.e_shentsize != sizeof(Elf64_Shdr)))
		return err_set(err, ERR_INVALID,
			       "'%s' has an ELF header that is damaged",
			       volume_name(volume));
	if (extend(end, header.e_shoff,
		   (uint64_t)header.e_shnum * sizeof(Elf64_Shdr), volume,
		   err) < 0 ||
	    extend(end, header.e_phoff,
		   (uint64_t)header.e_phnum * sizeof(Elf64_Phdr), volume,
		   err) < 0 ||
	    add_programs(volume, &header, end, err) < 0)
		return -1;
	return 1;
}

int elf_payload(const struct volume *volume, uint64_t *start, struct err *err)
{
	uint64_t end, size = volume_size(volume);
	int elf = elf_end(volume, &end, err);

	if (elf <= 0)
		return elf;
	*start = tar_padded(end);
	if (end == size || *start > size)
		*start = size;
	return 1;
}
