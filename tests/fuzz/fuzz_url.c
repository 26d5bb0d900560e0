/*
 * A reference that resolves gives a URL that can be parsed, and that means the
 * same again; the input is "base reference".
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *base = mem_strndup((const char *)data, size);
	char *blank = strchr(base, ' ');
	auto_url struct url url = { 0 };
	autofree char *found = NULL;
	autofree char *again = NULL;
	struct err err = ERR_INIT;

	if (blank == NULL)
		return 0;
	*blank = '\0';
	found = url_resolve(base, blank + 1, &err);
	if (found == NULL)
		return 0;
	if (url_parse(&url, found, &err) < 0 || strpbrk(found, " \r\n"))
		abort();
	again = url_text(&url);
	if (!str_eq(again, found) || !url_same_origin(again, found))
		abort();
	return 0;
}
