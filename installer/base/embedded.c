#include "base/embedded.h"

#include <string.h>

/* The first file whose path is not before `path`; embedded_nr if none. */
static size_t first_from(const char *path)
{
	size_t low = 0;
	size_t high = embedded_nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(embedded_files[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct embedded_file *embedded_find(const char *path)
{
	size_t i = first_from(path);

	if (i == embedded_nr || strcmp(embedded_files[i].path, path) != 0)
		return NULL;
	return &embedded_files[i];
}

const struct embedded_file *embedded_next(const char *prefix,
					  const struct embedded_file *last)
{
	size_t i = last ? (size_t)(last - embedded_files) + 1 :
			  first_from(prefix);

	if (i >= embedded_nr ||
	    strncmp(embedded_files[i].path, prefix, strlen(prefix)) != 0)
		return NULL;
	return &embedded_files[i];
}
