#include "bundle/bundle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "bundle/bundle_state.h"
#include "format/elf.h"
#include "format/tar.h"

#define META "bundle.json"
#define SIGNATURE "bundle.json.sig"

static int altered(const struct bundle *bundle, struct err *err)
{
	err->kind = ERR_VERIFY;
	err_wrap(err, "bundle '%s'", bundle->name);
	return err_hint(err, "it was damaged or altered on its way: fetch it "
			     "again");
}

/* A reading that fails because the bundle is too short is its fault. */
static int read_at(const struct bundle *bundle, uint64_t offset, void *data,
		   size_t len, struct err *err)
{
	uint64_t there = volume_size(bundle->volume) - bundle->start;

	if (offset > there || len > there - offset) {
		err_set(err, ERR_VERIFY, "it ends too early");
		return altered(bundle, err);
	}
	return volume_read(bundle->volume, bundle->start + offset, data, len,
			   err);
}

static bool is_zero(const unsigned char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] != 0)
			return false;
	return true;
}

/* --- the archive, byte by byte --- */

static int check_header(const struct bundle *bundle, uint64_t offset,
			const char *path, uint64_t size, struct err *err)
{
	unsigned char expected[TAR_HEADER_SIZE], found[TAR_HEADER_SIZE];

	if (tar_header_make(expected, path, size, bundle->meta.created_s, err) <
	    0)
		return altered(bundle, err);
	if (read_at(bundle, offset, found, sizeof(found), err) < 0)
		return -1;
	if (memcmp(expected, found, sizeof(found)) == 0)
		return 0;
	err_set(err, ERR_VERIFY, "the header of '%s' is not as it should be",
		path);
	return altered(bundle, err);
}

static int check_padding(const struct bundle *bundle, uint64_t offset,
			 size_t len, const char *path, struct err *err)
{
	unsigned char found[TAR_END_SIZE];

	assert(len <= sizeof(found));
	if (read_at(bundle, offset, found, len, err) < 0)
		return -1;
	if (is_zero(found, len))
		return 0;
	err_set(err, ERR_VERIFY, "there is something behind '%s'", path);
	return altered(bundle, err);
}

static int check_entry(const struct bundle *bundle, uint64_t content,
		       const char *path, uint64_t size, struct err *err)
{
	if (check_header(bundle, content - TAR_HEADER_SIZE, path, size, err) <
	    0)
		return -1;
	return check_padding(bundle, content + size,
			     (size_t)(tar_padded(size) - size), path, err);
}

static int check_signature_block(struct bundle *bundle, struct err *err)
{
	uint64_t at = bundle->meta.sig_offset + TAR_HEADER_SIZE;
	char block[TAR_HEADER_SIZE];
	size_t len;

	if (read_at(bundle, at, block, sizeof(block), err) < 0)
		return -1;
	len = strnlen(block, sizeof(block));
	if (len == sizeof(block)) {
		err_set(err, ERR_VERIFY, "its signature has no end");
		return altered(bundle, err);
	}
	memcpy(bundle->signature, block, len + 1);
	return check_entry(bundle, at, SIGNATURE, len, err);
}

static int check_size(const struct bundle *bundle, struct err *err)
{
	uint64_t size = volume_size(bundle->volume) - bundle->start;
	uint64_t total = bundle->meta.total;

	if (size == total)
		return 0;
	if (size > total) {
		err_set(err, ERR_VERIFY,
			"it has %llu bytes instead of %llu: something follows "
			"behind its end",
			(unsigned long long)size, (unsigned long long)total);
		return altered(bundle, err);
	}
	err_set(err, ERR_VERIFY,
		"bundle '%s' is truncated: it has %llu bytes of %llu",
		bundle->name, (unsigned long long)size,
		(unsigned long long)total);
	return err_hint(err, "copy it again, with all of its parts if it has "
			     "several");
}

static int check_layout(struct bundle *bundle, struct err *err)
{
	const struct bundle_meta *meta = &bundle->meta;

	if (check_size(bundle, err) < 0 ||
	    check_entry(bundle, TAR_HEADER_SIZE, META, meta->json_len, err) <
		    0 ||
	    check_signature_block(bundle, err) < 0)
		return -1;
	for (size_t i = 0; i < meta->nr_files; i++) {
		const struct bundle_file *file = &meta->file[i];

		if (check_entry(bundle, file->offset, file->path, file->size,
				err) < 0)
			return -1;
	}
	return check_padding(bundle, meta->total - TAR_END_SIZE, TAR_END_SIZE,
			     "the last file", err);
}

/* What bundle.json says of the executable in front, and what is there. */
static int check_executable(const struct bundle *bundle, struct err *err)
{
	bool told = bundle->meta.executable_digest;

	if (told == (bundle->before > 0) &&
	    (!told || bundle->before == bundle->meta.executable_size))
		return 0;
	err_set(err, ERR_VERIFY,
		told ? "it belongs behind an executable that is not there" :
		       "it does not belong behind an executable");
	return altered(bundle, err);
}

/* --- opening --- */

/* The size in the first header; UINT64_MAX where it is not that of
 * bundle.json. Only a guess: the header is compared as a whole later. */
static uint64_t first_size(const unsigned char *header)
{
	uint64_t size = 0;

	if (memcmp(header, META, sizeof(META)) != 0)
		return UINT64_MAX;
	for (size_t i = 124; i < 135; i++) {
		if (header[i] < '0' || header[i] > '7')
			return UINT64_MAX;
		size = size * 8 + (uint64_t)(header[i] - '0');
	}
	return size <= BUNDLE_META_MAX_BYTES ? size : UINT64_MAX;
}

/* Some other archive, told by what is in it. */
static int refuse_archive(const struct bundle *bundle, const struct tar *tar,
			  struct err *err)
{
	if (tar_find(tar, META)) {
		err_set(err, ERR_VERIFY, "'%s' is not its first file", META);
		return altered(bundle, err);
	}
	if (tar_find(tar, "oci-layout") == NULL)
		return err_set(err, ERR_INVALID,
			       "'%s' is an archive, but no bundle",
			       bundle->name);
	err_set(err, ERR_INVALID, "'%s' is an archive of images, but no bundle",
		bundle->name);
	return err_hint(err, "take images out of it with --from oci-archive:%s",
			bundle->name);
}

/* Why what does not begin like a bundle is none. */
static int refuse(const struct bundle *bundle, const unsigned char *first,
		  struct err *err)
{
	autotar struct tar *tar = NULL;

	if (bundle->before > 0) {
		err_set(err, ERR_VERIFY,
			"what lies behind the executable is no bundle");
		return altered(bundle, err);
	}
	if (first && (is_zero(first, TAR_HEADER_SIZE) ||
		      memcmp(first, META, sizeof(META)) == 0)) {
		err_set(err, ERR_VERIFY, "its first header is damaged");
		return altered(bundle, err);
	}
	tar = tar_open(bundle->volume, 0, UINT64_MAX, err);
	if (tar)
		return refuse_archive(bundle, tar, err);
	return err_wrap(err, "'%s' is no bundle", bundle->name);
}

static int read_meta(struct bundle *bundle, struct err *err)
{
	unsigned char first[TAR_HEADER_SIZE];
	uint64_t len;

	if (volume_size(bundle->volume) - bundle->start < sizeof(first))
		return refuse(bundle, NULL, err);
	if (read_at(bundle, 0, first, sizeof(first), err) < 0)
		return -1;
	len = first_size(first);
	if (len == UINT64_MAX)
		return refuse(bundle, first, err);
	bundle->json = mem_alloc((size_t)len + 1);
	if (read_at(bundle, TAR_HEADER_SIZE, bundle->json, (size_t)len, err) <
	    0)
		return -1;
	digest_of(bundle->json, (size_t)len, bundle->digest);
	/* Nothing of it is believed yet: a newer format cannot be told from
	 * one that somebody wrote into it. */
	return bundle_meta_parse(&bundle->meta, bundle->json, (size_t)len,
				 err) < 0 ?
		       altered(bundle, err) :
		       0;
}

/* Find the archive; 0 where there is an executable with nothing behind it. */
static int find_start(struct bundle *bundle, struct err *err)
{
	unsigned char gap[TAR_HEADER_SIZE];
	uint64_t end, size = volume_size(bundle->volume);
	int elf = elf_end(bundle->volume, &end, err);

	if (elf < 0)
		return altered(bundle, err);
	if (elf == 0)
		return 1;
	if (end == size)
		return 0;
	bundle->before = end;
	bundle->start = tar_padded(end);
	if (bundle->start > size) {
		bundle->start = size;
		return refuse(bundle, NULL, err);
	}
	if (volume_read(bundle->volume, end, gap, (size_t)(bundle->start - end),
			err) < 0)
		return -1;
	if (is_zero(gap, (size_t)(bundle->start - end)))
		return 1;
	err_set(err, ERR_VERIFY, "there is something behind the executable");
	return altered(bundle, err);
}

static int open_archive(struct bundle *bundle, struct err *err)
{
	if (read_meta(bundle, err) < 0 || check_layout(bundle, err) < 0 ||
	    check_executable(bundle, err) < 0)
		return -1;
	bundle->verified = mem_array(bundle->meta.nr_files + 1, sizeof(bool));
	return 0;
}

struct bundle *bundle_open(const char *path, struct err *err)
{
	autobundle struct bundle *bundle = mem_alloc(sizeof(*bundle));
	int found;

	bundle->name = mem_strdup(path);
	bundle->volume = volume_open(path, err);
	if (bundle->volume == NULL) {
		err_wrap(err, "bundle");
		return NULL;
	}
	found = find_start(bundle, err);
	if (found == 0) {
		err_set(err, ERR_INVALID,
			"'%s' is an executable without a bundle", path);
		err_hint(err, "those that 'bundle create --self-contained' "
			      "makes have one");
	}
	if (found <= 0 || open_archive(bundle, err) < 0)
		return NULL;
	return mem_steal(&bundle);
}

struct bundle *bundle_open_self(struct err *err)
{
	autobundle struct bundle *bundle = mem_alloc(sizeof(*bundle));
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	int found;

	bundle->name = len > 0 ? mem_strndup(path, (size_t)len) :
				 mem_strdup("/proc/self/exe");
	/* This one even where the path has another file by now. */
	bundle->volume = volume_open("/proc/self/exe", err);
	if (bundle->volume == NULL) {
		if (err->kind == ERR_NOT_FOUND) {
			log_verbose("%s: is /proc mounted? This executable "
				    "passes for one without a bundle",
				    err->msg);
			err_clear(err);
		}
		return NULL;
	}
	found = find_start(bundle, err);
	if (found <= 0 || open_archive(bundle, err) < 0)
		return NULL;
	return mem_steal(&bundle);
}

void bundle_free(struct bundle *bundle)
{
	if (bundle == NULL)
		return;
	image_source_free(bundle->images);
	bundle_meta_release(&bundle->meta);
	volume_free(bundle->volume);
	free(bundle->verified);
	free(bundle->json);
	free(bundle->name);
	free(bundle);
}

const char *bundle_name(const struct bundle *bundle)
{
	return bundle->name;
}

const struct bundle_meta *bundle_meta(const struct bundle *bundle)
{
	return &bundle->meta;
}

const char *bundle_digest(const struct bundle *bundle)
{
	return bundle->digest;
}

const char *bundle_json(const struct bundle *bundle)
{
	return bundle->json;
}

uint64_t bundle_start(const struct bundle *bundle)
{
	return bundle->start;
}

const struct volume *bundle_volume(const struct bundle *bundle)
{
	return bundle->volume;
}

int bundle_text(struct bundle *bundle, const char *path, size_t max_bytes,
		char **text, size_t *len, struct err *err)
{
	const struct bundle_file *file = bundle_meta_file(&bundle->meta, path);
	struct source_verify checked;
	struct source_volume content;
	int result;

	if (file == NULL)
		return err_set(err, ERR_NOT_FOUND, "bundle '%s' has no '%s'",
			       bundle->name, path);
	if (file->size > max_bytes)
		return err_set(err, ERR_INVALID,
			       "'%s' of bundle '%s' is longer than %zu bytes",
			       path, bundle->name, max_bytes);
	bundle_source(bundle, file, &content);
	source_verify_init(&checked, &content.source, file->digest, file->size);
	result = source_read_all(&checked.source, max_bytes, text, len, err);
	source_verify_release(&checked);
	if (result == 0)
		return 0;
	err_wrap(err, "'%s'", path);
	return err->kind == ERR_VERIFY ?
		       altered(bundle, err) :
		       err_wrap(err, "bundle '%s'", bundle->name);
}

void bundle_source(const struct bundle *bundle, const struct bundle_file *file,
		   struct source_volume *source)
{
	assert(bundle->trusted);
	source_volume_init(source, bundle->volume, bundle->start + file->offset,
			   file->size);
}

struct image_source *bundle_images(struct bundle *bundle, struct err *err)
{
	autofree char *index = NULL;

	if (bundle->images)
		return bundle->images;
	/* What it names is checked by whoever reads it, the list only here. */
	if (bundle_text(bundle, "index.json", BUNDLE_META_MAX_BYTES, &index,
			NULL, err) < 0)
		return NULL;
	bundle->images = image_source_of_layout(bundle->name, bundle->volume,
						bundle->start,
						bundle->meta.total, err);
	if (bundle->images == NULL)
		err_wrap(err, "images of bundle '%s'", bundle->name);
	return bundle->images;
}

int bundle_unchanged(const struct bundle *bundle, struct err *err)
{
	return volume_unchanged(bundle->volume, err);
}
