/* No ELF file reads beyond its end. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/elf_dynamic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);
	autofree char *path = mem_printf("/proc/self/fd/%d", fd);
	autovolume struct volume *volume = NULL;
	struct elf_dynamic dynamic;
	struct err err = ERR_INIT;

	if (write(fd, data, size) != (ssize_t)size)
		abort();
	volume = volume_open(path, &err);
	if (volume && elf_dynamic_read(&dynamic, volume, &err) == 0)
		elf_dynamic_release(&dynamic);
	close(fd);
	return 0;
}
