/* Any header can be read; every parameter has a value. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = mem_strndup((const char *)data, size);
	auto_challenges struct challenges list = CHALLENGES_INIT;

	challenges_add(&list, text);
	for (size_t i = 0; i < list.nr; i++) {
		const struct challenge *item = &list.item[i];

		if (*item->scheme == '\0' || item->names.nr != item->values.nr)
			abort();
		for (size_t k = 0; k < item->names.nr; k++)
			if (!challenge_param(item, item->names.item[k]))
				abort();
	}
	return 0;
}
