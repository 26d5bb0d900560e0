#include "format/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"

/* One header at a time, so that nothing but headers is read. */
#define TAR_BLOCK 512

#define TAR_MAX_LINKS 16

/* What a link that leads out of the archive is said to lead to: no path. */
#define TAR_NOWHERE ".."

struct tar {
	const struct volume *volume;
	struct tar_entry *entry;
	size_t nr;
	size_t cap;
};

struct tar_reader {
	struct archive *archive;
	const struct volume *volume;
	struct err failed; /* of a read */
	uint64_t start;
	uint64_t at;
	uint64_t end;
	char block[TAR_BLOCK];
};

static la_ssize_t reader_read(struct archive *archive, void *ctx,
			      const void **block)
{
	struct tar_reader *self = ctx;
	uint64_t left = self->end - self->at;
	size_t len = left < TAR_BLOCK ? (size_t)left : TAR_BLOCK;

	if (volume_read(self->volume, self->at, self->block, len,
			&self->failed) < 0) {
		archive_set_error(archive, -1, "cannot read");
		return ARCHIVE_FATAL;
	}
	self->at += len;
	*block = self->block;
	return (la_ssize_t)len;
}

static la_int64_t reader_skip(struct archive *archive, void *ctx,
			      la_int64_t len)
{
	struct tar_reader *self = ctx;
	uint64_t left = self->end - self->at;

	(void)archive;
	if ((uint64_t)len > left)
		len = (la_int64_t)left;
	self->at += (uint64_t)len;
	return len;
}

static uint64_t reader_position(const struct tar_reader *self)
{
	return self->start + (uint64_t)archive_filter_bytes(self->archive, 0);
}

/* What the library found, told in our words where it is nothing special. */
static int reader_fail(const struct tar_reader *self, struct err *err)
{
	const char *why = archive_error_string(self->archive);

	if (self->failed.kind != ERR_NONE) {
		*err = self->failed;
		return err_wrap(err, "cannot read the archive");
	}
	if (archive_file_count(self->archive) == 0)
		return err_set(err, ERR_INVALID, "this is not a tar archive");
	return err_set(err, ERR_INVALID, "archive is damaged: %s",
		       why ? why : "unknown reason");
}

static int refuse_compressed(const struct tar_reader *reader, struct err *err)
{
	static const struct {
		const char *magic;
		size_t len;
		const char *name;
		const char *remedy;
	} forms[] = {
		{ "\x1f\x8b", 2, "gzip", "gzip -d" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd", "zstd -d" },
		{ "\xfd\x37zXZ", 5, "xz", "xz -d" },
		{ "BZh", 3, "bzip2", "bzip2 -d" },
		{ "\x04\x22\x4d\x18", 4, "lz4", "lz4 -d" },
	};
	uint64_t len = reader->end - reader->start;
	char head[8] = "";

	if (volume_read(reader->volume, reader->start, head,
			len < sizeof(head) ? (size_t)len : sizeof(head),
			err) < 0)
		return err_wrap(err, "cannot read the archive");
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (memcmp(head, forms[i].magic, forms[i].len) == 0)
			return err_set(err, ERR_INVALID,
				       "archive is compressed with %s; expand "
				       "it first with '%s'",
				       forms[i].name, forms[i].remedy);
	return 0;
}

/* Resolve "", "." and ".."; NULL where the path leads out of the archive. */
static char *path_clean(const char *path)
{
	auto_strs struct strs parts = STRS_INIT, clean = STRS_INIT;

	strs_split(&parts, path, '/');
	for (size_t i = 0; i < parts.nr; i++) {
		if (strcmp(parts.item[i], ".") == 0)
			continue;
		if (strcmp(parts.item[i], "..") != 0) {
			strs_add(&clean, parts.item[i]);
			continue;
		}
		if (clean.nr == 0)
			return NULL;
		free(clean.item[--clean.nr]);
	}
	return strs_join(&clean, "/");
}

/* A hard link tells a path from the top, a symbolic link one from where it
 * stands. */
static char *link_target(const char *path, const char *target, bool symbolic)
{
	const char *slash = symbolic ? strrchr(path, '/') : NULL;
	autofree char *from_top = NULL;
	char *clean = NULL;

	if (slash)
		from_top = mem_printf("%.*s/%s", (int)(slash - path), path,
				      target);
	else
		from_top = mem_strdup(target);
	if (!symbolic || *target != '/')
		clean = path_clean(from_top);
	return clean ? clean : mem_strdup(TAR_NOWHERE);
}

static struct tar_entry *tar_add(struct tar *tar)
{
	if (tar->nr == tar->cap) {
		tar->cap = tar->cap ? tar->cap * 2 : 64;
		tar->entry =
			mem_resize(tar->entry, tar->cap, sizeof(*tar->entry));
	}
	memset(&tar->entry[tar->nr], 0, sizeof(*tar->entry));
	return &tar->entry[tar->nr++];
}

/* In the C locale a name with other than ASCII is only to be had as UTF-8. */
static const char *either(const char *name, const char *as_utf8)
{
	return name ? name : as_utf8;
}

/* The content of a file must lie in the archive in one piece. */
static int check_content(const struct tar_reader *reader,
			 struct archive_entry *from, const char *path,
			 struct err *err)
{
	uint64_t offset = reader_position(reader);
	int64_t size = archive_entry_size(from);

	if (archive_entry_sparse_count(from) > 0)
		return err_set(err, ERR_INVALID,
			       "archive holds '%s' as a sparse file", path);
	if (size < 0 || offset > reader->end ||
	    (uint64_t)size > reader->end - offset)
		return err_set(err, ERR_INVALID,
			       "archive is truncated within '%s'", path);
	return 0;
}

static int index_entry(struct tar *tar, const struct tar_reader *reader,
		       struct archive_entry *from, struct err *err)
{
	const char *name = either(archive_entry_pathname(from),
				  archive_entry_pathname_utf8(from));
	const char *hard = either(archive_entry_hardlink(from),
				  archive_entry_hardlink_utf8(from));
	const char *target = hard ? hard :
				    either(archive_entry_symlink(from),
					   archive_entry_symlink_utf8(from));
	autofree char *path = name ? path_clean(name) : NULL;
	struct tar_entry *entry;

	if (path == NULL)
		return err_set(err, ERR_INVALID,
			       "archive has an entry without a proper name "
			       "('%s')",
			       name ? name : "");
	if (!target && archive_entry_filetype(from) != AE_IFREG)
		return 0;
	if (!target && check_content(reader, from, path, err) < 0)
		return -1;
	entry = tar_add(tar);
	if (target)
		entry->link = link_target(path, target, !hard);
	else
		entry->size = (uint64_t)archive_entry_size(from);
	entry->path = mem_steal(&path);
	entry->offset = reader_position(reader);
	return 0;
}

static int index_all(struct tar *tar, struct tar_reader *reader,
		     struct err *err)
{
	uint64_t end = reader->start;
	struct archive_entry *entry;
	int result;

	for (;;) {
		result = archive_read_next_header(reader->archive, &entry);
		/* It warns of names that are not ASCII; they are right. */
		if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
			break;
		if (index_entry(tar, reader, entry, err) < 0)
			return -1;
		if (archive_read_data_skip(reader->archive) < ARCHIVE_WARN)
			return reader_fail(reader, err);
		end = reader_position(reader);
	}
	if (result != ARCHIVE_EOF)
		return reader_fail(reader, err);
	/* A whole archive ends with blocks of zeros. */
	if (reader_position(reader) == end)
		return err_set(err, ERR_INVALID,
			       "archive is truncated: its end is missing");
	return 0;
}

static int index_open(struct tar *tar, struct tar_reader *reader,
		      struct err *err)
{
	struct archive *archive = archive_read_new();
	int result = -1;

	if (archive == NULL)
		abort();
	reader->archive = archive;
	if (archive_read_support_format_tar(archive) != ARCHIVE_OK ||
	    archive_read_set_callback_data(archive, reader) != ARCHIVE_OK ||
	    archive_read_set_read_callback(archive, reader_read) !=
		    ARCHIVE_OK ||
	    archive_read_set_skip_callback(archive, reader_skip) != ARCHIVE_OK)
		abort();
	if (archive_read_open1(archive) != ARCHIVE_OK)
		reader_fail(reader, err);
	else
		result = index_all(tar, reader, err);
	archive_read_free(archive);
	return result;
}

static int find_end(struct tar_reader *reader, uint64_t len, struct err *err)
{
	uint64_t size = volume_size(reader->volume);

	if (reader->start > size ||
	    (len != UINT64_MAX && len > size - reader->start))
		return err_set(err, ERR_INVALID,
			       "archive is truncated: the file has %llu bytes",
			       (unsigned long long)size);
	reader->end = len == UINT64_MAX ? size : reader->start + len;
	return 0;
}

struct tar *tar_open(const struct volume *volume, uint64_t start, uint64_t len,
		     struct err *err)
{
	struct tar_reader reader = { .volume = volume,
				     .start = start,
				     .at = start };
	autotar struct tar *tar = mem_alloc(sizeof(*tar));

	tar->volume = volume;
	if (find_end(&reader, len, err) < 0 ||
	    refuse_compressed(&reader, err) < 0 ||
	    index_open(tar, &reader, err) < 0)
		return NULL;
	return mem_steal(&tar);
}

void tar_free(struct tar *tar)
{
	if (tar == NULL)
		return;
	for (size_t i = 0; i < tar->nr; i++) {
		free(tar->entry[i].path);
		free(tar->entry[i].link);
	}
	free(tar->entry);
	free(tar);
}

static const struct tar_entry *find_last(const struct tar *tar,
					 const char *path)
{
	for (size_t i = tar->nr; i > 0; i--)
		if (strcmp(tar->entry[i - 1].path, path) == 0)
			return &tar->entry[i - 1];
	return NULL;
}

const struct tar_entry *tar_find(const struct tar *tar, const char *path)
{
	autofree char *clean = path_clean(path);
	const struct tar_entry *entry = clean ? find_last(tar, clean) : NULL;

	for (int links = 0; entry && entry->link; links++) {
		if (links == TAR_MAX_LINKS)
			return NULL;
		entry = find_last(tar, entry->link);
	}
	return entry;
}

size_t tar_count(const struct tar *tar)
{
	return tar->nr;
}

const struct tar_entry *tar_at(const struct tar *tar, size_t index)
{
	return index < tar->nr ? &tar->entry[index] : NULL;
}

int tar_read(const struct tar *tar, const char *path, size_t max_bytes,
	     char **text, size_t *len, struct err *err)
{
	const struct tar_entry *entry = tar_find(tar, path);
	struct source_volume content;

	if (entry == NULL)
		return err_set(err, ERR_NOT_FOUND, "archive has no entry '%s'",
			       path);
	if (entry->size > max_bytes)
		return err_set(err, ERR_INVALID,
			       "entry '%s' of the archive is longer than %zu "
			       "bytes",
			       path, max_bytes);
	source_volume_init(&content, tar->volume, entry->offset, entry->size);
	if (source_read_all(&content.source, max_bytes, text, len, err) < 0)
		return err_wrap(err, "read entry '%s' of the archive", path);
	return 0;
}

const char *tar_library_version(void)
{
	/* "libarchive 3.6.2" */
	return str_after(archive_version_string(), "libarchive ");
}
