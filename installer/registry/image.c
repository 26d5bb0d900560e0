#include "registry/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "registry/image_ops.h"

static struct image_source *
image_open(const char *spec, const struct image_source_options *options,
	   struct err *err)
{
	const char *rest;

	if ((rest = str_after(spec, "oci:")))
		return image_layout_open(rest, false, err);
	if ((rest = str_after(spec, "oci-archive:")))
		return image_layout_open(rest, true, err);
	if ((rest = str_after(spec, "docker-archive:")))
		return image_docker_open(rest, err);
	if ((rest = str_after(spec, "dir:")))
		return image_dir_open(rest, err);
	if ((rest = str_after(spec, "docker://")))
		return image_registry_open(rest, options, err);
	err_set(err, ERR_USAGE,
		"'%s' is no source of images: say oci:DIR, oci-archive:FILE, "
		"docker-archive:FILE, dir:DIR or docker://HOST/IMAGE:TAG",
		spec);
	return NULL;
}

struct image_source *
image_source_open(const char *spec, const struct image_source_options *options,
		  struct err *err)
{
	static const struct image_source_options none;
	struct image_source *self =
		image_open(spec, options ? options : &none, err);

	if (self)
		self->spec = mem_strdup(spec);
	return self;
}

void image_source_free(struct image_source *self)
{
	if (self == NULL)
		return;
	self->ops->release(self);
	strs_release(&self->names);
	free(self->spec);
	free(self);
}

const char *image_source_name(const struct image_source *self)
{
	return self->spec;
}

const struct strs *image_source_names(const struct image_source *self)
{
	return &self->names;
}

int image_source_manifest(struct image_source *self, const char *reference,
			  struct descriptor *descriptor, char **bytes,
			  struct err *err)
{
	return self->ops->manifest(self, reference, descriptor, bytes, err);
}

struct image_blob *image_source_blob(struct image_source *self,
				     const struct descriptor *descriptor,
				     struct err *err)
{
	return self->ops->blob(self, descriptor, err);
}

struct source *image_blob_source(struct image_blob *blob)
{
	return blob->source;
}

void image_blob_close(struct image_blob *blob)
{
	if (blob)
		blob->close(blob);
}

void descriptor_release(struct descriptor *descriptor)
{
	free(descriptor->media_type);
	free(descriptor->digest);
	memset(descriptor, 0, sizeof(*descriptor));
}

void descriptor_of(struct descriptor *descriptor, const char *media_type,
		   const void *bytes, size_t len)
{
	char digest[DIGEST_SIZE];

	digest_of(bytes, len, digest);
	descriptor->media_type = mem_strdup(media_type);
	descriptor->digest = mem_strdup(digest);
	descriptor->size = len;
}

int descriptor_parse(struct descriptor *descriptor, const struct jval *value,
		     struct err *err)
{
	const char *digest = jval_str(value, "digest");
	const char *media_type = jval_str(value, "mediaType");
	int64_t size = jval_int(value, "size", -1);

	if (digest == NULL || size < 0)
		return err_set(err, ERR_INVALID,
			       "a descriptor lacks its digest or size");
	if (digest_check(digest, err) < 0)
		return -1;
	descriptor->digest = mem_strdup(digest);
	descriptor->media_type = mem_strdup(media_type ? media_type : "");
	descriptor->size = (uint64_t)size;
	return 0;
}

const char *manifest_media_type(const struct jval *manifest)
{
	static const char *const known[] = {
		"application/vnd.oci.image.manifest.v1+json",
		"application/vnd.oci.image.index.v1+json",
		"application/vnd.docker.distribution.manifest.v2+json",
		"application/vnd.docker.distribution.manifest.list.v2+json",
	};
	const char *told = jval_str(manifest, "mediaType");

	for (size_t i = 0; told && i < ARRAY_SIZE(known); i++)
		if (strcmp(told, known[i]) == 0)
			return known[i];
	/* OCI manifests need not tell theirs. */
	if (told == NULL && jval_is_array(jval_get(manifest, "layers")))
		return known[0];
	if (told == NULL && jval_is_array(jval_get(manifest, "manifests")))
		return known[1];
	return NULL;
}
