/*
 * layout_fixture - files in a directory of the test, for layouts of images.
 */
#ifndef LAYOUT_FIXTURE_H
#define LAYOUT_FIXTURE_H

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"

static char *dir; /* where all of it lies */

static inline void put(const char *name, const char *text)
{
	autofree char *path = mem_printf("%s/%s", dir, name);
	char *slash = strrchr(path, '/');
	struct err err = ERR_INIT;

	*slash = '\0';
	assert_done(file_make_dirs(path, 0755, &err) == 0, &err);
	*slash = '/';
	assert_done(file_replace(AT_FDCWD, path, 0644, text, strlen(text),
				 &err) == 0,
		    &err);
}

/* The digest of `text`, which becomes a blob of the layout. */
static inline char *put_blob(const char *text)
{
	char digest[DIGEST_SIZE];
	autofree char *name = NULL;

	digest_of(text, strlen(text), digest);
	name = mem_printf("layout/blobs/sha256/%s", digest_hex(digest));
	put(name, text);
	return mem_strdup(digest);
}

static inline int make_dir(void **state)
{
	(void)state;
	dir = mem_strdup("/tmp/dws-csm-image-XXXXXX");
	setenv("REGISTRY_AUTH_FILE", "", 1);
	return mkdtemp(dir) ? 0 : -1;
}

static inline int drop_one(const char *path, const struct stat *st, int type,
			   struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static inline int drop_dir(void **state)
{
	int result = nftw(dir, drop_one, 16, FTW_DEPTH | FTW_PHYS);

	(void)state;
	free(dir);
	return result;
}

#endif
