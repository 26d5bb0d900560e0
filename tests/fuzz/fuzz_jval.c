/* JSON that was read is the same after it was written and read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/jval.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	autojval struct jval *value = NULL;
	autojval struct jval *again = NULL;
	autofree char *text = NULL;

	value = jval_parse((const char *)data, size, &err);
	if (value == NULL)
		return 0;
	text = size % 2 ? jval_text(value, true) : jval_pretty(value);
	again = jval_parse(text, strlen(text), &err);
	if (again == NULL || !jval_equal(value, again))
		abort();
	return 0;
}
