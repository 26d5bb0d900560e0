#include "format/gzip.h"

#include <limits.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

/* The largest window, with gzip's header and trailer instead of zlib's. */
#define GZIP_WINDOW (MAX_WBITS + 16)

#define GZIP_BLOCK 16384

struct gzip_input {
	const unsigned char *data;
	size_t left;
};

/* zlib counts in unsigned int. */
static void gzip_feed(z_stream *z, struct gzip_input *input)
{
	size_t n = input->left < UINT_MAX ? input->left : UINT_MAX;

	if (z->avail_in > 0)
		return;
	z->next_in = input->data;
	z->avail_in = (uInt)n;
	input->data += n;
	input->left -= n;
}

void gzip_compress(struct buf *dst, const void *data, size_t len)
{
	struct gzip_input input = { data, len };
	unsigned char block[GZIP_BLOCK];
	z_stream z = { 0 };
	int result;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
			 MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	do {
		gzip_feed(&z, &input);
		z.next_out = block;
		z.avail_out = sizeof(block);
		result = deflate(&z, input.left > 0 ? Z_NO_FLUSH : Z_FINISH);
		buf_add(dst, block, sizeof(block) - z.avail_out);
	} while (result == Z_OK);
	if (deflateEnd(&z) != Z_OK || result != Z_STREAM_END)
		abort();
}

/* A file of gzip's may have several members, one after the other. */
static int gzip_expand_all(z_stream *z, struct buf *dst,
			   struct gzip_input *input, struct err *err)
{
	unsigned char block[GZIP_BLOCK];
	int result = Z_OK;

	for (;;) {
		gzip_feed(z, input);
		if (z->avail_in == 0 && result == Z_STREAM_END)
			return 0;
		if (result == Z_STREAM_END && inflateReset(z) != Z_OK)
			abort();
		z->next_out = block;
		z->avail_out = sizeof(block);
		result = inflate(z, Z_NO_FLUSH);
		if (result == Z_MEM_ERROR)
			abort();
		if (result == Z_BUF_ERROR)
			return err_set(err, ERR_INVALID,
				       "gzip data is cut off");
		if (result != Z_OK && result != Z_STREAM_END)
			return err_set(err, ERR_INVALID,
				       "gzip data is corrupt: %s",
				       z->msg ? z->msg : "no gzip data");
		buf_add(dst, block, sizeof(block) - z->avail_out);
		if (buf_check(dst, "expanded gzip data", err) < 0)
			return -1;
	}
}

int gzip_expand(struct buf *dst, const void *data, size_t len, struct err *err)
{
	struct gzip_input input = { data, len };
	z_stream z = { 0 };
	int result;

	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		abort();
	result = gzip_expand_all(&z, dst, &input, err);
	inflateEnd(&z);
	return result;
}

const char *gzip_library_version(void)
{
	return zlibVersion();
}
