/* Whatever bundle.json says, what is laid out lies in order and is found. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "bundle/bundle_meta.h"
#include "format/tar_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	struct bundle_meta meta;
	uint64_t at;

	if (bundle_meta_parse(&meta, (const char *)data, size, &err) < 0)
		return 0;
	at = meta.sig_offset + 2 * TAR_HEADER_SIZE;
	for (size_t i = 0; i < meta.nr_files; i++) {
		const struct bundle_file *file = &meta.file[i];

		if (file->offset != at + TAR_HEADER_SIZE ||
		    bundle_meta_file(&meta, file->path) != file)
			abort();
		at = file->offset + tar_padded(file->size);
	}
	if (meta.total != at + TAR_END_SIZE || meta.nr_releases == 0)
		abort();
	bundle_meta_release(&meta);
	return 0;
}
