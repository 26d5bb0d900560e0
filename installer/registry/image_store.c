#include "registry/image_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

int image_store_open(struct image_store *store, const char *path, bool archive,
		     struct err *err)
{
	memset(store, 0, sizeof(*store));
	store->fd = file_open(AT_FDCWD, path,
			      archive ? O_RDONLY : O_RDONLY | O_DIRECTORY, 0,
			      err);
	if (store->fd < 0)
		return -1;
	store->path = mem_strdup(path);
	if (!archive)
		return 0;
	store->tar = tar_open(store->fd, 0, UINT64_MAX, err);
	if (store->tar == NULL) {
		image_store_release(store);
		return err_wrap(err, "read archive '%s'", path);
	}
	return 0;
}

void image_store_release(struct image_store *store)
{
	if (store->path == NULL && store->fd <= 0)
		return;
	tar_free(store->tar);
	close(store->fd);
	free(store->path);
	memset(store, 0, sizeof(*store));
}

int image_store_read(const struct image_store *store, const char *name,
		     size_t max_bytes, char **text, size_t *len,
		     struct err *err)
{
	int result =
		store->tar ?
			tar_read(store->tar, name, max_bytes, text, len, err) :
			file_read(store->fd, name, max_bytes, text, len, err);

	return result < 0 ? err_wrap(err, "read image '%s'", store->path) : 0;
}

struct stored_blob {
	struct image_blob blob;
	struct source_file file;
	int fd; /* -1 = the archive's, borrowed */
};

static void stored_blob_close(struct image_blob *blob)
{
	struct stored_blob *self = (struct stored_blob *)blob;

	if (self->fd >= 0)
		close(self->fd);
	free(self);
}

static struct stored_blob *stored_blob_new(int fd, bool own, uint64_t offset,
					   uint64_t len)
{
	struct stored_blob *self = mem_alloc(sizeof(*self));

	self->fd = own ? fd : -1;
	source_file_init(&self->file, fd, offset, len);
	self->blob.source = &self->file.source;
	self->blob.close = stored_blob_close;
	return self;
}

static struct image_blob *archive_blob(const struct image_store *store,
				       const char *name, uint64_t *size,
				       struct err *err)
{
	const struct tar_entry *entry = tar_find(store->tar, name);

	if (entry == NULL) {
		err_set(err, ERR_NOT_FOUND, "archive '%s' has no '%s'",
			store->path, name);
		return NULL;
	}
	if (size)
		*size = entry->size;
	return &stored_blob_new(store->fd, false, entry->offset, entry->size)
			->blob;
}

struct image_blob *image_store_blob(const struct image_store *store,
				    const char *name, uint64_t *size,
				    struct err *err)
{
	struct stat st;
	int fd;

	if (store->tar)
		return archive_blob(store, name, size, err);
	fd = file_open(store->fd, name, O_RDONLY, 0, err);
	if (fd < 0) {
		err_wrap(err, "read image '%s'", store->path);
		return NULL;
	}
	if (fstat(fd, &st) < 0) {
		err_sys(err, errno, "cannot read '%s/%s'", store->path, name);
		close(fd);
		return NULL;
	}
	if (size)
		*size = (uint64_t)st.st_size;
	return &stored_blob_new(fd, true, 0, (uint64_t)st.st_size)->blob;
}
