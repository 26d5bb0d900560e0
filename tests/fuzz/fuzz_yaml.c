/* YAML that was read is the same after it was dumped and read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	autojval struct jval *all = NULL;

	all = yaml_parse_all((const char *)data, size, &err);
	for (size_t i = 0; i < jval_len(all); i++) {
		auto_buf struct buf out = BUF_INIT((size_t)1 << 30);
		autojval struct jval *again = NULL;

		yaml_dump(&out, jval_at(all, i));
		again = yaml_parse(buf_str(&out), out.len, &err);
		if (again == NULL || !jval_equal(jval_at(all, i), again))
			abort();
	}
	return 0;
}
