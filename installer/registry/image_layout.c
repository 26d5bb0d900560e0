/*
 * OCI image layouts, in a directory or a tar.
 *
 * Source: OCI image-spec, image-layout.md (index.json, blobs) and
 * annotations.md (org.opencontainers.image.ref.name).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "registry/image_store.h"

struct image_layout {
	struct image_source source;
	struct image_store store;
	struct jval *index;
	size_t *entry_of; /* which entry of the index names[i] is of */
};

static const char *annotation(const struct jval *entry, const char *name)
{
	return jval_string(jval_get(jval_get(entry, "annotations"), name));
}

static void add_name(struct image_layout *self, const char *name, size_t entry)
{
	struct strs *names = &self->source.names;

	if (name == NULL || strs_has(names, name))
		return;
	self->entry_of = mem_resize(self->entry_of, names->nr + 1,
				    sizeof(*self->entry_of));
	self->entry_of[names->nr] = entry;
	strs_add(names, name);
}

/* "dws:0.0.20" for oci:DIR/dws:0.0.20, which has but the tag inside. */
static void add_names(struct image_layout *self, size_t index)
{
	const struct jval *entry =
		jval_at(jval_get(self->index, "manifests"), index);
	const char *tag =
		annotation(entry, "org.opencontainers.image.ref.name");
	const char *slash = strrchr(self->store.path, '/');
	const char *base = slash ? slash + 1 : self->store.path;

	add_name(self, annotation(entry, "io.containerd.image.name"), index);
	add_name(self, tag, index);
	if (tag && !strpbrk(tag, ":/") && self->store.tar == NULL) {
		autofree char *name = mem_printf("%s:%s", base, tag);

		add_name(self, name, index);
	}
}

/* The entry called `reference`; NULL = the only one. */
static const struct jval *find_entry(const struct image_layout *self,
				     const char *reference, struct err *err)
{
	const struct jval *entries = jval_get(self->index, "manifests");
	const struct strs *names = &self->source.names;
	autofree char *known = NULL;

	if (reference == NULL && jval_len(entries) == 1)
		return jval_at(entries, 0);
	for (size_t i = 0; reference && i < names->nr; i++)
		if (strcmp(names->item[i], reference) == 0)
			return jval_at(entries, self->entry_of[i]);
	for (size_t i = 0; reference && i < jval_len(entries); i++)
		if (str_eq(jval_str(jval_at(entries, i), "digest"), reference))
			return jval_at(entries, i);
	known = strs_join(names, ", ");
	err_set(err, ERR_NOT_FOUND,
		"'%s' holds %zu images (%s)%s%s%s; name one", self->store.path,
		jval_len(entries), known, reference ? ", none is '" : "",
		reference ? reference : "", reference ? "'" : "");
	return NULL;
}

static void blob_path(char *path, size_t size, const char *digest)
{
	snprintf(path, size, "blobs/sha256/%s", digest_hex(digest));
}

/* A manifest below an index is asked for by digest, and is not an entry. */
static int describe(const struct image_layout *self, const char *reference,
		    struct descriptor *descriptor, struct err *err)
{
	const struct jval *entry = NULL;

	if (reference == NULL || !str_starts(reference, "sha256:")) {
		entry = find_entry(self, reference, err);
		return entry ? descriptor_parse(descriptor, entry, err) : -1;
	}
	if (digest_check(reference, err) < 0)
		return -1;
	descriptor->digest = mem_strdup(reference);
	return 0;
}

static int check_manifest(const struct image_layout *self,
			  struct descriptor *descriptor, const char *text,
			  size_t len, struct err *err)
{
	autojval struct jval *manifest = NULL;
	const char *media_type;
	char digest[DIGEST_SIZE];

	digest_of(text, len, digest);
	if (strcmp(digest, descriptor->digest) != 0)
		return err_set(
			err, ERR_VERIFY,
			"manifest '%s' in '%s' is corrupt: its digest is "
			"'%s'",
			descriptor->digest, self->store.path, digest);
	manifest = jval_parse(text, len, err);
	media_type = manifest_media_type(manifest);
	if (manifest && media_type == NULL)
		err_set(err, ERR_INVALID, "it is no image manifest");
	if (media_type == NULL)
		return err_wrap(err, "read manifest '%s' in '%s'",
				descriptor->digest, self->store.path);
	if (str_empty(descriptor->media_type)) {
		free(descriptor->media_type);
		descriptor->media_type = mem_strdup(media_type);
	}
	descriptor->size = len;
	return 0;
}

static int image_layout_manifest(struct image_source *source,
				 const char *reference,
				 struct descriptor *descriptor, char **bytes,
				 struct err *err)
{
	struct image_layout *self = (struct image_layout *)source;
	autofree char *text = NULL;
	char path[128];
	size_t len;

	if (describe(self, reference, descriptor, err) < 0)
		goto fail;
	blob_path(path, sizeof(path), descriptor->digest);
	if (image_store_read(&self->store, path, IMAGE_MANIFEST_MAX, &text,
			     &len, err) < 0 ||
	    check_manifest(self, descriptor, text, len, err) < 0)
		goto fail;
	*bytes = mem_steal(&text);
	return 0;
fail:
	descriptor_release(descriptor);
	return -1;
}

static struct image_blob *image_layout_blob(struct image_source *source,
					    const struct descriptor *descriptor,
					    struct err *err)
{
	struct image_layout *self = (struct image_layout *)source;
	char path[128];

	blob_path(path, sizeof(path), descriptor->digest);
	return image_store_blob(&self->store, path, NULL, err);
}

static void image_layout_release(struct image_source *source)
{
	struct image_layout *self = (struct image_layout *)source;

	image_store_release(&self->store);
	jval_free(self->index);
	free(self->entry_of);
}

/* Only the entry of that tag: oci:DIR:TAG. */
static int keep_tag(struct image_layout *self, const char *tag, struct err *err)
{
	const struct jval *entries = jval_get(self->index, "manifests");
	struct jval *kept = jval_new_array();

	for (size_t i = 0; i < jval_len(entries); i++)
		if (str_eq(annotation(jval_at(entries, i),
				      "org.opencontainers.image.ref.name"),
			   tag))
			jval_append(kept, jval_ref(jval_at(entries, i)));
	jval_set(self->index, "manifests", kept);
	if (jval_len(kept) == 0)
		return err_set(err, ERR_NOT_FOUND, "'%s' has no image '%s'",
			       self->store.path, tag);
	return 0;
}

static int load_index(struct image_layout *self, const char *tag,
		      struct err *err)
{
	autofree char *text = NULL;
	size_t len;

	if (image_store_read(&self->store, "index.json", IMAGE_MANIFEST_MAX,
			     &text, &len, err) < 0)
		return err_hint(err, "it is no OCI image layout (for podman "
				     "save and docker save say docker-archive:"
				     "FILE)");
	self->index = jval_parse(text, len, err);
	if (self->index == NULL)
		return err_wrap(err, "read 'index.json' of '%s'",
				self->store.path);
	if (tag && keep_tag(self, tag, err) < 0)
		return -1;
	for (size_t i = 0; i < jval_len(jval_get(self->index, "manifests"));
	     i++)
		add_names(self, i);
	return 0;
}

struct image_source *image_layout_open(const char *path, bool archive,
				       struct err *err)
{
	static const struct image_source_ops ops = { image_layout_manifest,
						     image_layout_blob,
						     image_layout_release };
	struct image_layout *self = mem_alloc(sizeof(*self));
	const char *colon = strrchr(path, ':');
	autofree char *place = NULL;

	/* PATH:TAG, unless the whole is a path. */
	if (colon && access(path, F_OK) < 0)
		place = mem_strndup(path, (size_t)(colon - path));
	else
		colon = NULL;
	self->source.ops = &ops;
	if (image_store_open(&self->store, place ? place : path, archive, err) <
	    0) {
		free(self);
		return NULL;
	}
	if (load_index(self, colon ? colon + 1 : NULL, err) < 0) {
		image_source_free(&self->source);
		return NULL;
	}
	return &self->source;
}
