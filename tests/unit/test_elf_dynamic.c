#include "unit.h"

#include <elf.h>

#include "base/mem.h"
#include "format/elf_dynamic.h"

#define BASE 0x400000

struct sample {
	Elf64_Ehdr header;
	Elf64_Phdr program[2];
	Elf64_Dyn entry[6];
	char strings[40];
};

static struct sample sample(void)
{
	struct sample file = {
		.header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
					 ELFDATA2LSB, 1 },
			    .e_phoff = offsetof(struct sample, program),
			    .e_phnum = 2,
			    .e_phentsize = sizeof(Elf64_Phdr) },
		.program = { { .p_type = PT_LOAD,
			       .p_vaddr = BASE,
			       .p_filesz = sizeof(file) },
			     { .p_type = PT_DYNAMIC,
			       .p_offset = offsetof(struct sample, entry),
			       .p_filesz = sizeof(file.entry) } },
		.entry = { { DT_NEEDED, { 1 } },
			   { DT_STRTAB,
			     { BASE + offsetof(struct sample, strings) } },
			   { DT_STRSZ, { sizeof(file.strings) } },
			   { DT_RUNPATH, { 10 } },
			   { DT_NEEDED, { 14 } },
			   { DT_NULL, { 0 } } },
	};

	memcpy(file.strings, "\0libc.so.\0/a:\0liblua5.1.so.0", 29);
	return file;
}

static int read_it(struct elf_dynamic *dynamic, const void *data, size_t len,
		   struct err *err)
{
	int fd = unit_file(data, len);
	autofree char *path = mem_printf("/proc/self/fd/%d", fd);
	autovolume struct volume *volume = volume_open(path, err);

	close(fd);
	assert_done(volume != NULL, err);
	return elf_dynamic_read(dynamic, volume, err);
}

static void elf_tells_what_is_needed(void **state)
{
	auto_elf_dynamic struct elf_dynamic dynamic = { .runpath = NULL };
	struct sample file = sample();
	struct err err = ERR_INIT;

	(void)state;
	assert_done(read_it(&dynamic, &file, sizeof(file), &err) == 0, &err);
	assert_int_equal(dynamic.needed.nr, 2);
	assert_string_equal(dynamic.needed.item[0], "libc.so.");
	assert_string_equal(dynamic.needed.item[1], "liblua5.1.so.0");
	assert_string_equal(dynamic.runpath, "/a:");
}

static void elf_of_a_static_program_needs_nothing(void **state)
{
	auto_elf_dynamic struct elf_dynamic dynamic = { .runpath = NULL };
	struct sample file = sample();
	struct err err = ERR_INIT;

	(void)state;
	file.header.e_phnum = 1;
	assert_done(read_it(&dynamic, &file, sizeof(file), &err) == 0, &err);
	assert_int_equal(dynamic.needed.nr, 0);
	assert_null(dynamic.runpath);
}

static void assert_damaged(const struct sample *file, size_t len)
{
	struct elf_dynamic dynamic;
	struct err err = ERR_INIT;

	assert_int_equal(read_it(&dynamic, file, len, &err), -1);
	assert_int_equal(err.kind, ERR_INVALID);
}

static void elf_that_is_damaged_is_refused(void **state)
{
	struct sample file = sample();

	(void)state;
	assert_damaged(&file, 10);
	assert_damaged(&file, offsetof(struct sample, strings));
	file.entry[0].d_un.d_val = sizeof(file.strings);
	assert_damaged(&file, sizeof(file));
	file = sample();
	file.entry[1].d_un.d_val = BASE - 1;
	assert_damaged(&file, sizeof(file));
	file = sample();
	file.entry[2].d_un.d_val = UINT64_MAX;
	assert_damaged(&file, sizeof(file));
	file = sample();
	file.program[1].p_filesz = UINT64_MAX;
	assert_damaged(&file, sizeof(file));
	file = sample();
	file.header.e_phoff = UINT64_MAX - 8;
	assert_damaged(&file, sizeof(file));
	file = sample();
	file.header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_damaged(&file, sizeof(file));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elf_tells_what_is_needed),
		cmocka_unit_test(elf_of_a_static_program_needs_nothing),
		cmocka_unit_test(elf_that_is_damaged_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
