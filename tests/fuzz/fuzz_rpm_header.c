/* Whatever a file says of itself, it has four names or is refused. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "bundle/rpm_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_rpm_header struct rpm_header header = { 0 };
	struct source_mem source;
	struct err err = ERR_INIT;

	source_mem_init(&source, data, size);
	if (rpm_header_read(&header, &source.source, &err) == 0 &&
	    (!header.name || !header.version || !header.release ||
	     !header.arch))
		abort();
	return 0;
}
