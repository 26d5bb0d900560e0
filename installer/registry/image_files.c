#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "format/elf.h"
#include "registry/image_source.h"

int image_files_open_volume(struct image_files *files,
			    const struct volume *volume, uint64_t start,
			    uint64_t len, struct err *err)
{
	files->fd = -1;
	files->volume = volume;
	files->path = mem_strdup(volume_name(volume));
	files->tar = tar_open(volume, start, len, err);
	return files->tar ? 0 : -1;
}

static int open_archive(struct image_files *files, const char *path,
			struct err *err)
{
	uint64_t start = 0;
	int elf;

	files->fd = -1;
	files->own = volume_open(path, err);
	if (files->own == NULL)
		return -1;
	elf = elf_payload(files->own, &start, err);
	if (elf < 0)
		return -1;
	if (elf && start == volume_size(files->own)) {
		err_set(err, ERR_INVALID,
			"'%s' is an executable with nothing behind it", path);
		return err_hint(err, "name an archive, or an executable that "
				     "'bundle create --self-contained' made");
	}
	return image_files_open_volume(files, files->own, start, UINT64_MAX,
				       err);
}

int image_files_open(struct image_files *files, const char *path, bool archive,
		     struct err *err)
{
	if (archive)
		return open_archive(files, path, err);
	files->fd = file_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, err);
	if (files->fd < 0)
		return -1;
	files->path = mem_strdup(path);
	return 0;
}

void image_files_close(struct image_files *files)
{
	tar_free(files->tar);
	volume_free(files->own);
	if (files->path && files->fd >= 0)
		close(files->fd);
	free(files->path);
	files->path = NULL;
}

int image_files_read(const struct image_files *files, const char *name,
		     size_t max_bytes, char **text, size_t *len,
		     struct err *err)
{
	int result =
		files->tar ?
			tar_read(files->tar, name, max_bytes, text, len, err) :
			file_read(files->fd, name, max_bytes, text, len, err);

	return result < 0 ? err_wrap(err, "'%s'", files->path) : 0;
}

static int open_file(const struct image_files *files, const char *name,
		     struct image_blob *blob, uint64_t *size, struct err *err)
{
	struct stat st;

	blob->fd = file_open_regular(files->fd, name, &st, err);
	if (blob->fd < 0)
		return -1;
	*size = (uint64_t)st.st_size;
	source_file_init(&blob->file, blob->fd, 0, *size);
	blob->source = &blob->file.source;
	return 0;
}

int image_files_blob(const struct image_files *files, const char *name,
		     struct image_blob *blob, uint64_t *size, struct err *err)
{
	const struct tar_entry *entry;

	if (files->tar == NULL)
		return open_file(files, name, blob, size, err) < 0 ?
			       err_wrap(err, "'%s'", files->path) :
			       0;
	entry = tar_find(files->tar, name);
	if (entry == NULL)
		return err_set(err, ERR_NOT_FOUND, "'%s' has no '%s'",
			       files->path, name);
	*size = entry->size;
	source_volume_init(&blob->part, files->volume, entry->offset,
			   entry->size);
	blob->source = &blob->part.source;
	return 0;
}

void image_files_close_blob(struct image_source *source,
			    struct image_blob *blob)
{
	(void)source;
	if (blob->fd >= 0)
		close(blob->fd);
}
