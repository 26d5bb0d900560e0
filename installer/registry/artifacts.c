#include "registry/artifacts.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "registry/image_source.h"
#include "registry/manifest.h"

/* Whether the failure only says that there is none. */
static bool is_none(struct err *err)
{
	static const int statuses[] = { 401, 403, 404, 405 };
	bool none = err->kind == ERR_NOT_FOUND;

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		none |= err->http == statuses[i];
	if (none)
		err_clear(err);
	return none;
}

static bool has_digest(const struct artifacts *list, const char *digest)
{
	for (size_t i = 0; i < list->nr; i++)
		if (str_eq(list->item[i].digest, digest))
			return true;
	return false;
}

static void add(struct artifacts *list, const char *tag, const char *digest,
		const char *media_type, const char *artifact_type)
{
	struct artifact *item;

	if (has_digest(list, digest))
		return;
	list->item = mem_resize(list->item, list->nr + 1, sizeof(*list->item));
	item = &list->item[list->nr++];
	item->tag = mem_strdup(tag);
	item->digest = mem_strdup(digest);
	item->media_type = mem_strdup(media_type);
	item->artifact_type = mem_strdup(artifact_type);
}

/* What a manifest says that it is: its own word, or the type of its config. */
static const char *type_of(const struct jval *manifest)
{
	const char *type = jval_str(manifest, "artifactType");
	const char *config = jval_str(manifest, "config.mediaType");

	return type || str_eq(config, MEDIA_OCI_CONFIG) ? type : config;
}

static int find_tag(struct artifacts *list, struct image_source *source,
		    const char *tag, struct err *err)
{
	auto_descriptor struct descriptor found = { 0 };
	autojval struct jval *manifest = NULL;
	autofree char *bytes = NULL;

	if (source->ops->tagged(source, tag, &found, &bytes, err) < 0)
		return is_none(err) ? 0 : -1;
	manifest = jval_parse(bytes, (size_t)found.size, err);
	if (manifest == NULL)
		return err_wrap(err, "'%s'", tag);
	add(list, tag, found.digest, found.media_type, type_of(manifest));
	return 0;
}

/* The list of referrers is the registry's word: what it names is checked
 * when it is fetched. */
static int add_referrers(struct artifacts *list, const struct jval *index,
			 struct err *err)
{
	const struct jval *entries = jval_get(index, "manifests");

	for (size_t i = 0; i < jval_len(entries); i++) {
		const struct jval *entry = jval_at(entries, i);
		const char *digest = jval_str(entry, "digest");
		const char *media_type = jval_str(entry, "mediaType");

		if (digest == NULL || !media_type_is_manifest(media_type)) {
			log_verbose("a referrer is left out: it is no manifest "
				    "but '%s'",
				    media_type ? media_type : "");
			continue;
		}
		if (digest_check(digest, err) < 0)
			return -1;
		add(list, NULL, digest, media_type,
		    jval_str(entry, "artifactType"));
	}
	return 0;
}

/* Where the registry has no list of its own clients keep one under a tag. */
static int find_fallback(struct artifacts *list, struct image_source *source,
			 const char *tag, struct err *err)
{
	auto_descriptor struct descriptor found = { 0 };
	autojval struct jval *index = NULL;
	autofree char *bytes = NULL;

	if (source->ops->tagged(source, tag, &found, &bytes, err) < 0)
		return is_none(err) ? 0 : -1;
	if (!media_type_is_index(found.media_type))
		return 0;
	index = jval_parse(bytes, (size_t)found.size, err);
	return index ? add_referrers(list, index, err) :
		       err_wrap(err, "'%s'", tag);
}

static int find_referrers(struct artifacts *list, struct image_source *source,
			  const char *digest, const char *fallback,
			  struct err *err)
{
	autojval struct jval *index = NULL;

	if (source->ops->referrers(source, digest, &index, err) == 0)
		return add_referrers(list, index, err);
	return is_none(err) ? find_fallback(list, source, fallback, err) : -1;
}

int artifacts_find(struct artifacts *list, struct image_source *source,
		   const char *digest, struct err *err)
{
	static const char *const kinds[] = { "sig", "att", "sbom" };
	autofree char *stem = mem_printf("sha256-%s", digest_hex(digest));

	if (source->ops->tagged == NULL)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		autofree char *tag = mem_printf("%s.%s", stem, kinds[i]);

		if (find_tag(list, source, tag, err) < 0)
			return err_wrap(err, "signatures of '%s'", digest);
	}
	if (find_referrers(list, source, digest, stem, err) < 0)
		return err_wrap(err, "what refers to '%s'", digest);
	return 0;
}

void artifacts_release(struct artifacts *list)
{
	for (size_t i = 0; i < list->nr; i++) {
		free(list->item[i].tag);
		free(list->item[i].digest);
		free(list->item[i].media_type);
		free(list->item[i].artifact_type);
	}
	free(list->item);
	memset(list, 0, sizeof(*list));
}
