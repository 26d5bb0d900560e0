/* What was decoded is the same after it was encoded and decoded again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_buf struct buf bytes = BUF_INIT(BUF_TEXT_MAX);
	auto_buf struct buf text = BUF_INIT(BUF_TEXT_MAX);
	auto_buf struct buf again = BUF_INIT(BUF_TEXT_MAX);
	struct err err = ERR_INIT;

	if (base64_decode(&bytes, (const char *)data, size, &err) < 0)
		return 0;
	base64_encode(&text, buf_str(&bytes), bytes.len);
	if (base64_decode(&again, buf_str(&text), text.len, &err) < 0 ||
	    bytes.len != again.len ||
	    memcmp(buf_str(&bytes), buf_str(&again), bytes.len) != 0)
		abort();
	return 0;
}
