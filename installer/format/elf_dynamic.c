#include "format/elf_dynamic.h"

#include <elf.h>
#include <string.h>

#include "base/mem.h"

/* Far above what any file has. */
#define MAX_PROGRAMS 256
#define MAX_ENTRIES 4096
#define MAX_STRINGS ((size_t)16 << 20)

/* What is read of a file. */
struct image {
	const struct volume *volume;
	Elf64_Phdr *program;
	size_t nr_programs;
	Elf64_Dyn *entry;
	size_t nr_entries;
	char *strings;
	size_t strings_len;
};

static int damaged(const struct image *image, struct err *err)
{
	return err_set(err, ERR_INVALID, "'%s' is no ELF file, or is damaged",
		       volume_name(image->volume));
}

static void image_release(struct image *image)
{
	free(image->program);
	free(image->entry);
	free(image->strings);
}

static int read_programs(struct image *image, struct err *err)
{
	Elf64_Ehdr header;

	if (volume_size(image->volume) < sizeof(header))
		return damaged(image, err);
	if (volume_read(image->volume, 0, &header, sizeof(header), err) < 0)
		return -1;
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    header.e_phnum > MAX_PROGRAMS ||
	    (header.e_phnum && header.e_phentsize != sizeof(Elf64_Phdr)))
		return damaged(image, err);
	image->nr_programs = header.e_phnum;
	image->program =
		mem_array(image->nr_programs + 1, sizeof(*image->program));
	return volume_read(image->volume, header.e_phoff, image->program,
			   image->nr_programs * sizeof(*image->program), err);
}

static int read_entries(struct image *image, struct err *err)
{
	for (size_t i = 0; i < image->nr_programs; i++) {
		const Elf64_Phdr *program = &image->program[i];

		if (program->p_type != PT_DYNAMIC)
			continue;
		image->nr_entries = program->p_filesz / sizeof(*image->entry);
		if (image->nr_entries > MAX_ENTRIES)
			return damaged(image, err);
		image->entry =
			mem_array(image->nr_entries + 1, sizeof(*image->entry));
		return volume_read(image->volume, program->p_offset,
				   image->entry,
				   image->nr_entries * sizeof(*image->entry),
				   err);
	}
	return 0;
}

/* The value of an entry; false where there is none. */
static bool entry_value(const struct image *image, Elf64_Sxword tag,
			uint64_t *value)
{
	for (size_t i = 0; i < image->nr_entries; i++) {
		if (image->entry[i].d_tag == DT_NULL)
			return false;
		if (image->entry[i].d_tag != tag)
			continue;
		*value = image->entry[i].d_un.d_val;
		return true;
	}
	return false;
}

/* Where in the file lies what is at an address in memory. */
static bool file_offset(const struct image *image, uint64_t address,
			uint64_t *offset)
{
	for (size_t i = 0; i < image->nr_programs; i++) {
		const Elf64_Phdr *program = &image->program[i];

		if (program->p_type != PT_LOAD || address < program->p_vaddr ||
		    address - program->p_vaddr >= program->p_filesz)
			continue;
		*offset = program->p_offset + (address - program->p_vaddr);
		return true;
	}
	return false;
}

static int read_strings(struct image *image, struct err *err)
{
	uint64_t address, len, offset;

	if (image->nr_entries == 0)
		return 0;
	if (!entry_value(image, DT_STRTAB, &address) ||
	    !entry_value(image, DT_STRSZ, &len) || len > MAX_STRINGS ||
	    !file_offset(image, address, &offset))
		return damaged(image, err);
	image->strings = mem_alloc(len + 1);
	image->strings_len = len;
	return volume_read(image->volume, offset, image->strings, len, err);
}

static int collect(struct elf_dynamic *dynamic, const struct image *image,
		   struct err *err)
{
	for (size_t i = 0; i < image->nr_entries; i++) {
		const Elf64_Dyn *entry = &image->entry[i];
		const char *text;

		if (entry->d_tag == DT_NULL)
			break;
		if (entry->d_tag != DT_NEEDED && entry->d_tag != DT_RUNPATH &&
		    entry->d_tag != DT_RPATH)
			continue;
		if (entry->d_un.d_val >= image->strings_len)
			return damaged(image, err);
		text = image->strings + entry->d_un.d_val;
		if (entry->d_tag == DT_NEEDED) {
			strs_add(&dynamic->needed, text);
			continue;
		}
		free(dynamic->runpath);
		dynamic->runpath = mem_strdup(text);
	}
	return 0;
}

int elf_dynamic_read(struct elf_dynamic *dynamic, const struct volume *volume,
		     struct err *err)
{
	struct image image = { .volume = volume };
	int result;

	memset(dynamic, 0, sizeof(*dynamic));
	result = read_programs(&image, err) < 0 ||
				 read_entries(&image, err) < 0 ||
				 read_strings(&image, err) < 0 ||
				 collect(dynamic, &image, err) < 0 ?
			 -1 :
			 0;
	image_release(&image);
	if (result < 0)
		elf_dynamic_release(dynamic);
	return result;
}

void elf_dynamic_release(struct elf_dynamic *dynamic)
{
	strs_release(&dynamic->needed);
	free(dynamic->runpath);
	dynamic->runpath = NULL;
}
