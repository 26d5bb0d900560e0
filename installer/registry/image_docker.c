#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/jval.h"
#include "registry/image_source.h"
#include "registry/manifest.h"

#define SMALL_FILE_BYTES ((size_t)4 << 20)

/*
 * What docker save and podman save write: manifest.json names config and
 * layers by their place in the tar. There is no manifest to push, so one of
 * Docker schema 2 is made, which names each layer as it lies there: nothing
 * is compressed again. The digest of a plain layer stands in the config.
 *
 * Source: Docker image-spec v1.2, "Combined Image JSON + Filesystem Changeset
 * Format".
 */
struct image_docker {
	struct image_source source;
	struct image_files files;
	struct jval *list; /* of manifest.json */

	pthread_mutex_t lock; /* guards what follows */
	struct known_blob *known;
	size_t nr_known;
};

/* Where the blob of a digest lies. */
struct known_blob {
	char digest[DIGEST_SIZE];
	char *path;
};

static const char *find_known(const struct image_docker *self,
			      const char *digest)
{
	for (size_t i = 0; i < self->nr_known; i++)
		if (str_eq(self->known[i].digest, digest))
			return self->known[i].path;
	return NULL;
}

static void remember(struct image_docker *self, const char *digest,
		     const char *path)
{
	struct known_blob *known;

	if (find_known(self, digest))
		return;
	self->known = mem_resize(self->known, self->nr_known + 1,
				 sizeof(*self->known));
	known = &self->known[self->nr_known++];
	snprintf(known->digest, sizeof(known->digest), "%s", digest);
	known->path = mem_strdup(path);
}

static int hash_entry(const struct image_docker *self,
		      const struct tar_entry *entry, char *digest,
		      struct err *err)
{
	struct source_volume file;

	source_volume_init(&file, self->files.volume, entry->offset,
			   entry->size);
	return source_digest(&file.source, digest, err);
}

enum packing { PACK_NONE, PACK_GZIP, PACK_OTHER };

static int packing_of(const struct image_docker *self,
		      const struct tar_entry *entry, enum packing *packing,
		      struct err *err)
{
	unsigned char magic[6];

	*packing = PACK_NONE;
	if (entry->size < sizeof(magic))
		return 0;
	if (volume_read(self->files.volume, entry->offset, magic, sizeof(magic),
			err) < 0)
		return -1;
	if (magic[0] == 0x1f && magic[1] == 0x8b)
		*packing = PACK_GZIP;
	else if (memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0 ||
		 memcmp(magic, "\xfd\x37zXZ", 5) == 0)
		*packing = PACK_OTHER;
	return 0;
}

static int layer_digest(const struct image_docker *self, const char *path,
			const struct tar_entry *entry, enum packing packing,
			const char *diff_id, char *digest, struct err *err)
{
	const char *hex = str_after(path, "blobs/sha256/");
	struct err ignored = ERR_INIT;

	/* What a digest promises is checked when the bytes flow. */
	if (packing == PACK_NONE && diff_id) {
		snprintf(digest, DIGEST_SIZE, "%s", diff_id);
		return digest_check(diff_id, err);
	}
	if (hex && strlen(hex) == 64) {
		snprintf(digest, DIGEST_SIZE, "sha256:%s", hex);
		if (digest_check(digest, &ignored) == 0)
			return 0;
	}
	return hash_entry(self, entry, digest, err);
}

static struct jval *descriptor_value(const char *media_type, const char *digest,
				     uint64_t size)
{
	return jval_pack("{s:s, s:I, s:s}", "mediaType", media_type, "size",
			 (int64_t)size, "digest", digest);
}

static int add_layer(struct image_docker *self, struct jval *layers,
		     const char *path, const char *diff_id, struct err *err)
{
	const struct tar_entry *entry = path ? tar_find(self->files.tar, path) :
					       NULL;
	enum packing packing;
	char digest[DIGEST_SIZE];

	if (entry == NULL)
		return err_set(err, ERR_INVALID,
			       "layer '%s' is missing in the archive",
			       path ? path : "");
	if (packing_of(self, entry, &packing, err) < 0)
		return -1;
	if (packing == PACK_OTHER) {
		err_set(err, ERR_INVALID,
			"layer '%s' is compressed in a way that Docker's "
			"manifests do not know",
			path);
		return err_hint(err, "save the image as an oci-archive");
	}
	if (layer_digest(self, path, entry, packing, diff_id, digest, err) < 0)
		return -1;
	remember(self, digest, path);
	jval_append(layers,
		    descriptor_value(packing == PACK_GZIP ? MEDIA_DOCKER_LAYER
					     ".gzip" :
							    MEDIA_DOCKER_LAYER,
				     digest, entry->size));
	return 0;
}

static int add_layers(struct image_docker *self, struct jval *layers,
		      const struct jval *paths, const struct jval *config,
		      struct err *err)
{
	const struct jval *diff_ids = jval_path(config, "rootfs.diff_ids");

	if (jval_len(diff_ids) != jval_len(paths))
		return err_set(err, ERR_INVALID,
			       "its config knows %zu layers, its manifest %zu",
			       jval_len(diff_ids), jval_len(paths));
	for (size_t i = 0; i < jval_len(paths); i++)
		if (add_layer(self, layers, jval_string(jval_at(paths, i)),
			      jval_string(jval_at(diff_ids, i)), err) < 0)
			return -1;
	return 0;
}

static int make_manifest(struct image_docker *self, const struct jval *image,
			 struct descriptor *descriptor, char **bytes,
			 struct err *err)
{
	autojval struct jval *layers = jval_new_array();
	autojval struct jval *config = NULL, *manifest = NULL;
	const char *path = jval_str(image, "Config");
	autofree char *text = NULL;
	char digest[DIGEST_SIZE];
	size_t len;

	if (path == NULL)
		return err_set(err, ERR_INVALID, "it names no config");
	if (image_files_read(&self->files, path, SMALL_FILE_BYTES, &text, &len,
			     err) < 0)
		return -1;
	config = jval_parse(text, len, err);
	if (config == NULL)
		return err_wrap(err, "'%s'", path);
	digest_of(text, len, digest);
	remember(self, digest, path);
	if (add_layers(self, layers, jval_get(image, "Layers"), config, err) <
	    0)
		return -1;
	manifest = jval_pack("{s:i, s:s, s:o, s:O}", "schemaVersion", 2,
			     "mediaType", MEDIA_DOCKER_MANIFEST, "config",
			     descriptor_value(MEDIA_DOCKER_CONFIG, digest, len),
			     "layers", layers);
	*bytes = jval_text(manifest, false);
	descriptor_of(descriptor, MEDIA_DOCKER_MANIFEST, *bytes,
		      strlen(*bytes));
	return 0;
}

static int docker_manifest(struct image_source *source, const char *reference,
			   struct descriptor *descriptor, char **bytes,
			   struct err *err)
{
	struct image_docker *self = (struct image_docker *)source;
	size_t index;
	int result;

	if (image_pick(source, reference, &index, err) < 0)
		return -1;
	pthread_mutex_lock(&self->lock);
	result = make_manifest(self, jval_at(self->list, index), descriptor,
			       bytes, err);
	pthread_mutex_unlock(&self->lock);
	return result < 0 ? err_wrap(err, "'%s'", source->name) : 0;
}

static int docker_open(struct image_source *source,
		       const struct descriptor *descriptor,
		       struct image_blob *blob, struct err *err)
{
	struct image_docker *self = (struct image_docker *)source;
	const char *path;
	uint64_t size;

	pthread_mutex_lock(&self->lock);
	path = find_known(self, descriptor->digest); /* never freed before */
	pthread_mutex_unlock(&self->lock);
	if (path == NULL)
		return err_set(err, ERR_NOT_FOUND, "'%s' has no blob '%s'",
			       source->name, descriptor->digest);
	if (image_files_blob(&self->files, path, blob, &size, err) < 0)
		return -1;
	return image_check_size(descriptor, size, err);
}

static void docker_free(struct image_source *source)
{
	struct image_docker *self = (struct image_docker *)source;

	for (size_t i = 0; i < self->nr_known; i++)
		free(self->known[i].path);
	free(self->known);
	jval_free(self->list);
	image_files_close(&self->files);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

static const struct image_source_ops docker_ops = {
	.manifest = docker_manifest,
	.open = docker_open,
	.close = image_files_close_blob,
	.free = docker_free,
};

static int read_list(struct image_docker *self, struct err *err)
{
	autofree char *text = NULL;
	size_t len;

	if (image_files_read(&self->files, "manifest.json", SMALL_FILE_BYTES,
			     &text, &len, err) < 0)
		return err_hint(err, "is it what docker save or podman save "
				     "wrote?");
	self->list = jval_parse(text, len, err);
	if (self->list == NULL)
		return err_wrap(err, "'manifest.json'");
	if (!jval_is_array(self->list) || jval_len(self->list) == 0)
		return err_set(err, ERR_INVALID, "it holds no image");
	self->source.nr_entries = jval_len(self->list);
	for (size_t i = 0; i < self->source.nr_entries; i++) {
		const struct jval *tags =
			jval_get(jval_at(self->list, i), "RepoTags");

		for (size_t k = 0; k < jval_len(tags); k++)
			image_add_name(&self->source,
				       jval_string(jval_at(tags, k)), i);
	}
	return 0;
}

struct image_source *image_docker_open(const char *spec, const char *path,
				       const char *tag, struct err *err)
{
	struct image_docker *self = mem_alloc(sizeof(*self));

	image_source_init(&self->source, &docker_ops, spec);
	pthread_mutex_init(&self->lock, NULL);
	if (image_files_open(&self->files, path, true, err) < 0 ||
	    read_list(self, err) < 0 ||
	    image_restrict(&self->source, tag, err) < 0) {
		image_source_free(&self->source);
		return NULL;
	}
	return &self->source;
}
