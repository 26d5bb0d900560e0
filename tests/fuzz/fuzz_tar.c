/* Whatever the archive says, its entries lie inside it and can be read. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "format/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_entry(const struct tar *tar, const struct tar_entry *entry,
		       size_t size)
{
	struct err err = ERR_INIT;
	autofree char *text = NULL;
	size_t len;

	if (entry->offset > size || entry->size > size - entry->offset)
		abort();
	if (tar_find(tar, entry->path) == NULL)
		return;
	if (tar_read(tar, entry->path, size, &text, &len, &err) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoclose int fd = memfd_create("fuzz", MFD_CLOEXEC);
	autofree char *path = mem_printf("/proc/self/fd/%d", fd);
	struct err err = ERR_INIT;
	autovolume struct volume *volume = NULL;
	autotar struct tar *tar = NULL;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	volume = volume_open(path, &err);
	if (volume == NULL)
		abort();
	tar = tar_open(volume, 0, UINT64_MAX, &err);
	for (size_t i = 0; tar && i < tar_count(tar); i++)
		read_entry(tar, tar_at(tar, i), size);
	return 0;
}
