/* The name of an image means the same after it was written in full. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "format/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = mem_strndup((const char *)data, size);
	autoref struct ref ref = { .host = NULL };
	autoref struct ref again = { .host = NULL };
	autofree char *full = NULL;
	autofree char *brief = NULL;
	struct err err = ERR_INIT;

	if (ref_parse(&ref, text, &err) < 0)
		return 0;
	full = ref_text(&ref);
	brief = ref_short(&ref);
	if (ref_parse(&again, full, &err) < 0 ||
	    !str_eq(ref.host, again.host) ||
	    !str_eq(ref.repository, again.repository) ||
	    !str_eq(ref.tag, again.tag) || !str_eq(ref.digest, again.digest) ||
	    strpbrk(full, " ?#%\\") || strstr(ref.repository, ".."))
		abort();
	return 0;
}
