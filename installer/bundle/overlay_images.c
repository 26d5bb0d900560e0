#include "bundle/overlay_images.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "bundle/pod_images.h"

#define TAG_BYTES                                              \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789_.{}-"

/* Whether "[:TAG][@DIGEST]" is all that is there, and both of them. */
static bool take_reference(const char *rest, char **tag, char **digest)
{
	if (*rest == ':') {
		size_t len = strspn(++rest, TAG_BYTES);

		*tag = mem_strndup(rest, len);
		rest += len;
	}
	if (*rest == '@') {
		*digest = mem_strdup(++rest);
		rest += strlen(rest);
	}
	return *rest == '\0';
}

static void replace(char **text, const char *with)
{
	free(*text);
	*text = mem_strdup(with);
}

/* A new tag or digest takes the place of both. */
static void change_reference(const struct jval *entry, char **tag,
			     char **digest)
{
	const char *new_tag = jval_str(entry, "newTag");
	const char *new_digest = jval_str(entry, "digest");
	const char *suffix = jval_str(entry, "tagSuffix");
	autofree char *longer = NULL;

	if (!str_empty(new_tag) || !str_empty(new_digest)) {
		replace(tag, new_tag);
		replace(digest, new_digest);
	} else if (!str_empty(suffix)) {
		longer = mem_printf("%s%s", *tag ? *tag : "", suffix);
		replace(tag, longer);
		replace(digest, NULL);
	}
}

/* NULL when the entry is for another image. */
static char *change_image(const struct jval *entry, const char *image)
{
	const char *name = jval_str(entry, "name");
	const char *rest = str_after(image, name);
	const char *new_name = jval_str(entry, "newName");
	autofree char *tag = NULL;
	autofree char *digest = NULL;

	if (str_empty(name) || !rest || !take_reference(rest, &tag, &digest))
		return NULL;
	change_reference(entry, &tag, &digest);
	return mem_printf("%s%s%s%s%s", str_empty(new_name) ? name : new_name,
			  str_empty(tag) ? "" : ":", tag ? tag : "",
			  str_empty(digest) ? "" : "@", digest ? digest : "");
}

char *overlay_images_name(const struct jval *images, const char *image)
{
	char *name = mem_strdup(image);

	for (size_t i = 0; i < jval_len(images); i++) {
		char *other = change_image(jval_at(images, i), name);

		if (other) {
			free(name);
			name = other;
		}
	}
	return name;
}

static char *change(void *ctx, const char *image)
{
	return overlay_images_name(ctx, image);
}

void overlay_images_apply(const struct jval *images, struct jval *object)
{
	if (jval_len(images) > 0)
		pod_images_change(object, change, (void *)images);
}
