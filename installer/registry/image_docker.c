/*
 * Archives of podman save and docker save: manifest.json names config,
 * names and layers; there is no registry manifest, so one is made (Docker
 * schema 2) that names the layers as they lie there. Layers are plain tars
 * as a rule: their digest is the diff_id that the config tells, so nothing
 * has to be read twice. Compressed ones are hashed once beforehand.
 *
 * Source: Docker Image Specification v1.2, "Combined Image JSON + Filesystem
 * Changeset Format"; Image Manifest Version 2, Schema 2.
 */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "registry/image_store.h"

#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"
#define DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"

struct docker_image {
	char *text; /* of the manifest that was made */
};

struct image_docker {
	struct image_source source;
	struct image_store store;
	struct docker_image *image;
	size_t nr_images;
	size_t *image_of;    /* which image names[i] is of */
	struct jval *places; /* digest -> path in the archive */
};

static int layer_media_type(const struct image_docker *self, const char *path,
			    const char **media_type, struct err *err)
{
	struct image_blob *blob =
		image_store_blob(&self->store, path, NULL, err);
	unsigned char magic[4] = { 0 };
	ssize_t n;

	if (blob == NULL)
		return -1;
	n = source_read(image_blob_source(blob), magic, sizeof(magic), err);
	image_blob_close(blob);
	if (n < 0)
		return err_wrap(err, "read layer '%s'", path);
	if (memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0)
		return err_set(err, ERR_INVALID,
			       "layer '%s' of '%s' is compressed with zstd, "
			       "which a docker-archive cannot name; save it as "
			       "oci-archive",
			       path, self->store.path);
	*media_type = memcmp(magic, "\x1f\x8b", 2) == 0 ? DOCKER_LAYER_GZIP :
							  DOCKER_LAYER;
	return 0;
}

/* The digest of a layer that is compressed: read it once. */
static int layer_digest(const struct image_docker *self, const char *path,
			char *digest, struct err *err)
{
	struct image_blob *blob =
		image_store_blob(&self->store, path, NULL, err);
	autofree char *block = mem_alloc(SOURCE_BLOCK);
	struct digest_state *state;
	ssize_t n;

	if (blob == NULL)
		return -1;
	state = digest_new();
	while ((n = source_read(image_blob_source(blob), block, SOURCE_BLOCK,
				err)) > 0)
		digest_update(state, block, (size_t)n);
	digest_final(state, digest);
	digest_free(state);
	image_blob_close(blob);
	return n < 0 ? err_wrap(err, "read layer '%s'", path) : 0;
}

static struct jval *describe_layer(struct image_docker *self, const char *path,
				   const char *diff_id, struct err *err)
{
	const struct tar_entry *entry = tar_find(self->store.tar, path);
	const char *media_type = NULL;
	char digest[DIGEST_SIZE];

	if (entry == NULL) {
		err_set(err, ERR_INVALID, "archive '%s' lacks layer '%s'",
			self->store.path, path);
		return NULL;
	}
	if (digest_check(diff_id, err) < 0 ||
	    layer_media_type(self, path, &media_type, err) < 0)
		return NULL;
	if (strcmp(media_type, DOCKER_LAYER) == 0)
		memcpy(digest, diff_id, strlen(diff_id) + 1);
	else if (layer_digest(self, path, digest, err) < 0)
		return NULL;
	jval_set(self->places, digest, jval_new_str(path));
	return jval_pack("{s:s, s:I, s:s}", "mediaType", media_type, "size",
			 (int64_t)entry->size, "digest", digest);
}

static struct jval *describe_layers(struct image_docker *self,
				    const struct jval *paths,
				    const struct jval *config, struct err *err)
{
	const struct jval *diff_ids = jval_path(config, "rootfs.diff_ids");
	autojval struct jval *layers = jval_new_array();

	if (jval_len(paths) != jval_len(diff_ids)) {
		err_set(err, ERR_INVALID,
			"archive '%s' has %zu layers, its configuration names "
			"%zu",
			self->store.path, jval_len(paths), jval_len(diff_ids));
		return NULL;
	}
	for (size_t i = 0; i < jval_len(paths); i++) {
		const char *path = jval_string(jval_at(paths, i));
		const char *diff_id = jval_string(jval_at(diff_ids, i));
		struct jval *layer = describe_layer(
			self, path ? path : "", diff_id ? diff_id : "", err);

		if (layer == NULL)
			return NULL;
		jval_append(layers, layer);
	}
	return mem_steal(&layers);
}

static int make_manifest(struct image_docker *self, const struct jval *entry,
			 char **manifest_text, struct err *err)
{
	const char *config_path = jval_str(entry, "Config");
	autojval struct jval *config = NULL, *layers = NULL, *manifest = NULL;
	autofree char *text = NULL;
	char digest[DIGEST_SIZE];
	size_t len;

	if (config_path == NULL)
		return err_set(err, ERR_INVALID,
			       "'manifest.json' of '%s' names no Config",
			       self->store.path);
	if (image_store_read(&self->store, config_path, IMAGE_MANIFEST_MAX,
			     &text, &len, err) < 0)
		return -1;
	config = jval_parse(text, len, err);
	if (config == NULL)
		return err_wrap(err, "read '%s' of '%s'", config_path,
				self->store.path);
	layers = describe_layers(self, jval_get(entry, "Layers"), config, err);
	if (layers == NULL)
		return -1;
	digest_of(text, len, digest);
	jval_set(self->places, digest, jval_new_str(config_path));
	manifest = jval_pack("{s:i, s:s, s:{s:s, s:I, s:s}, s:O}",
			     "schemaVersion", 2, "mediaType", DOCKER_MANIFEST,
			     "config", "mediaType", DOCKER_CONFIG, "size",
			     (int64_t)len, "digest", digest, "layers", layers);
	*manifest_text = jval_text(manifest, false);
	return 0;
}

static int add_image(struct image_docker *self, const struct jval *entry,
		     struct err *err)
{
	const struct jval *tags = jval_get(entry, "RepoTags");
	struct strs *names = &self->source.names;
	size_t index = self->nr_images;
	char *text = NULL;

	if (make_manifest(self, entry, &text, err) < 0)
		return -1;
	self->image = mem_resize(self->image, index + 1, sizeof(*self->image));
	self->image[index].text = text;
	self->nr_images++;
	for (size_t i = 0; i < jval_len(tags); i++) {
		const char *tag = jval_string(jval_at(tags, i));

		if (tag == NULL || strs_has(names, tag))
			continue;
		self->image_of = mem_resize(self->image_of, names->nr + 1,
					    sizeof(*self->image_of));
		self->image_of[names->nr] = index;
		strs_add(names, tag);
	}
	return 0;
}

static int load(struct image_docker *self, struct err *err)
{
	autojval struct jval *entries = NULL;
	autofree char *text = NULL;
	size_t len;

	if (image_store_read(&self->store, "manifest.json", IMAGE_MANIFEST_MAX,
			     &text, &len, err) < 0)
		return err_hint(err, "it is no archive of podman save or "
				     "docker save (for an OCI image layout say "
				     "oci-archive:FILE)");
	entries = jval_parse(text, len, err);
	if (!jval_is_array(entries) || jval_len(entries) == 0) {
		if (entries)
			err_set(err, ERR_INVALID, "it lists no images");
		return err_wrap(err, "read 'manifest.json' of '%s'",
				self->store.path);
	}
	for (size_t i = 0; i < jval_len(entries); i++)
		if (add_image(self, jval_at(entries, i), err) < 0)
			return -1;
	return 0;
}

static int find_image(const struct image_docker *self, const char *reference,
		      size_t *index, struct err *err)
{
	const struct strs *names = &self->source.names;
	autofree char *known = strs_join(names, ", ");

	*index = 0;
	if (reference == NULL && self->nr_images == 1)
		return 0;
	for (size_t i = 0; reference && i < names->nr; i++)
		if (strcmp(names->item[i], reference) == 0) {
			*index = self->image_of[i];
			return 0;
		}
	return err_set(err, ERR_NOT_FOUND,
		       "archive '%s' holds %zu images (%s)%s%s%s; name one",
		       self->store.path, self->nr_images, known,
		       reference ? ", none is '" : "",
		       reference ? reference : "", reference ? "'" : "");
}

static int image_docker_manifest(struct image_source *source,
				 const char *reference,
				 struct descriptor *descriptor, char **bytes,
				 struct err *err)
{
	struct image_docker *self = (struct image_docker *)source;
	const char *text;
	size_t index;

	if (find_image(self, reference, &index, err) < 0)
		return -1;
	text = self->image[index].text;
	descriptor_of(descriptor, DOCKER_MANIFEST, text, strlen(text));
	*bytes = mem_strdup(text);
	return 0;
}

static struct image_blob *image_docker_blob(struct image_source *source,
					    const struct descriptor *descriptor,
					    struct err *err)
{
	struct image_docker *self = (struct image_docker *)source;
	const char *path =
		jval_string(jval_get(self->places, descriptor->digest));

	if (path == NULL) {
		err_set(err, ERR_NOT_FOUND, "archive '%s' has no blob '%s'",
			self->store.path, descriptor->digest);
		return NULL;
	}
	return image_store_blob(&self->store, path, NULL, err);
}

static void image_docker_release(struct image_source *source)
{
	struct image_docker *self = (struct image_docker *)source;

	for (size_t i = 0; i < self->nr_images; i++)
		free(self->image[i].text);
	free(self->image);
	free(self->image_of);
	jval_free(self->places);
	image_store_release(&self->store);
}

struct image_source *image_docker_open(const char *path, struct err *err)
{
	static const struct image_source_ops ops = { image_docker_manifest,
						     image_docker_blob,
						     image_docker_release };
	struct image_docker *self = mem_alloc(sizeof(*self));

	self->source.ops = &ops;
	if (image_store_open(&self->store, path, true, err) < 0) {
		free(self);
		return NULL;
	}
	self->places = jval_new_object();
	if (load(self, err) < 0) {
		image_source_free(&self->source);
		return NULL;
	}
	return &self->source;
}
