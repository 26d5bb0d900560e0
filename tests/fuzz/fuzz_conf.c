/* Whatever a slurm.conf holds, our line counts once it is in, and is all that
 * goes when it is taken out. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "slurm/conf.h"
#include "slurm/type_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All lines together are the text. */
static void read_all(const char *text, size_t len)
{
	struct conf_reader reader;
	struct conf_line line;
	size_t at = 0;

	conf_reader_init(&reader, text, len);
	while (conf_next(&reader, &line)) {
		if (line.at != at || line.len == 0)
			abort();
		at += line.len;
	}
	if (at != len)
		abort();
	conf_reader_release(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	autofree char *before = NULL;
	autofree char *after = NULL;
	auto_buf struct buf in = BUF_INIT(size + 100);
	auto_buf struct buf out = BUF_INIT(size + 100);

	if (memchr(data, '\0', size))
		return 0;
	read_all(text, size);
	before = conf_value(text, size, "BurstBufferType");
	type_edit_in(&in, text, size);
	after = conf_value(buf_str(&in), in.len, "BurstBufferType");
	if (in.overflow || !str_eq(after, "burst_buffer/lua"))
		abort();
	if (type_edit_out(&out, buf_str(&in), in.len) != 1)
		abort();
	if (before == NULL &&
	    (out.len < size || memcmp(buf_str(&out), text, size) != 0))
		abort();
	return 0;
}
