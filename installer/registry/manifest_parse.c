#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "format/jval.h"
#include "registry/manifest.h"

#define MANIFEST_MAX_PARTS 4096

bool media_type_is_index(const char *media_type)
{
	return str_eq(media_type, MEDIA_OCI_INDEX) ||
	       str_eq(media_type, MEDIA_DOCKER_LIST);
}

bool media_type_is_manifest(const char *media_type)
{
	return media_type_is_index(media_type) ||
	       str_eq(media_type, MEDIA_OCI_MANIFEST) ||
	       str_eq(media_type, MEDIA_DOCKER_MANIFEST);
}

char *manifest_media_type(const char *bytes, size_t len)
{
	struct err ignored = ERR_INIT;
	autojval struct jval *value = jval_parse(bytes, len, &ignored);
	const char *media_type = jval_str(value, "mediaType");

	if (media_type)
		return mem_strdup(media_type);
	/* OCI allows to leave it out. */
	if (jval_is_array(jval_get(value, "manifests")))
		return mem_strdup(MEDIA_OCI_INDEX);
	if (jval_is_array(jval_get(value, "layers")))
		return mem_strdup(MEDIA_OCI_MANIFEST);
	return NULL;
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

void descriptor_release(struct descriptor *descriptor)
{
	free(descriptor->media_type);
	free(descriptor->digest);
	memset(descriptor, 0, sizeof(*descriptor));
}

void manifest_release(struct manifest *manifest)
{
	for (size_t i = 0; i < manifest->nr; i++) {
		descriptor_release(&manifest->part[i].descriptor);
		free(manifest->part[i].platform);
	}
	free(manifest->part);
	memset(manifest, 0, sizeof(*manifest));
}

static char *platform_text(const struct jval *part)
{
	const char *os = jval_str(part, "platform.os");
	const char *arch = jval_str(part, "platform.architecture");
	const char *variant = jval_str(part, "platform.variant");

	if (os == NULL || arch == NULL)
		return NULL;
	return mem_printf("%s/%s%s%s", os, arch, variant ? "/" : "",
			  variant ? variant : "");
}

/* Layers that their owner alone may hand out are at their `urls`. */
static bool is_foreign(const char *media_type)
{
	return strstr(media_type, ".foreign.") ||
	       strstr(media_type, ".nondistributable.");
}

static int add_part(struct manifest *manifest, const struct jval *value,
		    struct err *err)
{
	const char *media_type = jval_str(value, "mediaType");
	const char *digest = jval_str(value, "digest");
	int64_t size = jval_int(value, "size", -1);
	struct manifest_part *part;

	if (media_type == NULL || digest == NULL || size < 0)
		return err_set(err, ERR_INVALID,
			       "a descriptor lacks mediaType, digest or size");
	if (digest_check(digest, err) < 0)
		return -1;
	if (is_foreign(media_type))
		return 0;
	if (manifest->nr >= MANIFEST_MAX_PARTS)
		return err_set(err, ERR_INVALID, "more than %d parts",
			       MANIFEST_MAX_PARTS);
	manifest->part = mem_resize(manifest->part, manifest->nr + 1,
				    sizeof(*manifest->part));
	part = &manifest->part[manifest->nr++];
	part->descriptor.media_type = mem_strdup(media_type);
	part->descriptor.digest = mem_strdup(digest);
	part->descriptor.size = (uint64_t)size;
	part->platform = platform_text(value);
	return 0;
}

static int add_parts(struct manifest *manifest, const struct jval *list,
		     struct err *err)
{
	if (!jval_is_array(list))
		return err_set(err, ERR_INVALID, "no list of %s",
			       manifest->is_index ? "manifests" : "layers");
	for (size_t i = 0; i < jval_len(list); i++)
		if (add_part(manifest, jval_at(list, i), err) < 0)
			return -1;
	return 0;
}

static int parse_value(struct manifest *manifest, const struct jval *value,
		       struct err *err)
{
	if (manifest->is_index)
		return add_parts(manifest, jval_get(value, "manifests"), err);
	if (add_part(manifest, jval_get(value, "config"), err) < 0)
		return -1;
	return add_parts(manifest, jval_get(value, "layers"), err);
}

int manifest_parse(struct manifest *manifest,
		   const struct descriptor *descriptor, const char *bytes,
		   struct err *err)
{
	autojval struct jval *value = NULL;

	memset(manifest, 0, sizeof(*manifest));
	if (!media_type_is_manifest(descriptor->media_type))
		return err_set(err, ERR_INVALID,
			       "manifest '%s' is of an unknown media type "
			       "'%s'",
			       descriptor->digest, descriptor->media_type);
	value = jval_parse(bytes, (size_t)descriptor->size, err);
	manifest->is_index = media_type_is_index(descriptor->media_type);
	if (value == NULL || parse_value(manifest, value, err) < 0) {
		manifest_release(manifest);
		return err_wrap(err, "manifest '%s'", descriptor->digest);
	}
	return 0;
}

static bool platform_fits(const char *has, const char *wanted)
{
	const char *rest = has ? str_after(has, wanted) : NULL;

	return rest && (*rest == '\0' || *rest == '/');
}

const struct manifest_part *
manifest_for_platform(const struct manifest *manifest, const char *platform,
		      struct err *err)
{
	const struct manifest_part *variant = NULL;
	auto_strs struct strs there = STRS_INIT;
	autofree char *list = NULL;

	for (size_t i = 0; i < manifest->nr; i++) {
		const char *has = manifest->part[i].platform;

		if (str_eq(has, platform))
			return &manifest->part[i];
		if (variant == NULL && platform_fits(has, platform))
			variant = &manifest->part[i];
		if (has && !str_starts(has, "unknown/"))
			strs_add(&there, has);
	}
	if (variant)
		return variant;
	list = strs_join(&there, ", ");
	err_set(err, ERR_NOT_FOUND, "no image for platform '%s'; there %s: %s",
		platform, there.nr == 1 ? "is" : "are",
		there.nr ? list : "none");
	return NULL;
}
