/*
 * The first line is a document, the rest a patch: a JSON patch that fails
 * leaves the document, a merge patch is done after it was done once.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void apply(const struct jval *doc, const struct jval *ops)
{
	autojval struct jval *work = jval_copy(doc);
	struct err err = ERR_INIT;

	if (patch_apply(&work, ops, &err) < 0 && !jval_equal(work, doc))
		abort();
}

static void merge(const struct jval *doc, const struct jval *patch)
{
	autojval struct jval *once = jval_copy(doc);
	autojval struct jval *twice = NULL;

	patch_merge(&once, patch);
	twice = jval_copy(once);
	patch_merge(&twice, patch);
	if (!jval_equal(once, twice))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *end = memchr(text, '\n', size);
	size_t len = end ? (size_t)(end - text) : size;
	autojval struct jval *doc = NULL;
	autojval struct jval *patch = NULL;
	struct err err = ERR_INIT;

	doc = jval_parse(text, len, &err);
	patch = jval_parse(text + len, size - len, &err);
	if (doc && patch) {
		apply(doc, patch);
		merge(doc, patch);
	}
	return 0;
}
