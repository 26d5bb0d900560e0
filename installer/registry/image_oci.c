#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/jval.h"
#include "registry/image_source.h"
#include "registry/manifest.h"

/*
 * The OCI image layout, in a directory or a tar.
 *
 * Source: OCI image-spec image-layout.md, annotations.md.
 */
struct image_oci {
	struct image_source source;
	struct image_files files;
	struct descriptor *entry;
};

static char *blob_name(const char *digest)
{
	return mem_printf("blobs/sha256/%s", digest_hex(digest));
}

static int read_manifest(struct image_oci *self, const char *digest,
			 const char *media_type, struct descriptor *descriptor,
			 char **bytes, struct err *err)
{
	autofree char *name = NULL;
	autofree char *found = NULL;
	size_t len;

	if (digest_check(digest, err) < 0)
		return -1;
	name = blob_name(digest);
	if (image_files_read(&self->files, name, MANIFEST_MAX_BYTES, bytes,
			     &len, err) < 0)
		return -1;
	if (media_type == NULL)
		media_type = found = manifest_media_type(*bytes, len);
	descriptor_of(descriptor, media_type ? media_type : "unknown", *bytes,
		      len);
	if (str_eq(descriptor->digest, digest))
		return 0;
	err_set(err, ERR_VERIFY,
		"manifest '%s' in '%s' is corrupt: its digest is '%s'", digest,
		self->source.name, descriptor->digest);
	descriptor_release(descriptor);
	free(mem_steal(bytes));
	return -1;
}

static int oci_manifest(struct image_source *source, const char *reference,
			struct descriptor *descriptor, char **bytes,
			struct err *err)
{
	struct image_oci *self = (struct image_oci *)source;
	const struct descriptor *entry;
	size_t index;

	if (reference && str_starts(reference, "sha256:"))
		return read_manifest(self, reference, NULL, descriptor, bytes,
				     err);
	if (image_pick(source, reference, &index, err) < 0)
		return -1;
	entry = &self->entry[index];
	return read_manifest(self, entry->digest, entry->media_type, descriptor,
			     bytes, err);
}

/* Names are mostly bare tags, or references with that tag. */
static int oci_tagged(struct image_source *source, const char *tag,
		      struct descriptor *descriptor, char **bytes,
		      struct err *err)
{
	struct image_oci *self = (struct image_oci *)source;
	autofree char *tail = mem_printf(":%s", tag);

	for (size_t i = 0; i < source->names.nr; i++) {
		const char *name = source->names.item[i];
		const struct descriptor *entry =
			&self->entry[source->entry_of[i]];

		if (str_eq(name, tag) || str_ends(name, tail))
			return read_manifest(self, entry->digest,
					     entry->media_type, descriptor,
					     bytes, err);
	}
	return err_set(err, ERR_NOT_FOUND, "'%s' has no '%s'", source->name,
		       tag);
}

/* Append the entry to `list` when its subject is `digest`. */
static int add_referrer(struct image_oci *self, const struct descriptor *entry,
			const char *digest, struct jval *list, struct err *err)
{
	auto_descriptor struct descriptor found = { 0 };
	autojval struct jval *manifest = NULL;
	autofree char *bytes = NULL;
	struct jval *value;

	if (read_manifest(self, entry->digest, entry->media_type, &found,
			  &bytes, err) < 0)
		return -1;
	manifest = jval_parse(bytes, (size_t)found.size, err);
	if (manifest == NULL)
		return err_wrap(err, "manifest '%s'", found.digest);
	if (!str_eq(jval_str(manifest, "subject.digest"), digest))
		return 0;
	value = jval_new_object();
	jval_set_str(value, "mediaType", found.media_type);
	jval_set_str(value, "digest", found.digest);
	if (jval_str(manifest, "artifactType"))
		jval_set_str(value, "artifactType",
			     jval_str(manifest, "artifactType"));
	jval_append(list, value);
	return 0;
}

static int oci_referrers(struct image_source *source, const char *digest,
			 struct jval **index, struct err *err)
{
	struct image_oci *self = (struct image_oci *)source;
	autojval struct jval *list = jval_new_array();

	for (size_t i = 0; i < source->nr_entries; i++)
		if (add_referrer(self, &self->entry[i], digest, list, err) < 0)
			return -1;
	*index = jval_pack("{s:O}", "manifests", list);
	return 0;
}

static int oci_open(struct image_source *source,
		    const struct descriptor *descriptor,
		    struct image_blob *blob, struct err *err)
{
	struct image_oci *self = (struct image_oci *)source;
	autofree char *name = blob_name(descriptor->digest);
	uint64_t size;

	if (image_files_blob(&self->files, name, blob, &size, err) < 0)
		return -1;
	return image_check_size(descriptor, size, err) < 0 ?
		       err_wrap(err, "'%s'", source->name) :
		       0;
}

static void oci_free(struct image_source *source)
{
	struct image_oci *self = (struct image_oci *)source;

	for (size_t i = 0; i < source->nr_entries; i++)
		descriptor_release(&self->entry[i]);
	free(self->entry);
	image_files_close(&self->files);
	free(self);
}

static const struct image_source_ops oci_ops = {
	.manifest = oci_manifest,
	.open = oci_open,
	.close = image_files_close_blob,
	.free = oci_free,
	.tagged = oci_tagged,
	.referrers = oci_referrers,
};

static int add_entry(struct image_oci *self, const struct jval *value,
		     struct err *err)
{
	const struct jval *notes = jval_get(value, "annotations");
	const char *digest = jval_str(value, "digest");
	struct descriptor *entry;
	size_t index = self->source.nr_entries;

	if (digest == NULL)
		return err_set(err, ERR_INVALID, "an entry has no digest");
	if (digest_check(digest, err) < 0)
		return -1;
	self->entry = mem_resize(self->entry, index + 1, sizeof(*entry));
	entry = &self->entry[index];
	entry->digest = mem_strdup(digest);
	entry->media_type = mem_strdup(jval_str(value, "mediaType"));
	entry->size = 0;
	self->source.nr_entries++;
	image_add_name(&self->source,
		       jval_string(jval_get(notes, "io.containerd.image.name")),
		       index);
	image_add_name(&self->source,
		       jval_string(jval_get(
			       notes, "org.opencontainers.image.ref.name")),
		       index);
	return 0;
}

static int read_index(struct image_oci *self, struct err *err)
{
	autojval struct jval *index = NULL;
	autofree char *text = NULL;
	const struct jval *list;
	size_t len;

	if (image_files_read(&self->files, "index.json", MANIFEST_MAX_BYTES,
			     &text, &len, err) < 0)
		return err_hint(err, "is it an OCI image layout?");
	index = jval_parse(text, len, err);
	if (index == NULL)
		return err_wrap(err, "'index.json'");
	list = jval_get(index, "manifests");
	for (size_t i = 0; i < jval_len(list); i++)
		if (add_entry(self, jval_at(list, i), err) < 0)
			return err_wrap(err, "'index.json'");
	if (self->source.nr_entries == 0)
		return err_set(err, ERR_INVALID, "it holds no image");
	return 0;
}

struct image_source *image_oci_open(const char *spec, const char *path,
				    bool archive, const char *tag,
				    struct err *err)
{
	struct image_oci *self = mem_alloc(sizeof(*self));

	image_source_init(&self->source, &oci_ops, spec);
	if (image_files_open(&self->files, path, archive, err) < 0 ||
	    read_index(self, err) < 0 ||
	    image_restrict(&self->source, tag, err) < 0) {
		image_source_free(&self->source);
		return NULL;
	}
	return &self->source;
}

struct image_source *image_source_of_layout(const char *name,
					    const struct volume *volume,
					    uint64_t start, uint64_t len,
					    struct err *err)
{
	struct image_oci *self = mem_alloc(sizeof(*self));

	image_source_init(&self->source, &oci_ops, name);
	if (image_files_open_volume(&self->files, volume, start, len, err) <
		    0 ||
	    read_index(self, err) < 0) {
		image_source_free(&self->source);
		return NULL;
	}
	return &self->source;
}
