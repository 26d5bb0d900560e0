#include "unit.h"

#include <elf.h>

#include "base/mem.h"
#include "format/elf.h"

/* Program headers tell 100 bytes, section headers the end at 400. */
static void make_elf(unsigned char *file, size_t len)
{
	Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
					   ELFDATA2LSB, 1 },
			      .e_phoff = 64,
			      .e_phnum = 1,
			      .e_phentsize = sizeof(Elf64_Phdr),
			      .e_shoff = 400 - 2 * sizeof(Elf64_Shdr),
			      .e_shnum = 2,
			      .e_shentsize = sizeof(Elf64_Shdr) };
	Elf64_Phdr program = { .p_offset = 200, .p_filesz = 100 };

	memset(file, 0, len);
	memcpy(file, &header, sizeof(header));
	memcpy(file + 64, &program, sizeof(program));
}

static struct volume *volume_of(const void *data, size_t len)
{
	int fd = unit_file(data, len);
	autofree char *path = mem_printf("/proc/self/fd/%d", fd);
	struct err err = ERR_INIT;
	struct volume *volume = volume_open(path, &err);

	close(fd);
	assert_done(volume != NULL, &err);
	return volume;
}

static void elf_ends_with_what_reaches_furthest(void **state)
{
	_Alignas(16) unsigned char file[2000];
	autovolume struct volume *sections = NULL, *programs = NULL;
	struct err err = ERR_INIT;
	uint64_t end = 0;

	(void)state;
	make_elf(file, sizeof(file));
	sections = volume_of(file, sizeof(file));
	assert_int_equal(elf_end(sections, &end, &err), 1);
	assert_int_equal(end, 400);
	((Elf64_Phdr *)(file + 64))->p_filesz = 300;
	programs = volume_of(file, sizeof(file));
	assert_int_equal(elf_end(programs, &end, &err), 1);
	assert_int_equal(end, 500);
}

static void elf_payload_begins_at_the_next_block(void **state)
{
	static const struct {
		size_t size;
		uint64_t start;
	} cases[] = {
		{ 400, 400 },
		{ 450, 450 },
		{ 512, 512 },
		{ 900, 512 },
	};
	_Alignas(16) unsigned char file[2000];

	(void)state;
	make_elf(file, sizeof(file));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autovolume struct volume *volume =
			volume_of(file, cases[i].size);
		struct err err = ERR_INIT;
		uint64_t start = 0;

		assert_int_equal(elf_payload(volume, &start, &err), 1);
		assert_int_equal(start, cases[i].start);
	}
}

static void elf_is_not_what_begins_otherwise(void **state)
{
	autovolume struct volume *text =
		volume_of("text, long enough for it", 24);
	autovolume struct volume *empty = volume_of("", 0);
	struct err err = ERR_INIT;
	uint64_t end;

	(void)state;
	assert_int_equal(elf_end(text, &end, &err), 0);
	assert_int_equal(elf_end(empty, &end, &err), 0);
	assert_int_equal(elf_payload(text, &end, &err), 0);
}

static void assert_refused(const unsigned char *file, size_t len,
			   const char *text)
{
	autovolume struct volume *volume = volume_of(file, len);
	struct err err = ERR_INIT;
	uint64_t end;

	assert_int_equal(elf_end(volume, &end, &err), -1);
	assert_error(&err, ERR_INVALID, text);
}

static void elf_that_is_damaged_is_refused(void **state)
{
	_Alignas(16) unsigned char file[2000];
	Elf64_Ehdr *header = (Elf64_Ehdr *)file;
	Elf64_Phdr *program = (Elf64_Phdr *)(file + 64);

	(void)state;
	make_elf(file, sizeof(file));
	assert_refused(file, 399, "truncated");
	assert_refused(file, 40, "truncated");
	program->p_offset = UINT64_MAX;
	assert_refused(file, sizeof(file), "truncated");
	make_elf(file, sizeof(file));
	header->e_phoff = UINT64_MAX - 10;
	assert_refused(file, sizeof(file), "truncated");
	make_elf(file, sizeof(file));
	header->e_shentsize = 1;
	assert_refused(file, sizeof(file), "damaged");
	make_elf(file, sizeof(file));
	file[EI_CLASS] = ELFCLASS32;
	assert_refused(file, sizeof(file), "another machine");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elf_ends_with_what_reaches_furthest),
		cmocka_unit_test(elf_payload_begins_at_the_next_block),
		cmocka_unit_test(elf_is_not_what_begins_otherwise),
		cmocka_unit_test(elf_that_is_damaged_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
