/*
 * replay - runs a fuzzer's target over files, without libFuzzer.
 *
 *	fuzz_json FILE...
 *
 * A crash, an abort or a sanitizer's report is the failure.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	long size;

	if (!file || fseek(file, 0, SEEK_END) < 0)
		goto fail;
	size = ftell(file);
	if (size < 0 || fseek(file, 0, SEEK_SET) < 0)
		goto fail;
	/* Exactly as long as the input, so that ASan sees the byte after. */
	data = malloc((size_t)size + (size == 0));
	if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
		goto fail;
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
fail:
	perror(path);
	return -1;
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (replay(argv[i]) < 0)
			return 1;
	}
	return 0;
}
