#include "registry/image.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/ref.h"
#include "registry/image_source.h"

void image_source_init(struct image_source *source,
		       const struct image_source_ops *ops, const char *spec)
{
	source->ops = ops;
	source->name = mem_strdup(spec);
	source->only = SIZE_MAX;
}

void image_add_name(struct image_source *source, const char *name, size_t entry)
{
	if (str_empty(name) || strs_has(&source->names, name))
		return;
	strs_add(&source->names, name);
	source->entry_of = mem_resize(source->entry_of, source->names.nr,
				      sizeof(*source->entry_of));
	source->entry_of[source->names.nr - 1] = entry;
}

int image_restrict(struct image_source *source, const char *tag,
		   struct err *err)
{
	size_t kept = 0;

	if (tag == NULL)
		return 0;
	if (image_pick(source, tag, &source->only, err) < 0)
		return -1;
	for (size_t i = 0; i < source->names.nr; i++) {
		if (source->entry_of[i] != source->only) {
			free(source->names.item[i]);
			continue;
		}
		source->names.item[kept] = source->names.item[i];
		source->entry_of[kept++] = source->entry_of[i];
	}
	source->names.nr = kept;
	if (source->names.item)
		source->names.item[kept] = NULL;
	return 0;
}

enum { MATCH_TAG = 1, MATCH_LAST, MATCH_REPOSITORY, MATCH_FULL, MATCH_SAME };

static const char *last_part(const char *repository)
{
	const char *slash = strrchr(repository, '/');

	return slash ? slash + 1 : repository;
}

/* How well a name of the archive fits what is asked for; 0 = not. */
static int match(const char *name, const char *wanted)
{
	autoref struct ref a = { 0 }, b = { 0 };
	struct err ignored = ERR_INIT;
	const char *tag;

	if (str_eq(name, wanted))
		return MATCH_SAME;
	if (ref_parse(&b, wanted, &ignored) < 0)
		return 0;
	tag = ref_reference(&b);
	/* Layouts often have a bare tag for a name. */
	if (!strpbrk(name, ":/"))
		return str_eq(name, tag) ? MATCH_TAG : 0;
	if (ref_parse(&a, name, &ignored) < 0 ||
	    !str_eq(ref_reference(&a), tag))
		return 0;
	if (!str_eq(a.repository, b.repository))
		return str_eq(last_part(a.repository),
			      last_part(b.repository)) ?
			       MATCH_LAST :
			       0;
	return str_eq(a.host, b.host) ? MATCH_FULL : MATCH_REPOSITORY;
}

static int pick_fail(const struct image_source *source, const char *what,
		     const char *reference, enum err_kind kind, struct err *err)
{
	autofree char *list = strs_join(&source->names, ", ");

	if (reference)
		err_set(err, kind, "'%s' %s '%s'", source->name, what,
			reference);
	else
		err_set(err, kind, "'%s' %s", source->name, what);
	if (source->names.nr > 0)
		return err_hint(err, "it has: %s", list);
	return -1;
}

int image_pick(const struct image_source *source, const char *reference,
	       size_t *entry, struct err *err)
{
	int best = 0;
	bool several = false;

	if (reference == NULL && source->only != SIZE_MAX) {
		*entry = source->only;
		return 0;
	}
	if (reference == NULL && source->nr_entries != 1)
		return pick_fail(source, "holds several images: name one", NULL,
				 ERR_INVALID, err);
	if (reference == NULL ||
	    (source->nr_entries == 1 && source->names.nr == 0)) {
		*entry = 0;
		return 0;
	}
	for (size_t i = 0; i < source->names.nr; i++) {
		int fits = match(source->names.item[i], reference);

		if (fits == 0 || fits < best)
			continue;
		several = fits == best && source->entry_of[i] != *entry;
		best = fits;
		*entry = source->entry_of[i];
	}
	if (best == 0)
		return pick_fail(source, "has no image", reference,
				 ERR_NOT_FOUND, err);
	if (several)
		return pick_fail(source, "has several images that may be",
				 reference, ERR_INVALID, err);
	return 0;
}

int image_check_size(const struct descriptor *descriptor, uint64_t size,
		     struct err *err)
{
	if (size == descriptor->size)
		return 0;
	return err_set(err, ERR_VERIFY,
		       "blob '%s' has %llu bytes instead of %llu",
		       descriptor->digest, (unsigned long long)size,
		       (unsigned long long)descriptor->size);
}

/* A file, or the parts of one. */
static bool is_there(const char *path)
{
	autofree char *first = volume_part_name(path, 0);

	return access(path, F_OK) == 0 || access(first, F_OK) == 0;
}

/* "PATH" or "PATH:TAG"; a path that is there wins, colons or not. */
static char *split_path(const char *text, const char **tag)
{
	*tag = NULL;
	if (is_there(text))
		return mem_strdup(text);
	for (const char *p = strchr(text, ':'); p; p = strchr(p + 1, ':')) {
		autofree char *path = mem_strndup(text, (size_t)(p - text));

		if (p[1] && is_there(path)) {
			*tag = p + 1;
			return mem_steal(&path);
		}
	}
	return mem_strdup(text);
}

static struct image_source *
open_transport(const char *spec, const struct image_source_options *options,
	       struct err *err)
{
	static const struct image_source_options none = { NULL };
	const char *rest, *tag;
	autofree char *path = NULL;

	if ((rest = str_after(spec, "docker://")))
		return image_registry_open(spec, rest,
					   options ? options : &none, err);
	if ((rest = str_after(spec, "dir:")))
		return image_dir_open(spec, rest, err);
	rest = strchr(spec, ':');
	path = split_path(rest ? rest + 1 : "", &tag);
	if (str_starts(spec, "oci:"))
		return image_oci_open(spec, path, false, tag, err);
	if (str_starts(spec, "oci-archive:"))
		return image_oci_open(spec, path, true, tag, err);
	if (str_starts(spec, "docker-archive:"))
		return image_docker_open(spec, path, tag, err);
	if (access(spec, F_OK) == 0) {
		err_set(err, ERR_USAGE, "'%s' does not say what it is", spec);
		err_hint(err, "write oci:DIR, oci-archive:FILE, "
			      "docker-archive:FILE, dir:DIR or docker://IMAGE");
		return NULL;
	}
	return image_registry_open(spec, spec, options ? options : &none, err);
}

struct image_source *
image_source_open(const char *spec, const struct image_source_options *options,
		  struct err *err)
{
	struct image_source *source = open_transport(spec, options, err);

	if (source == NULL)
		err_wrap(err, "open '%s'", spec);
	return source;
}

void image_source_free(struct image_source *source)
{
	if (source == NULL)
		return;
	free(source->name);
	strs_release(&source->names);
	free(source->entry_of);
	source->ops->free(source);
}

const char *image_source_name(const struct image_source *source)
{
	return source->name;
}

const struct strs *image_source_names(const struct image_source *source)
{
	return &source->names;
}

int image_source_manifest(struct image_source *source, const char *reference,
			  struct descriptor *descriptor, char **bytes,
			  struct err *err)
{
	if (source->ops->manifest(source, reference, descriptor, bytes, err) <
	    0)
		return -1;
	if (reference == NULL || !str_starts(reference, "sha256:") ||
	    str_eq(reference, descriptor->digest))
		return 0;
	err_set(err, ERR_VERIFY,
		"manifest '%s' in '%s' is corrupt: its digest is '%s'",
		reference, source->name, descriptor->digest);
	descriptor_release(descriptor);
	free(mem_steal(bytes));
	return -1;
}

void image_source_cancel_by(struct image_source *source,
			    bool (*cancelled)(void *ctx), void *ctx)
{
	source->cancelled = cancelled;
	source->cancel_ctx = ctx;
}

struct image_blob *image_source_blob(struct image_source *source,
				     const struct descriptor *descriptor,
				     struct err *err)
{
	struct image_blob *blob = mem_alloc(sizeof(*blob));

	blob->from = source;
	blob->fd = -1;
	/* It becomes part of a path. */
	if (digest_check(descriptor->digest, err) < 0 ||
	    source->ops->open(source, descriptor, blob, err) < 0) {
		image_blob_close(blob);
		return NULL;
	}
	return blob;
}

struct source *image_blob_source(struct image_blob *blob)
{
	return blob->source;
}

bool image_blob_seek(struct image_blob *blob, uint64_t offset)
{
	struct source_volume *part = &blob->part;

	if (blob->source != &part->source || offset > part->left)
		return false;
	part->offset += offset;
	part->left -= offset;
	return true;
}

void image_blob_close(struct image_blob *blob)
{
	if (blob == NULL)
		return;
	blob->from->ops->close(blob->from, blob);
	free(blob);
}
