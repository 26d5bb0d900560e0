/*
 * embedded - files of the source tree that the executable carries: manifests
 * and the text of help.
 *
 * The table is made by scripts/embed.sh at build time, sorted by path as in
 * the tree ("manifests/catalogue.yaml").
 */
#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
	const char *path;
	const unsigned char *data; /* a NUL follows the `len` bytes */
	size_t len;
};

/* All files, sorted by path (bytes compared), and their number. */
extern const struct embedded_file embedded_files[];
extern const size_t embedded_nr;

/* The file at exactly `path`, or NULL. */
const struct embedded_file *embedded_find(const char *path);

/*
 * The next file whose path starts with `prefix`, in order, or NULL:
 *
 *	const struct embedded_file *file = NULL;
 *
 *	while ((file = embedded_next("manifests/dws/", file)))
 */
const struct embedded_file *embedded_next(const char *prefix,
					  const struct embedded_file *last);

#endif
