#include "registry/referrers.h"

#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "format/jval.h"

static struct jval *index_new(void)
{
	return jval_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType",
			 MEDIA_OCI_INDEX, "manifests");
}

/* The list as it stands, or an empty one. */
static struct jval *index_get(struct registry_session *session,
			      const char *repository, const char *tag,
			      struct err *err)
{
	auto_descriptor struct descriptor found = { 0 };
	autofree char *bytes = NULL;
	autojval struct jval *index = NULL;

	if (manifest_get(session, repository, tag, &found, &bytes, err) < 0) {
		if (err->kind != ERR_NOT_FOUND)
			return NULL;
		err_clear(err);
		return index_new();
	}
	index = jval_parse(bytes, (size_t)found.size, err);
	if (index && jval_is_array(jval_get(index, "manifests")))
		return mem_steal(&index);
	if (index)
		err_set(err, ERR_REGISTRY, "it has no 'manifests'");
	err_wrap(err, "list of referrers '%s:%s'", repository, tag);
	return NULL;
}

static struct jval *entry_new(const struct descriptor *descriptor,
			      const struct jval *manifest)
{
	const char *type = jval_str(manifest, "artifactType");
	struct jval *annotations = jval_get(manifest, "annotations");
	struct jval *entry = jval_new_object();

	jval_set_str(entry, "mediaType", descriptor->media_type);
	jval_set_str(entry, "digest", descriptor->digest);
	jval_set(entry, "size", jval_new_int((int64_t)descriptor->size));
	if (type == NULL)
		type = jval_str(manifest, "config.mediaType");
	if (type)
		jval_set_str(entry, "artifactType", type);
	if (jval_is_object(annotations))
		jval_set(entry, "annotations", jval_ref(annotations));
	return entry;
}

static bool is_listed(const struct jval *list, const char *digest)
{
	for (size_t i = 0; i < jval_len(list); i++)
		if (str_eq(jval_str(jval_at(list, i), "digest"), digest))
			return true;
	return false;
}

static int index_put(struct registry_session *session, const char *repository,
		     const char *tag, const struct jval *index, struct err *err)
{
	autofree char *text = jval_text(index, false);
	auto_descriptor struct descriptor descriptor = { 0 };
	struct manifest_answer answer;

	descriptor_of(&descriptor, MEDIA_OCI_INDEX, text, strlen(text));
	return manifest_put(session, repository, tag, &descriptor, text,
			    &answer, err);
}

int referrers_add(struct registry_session *session, const char *repository,
		  const struct descriptor *descriptor, const char *bytes,
		  struct err *err)
{
	autojval struct jval *manifest =
		jval_parse(bytes, (size_t)descriptor->size, err);
	autojval struct jval *index = NULL;
	autofree char *tag = NULL;
	const char *subject = jval_str(manifest, "subject.digest");
	struct jval *list;

	if (manifest == NULL)
		return -1;
	if (subject == NULL)
		return 0;
	if (digest_check(subject, err) < 0)
		return err_wrap(err, "subject of '%s'", descriptor->digest);
	tag = mem_printf("sha256-%s", digest_hex(subject));
	index = index_get(session, repository, tag, err);
	if (index == NULL)
		return -1;
	list = jval_get(index, "manifests");
	if (is_listed(list, descriptor->digest))
		return 0;
	jval_append(list, entry_new(descriptor, manifest));
	return index_put(session, repository, tag, index, err);
}
