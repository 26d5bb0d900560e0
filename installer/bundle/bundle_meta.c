#include "bundle/bundle_meta.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "format/ref.h"
#include "format/tar_header.h"

static int wrong(struct err *err, const char *where, const char *member,
		 const char *why)
{
	return err_set(err, ERR_INVALID, "%s%s%s %s", where, *where ? "." : "",
		       member, why);
}

/* Nothing that a terminal or an HTTP header would obey. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			return false;
	return true;
}

static int may_text(const char **text, const struct jval *object,
		    const char *where, const char *member, struct err *err)
{
	const struct jval *value = jval_get(object, member);

	*text = jval_string(value);
	if (value && !jval_is_null(value) && *text == NULL)
		return wrong(err, where, member, "is no text");
	if (*text && !is_plain(*text))
		return wrong(err, where, member, "has control characters");
	return 0;
}

static int need_text(const char **text, const struct jval *object,
		     const char *where, const char *member, struct err *err)
{
	if (may_text(text, object, where, member, err) < 0)
		return -1;
	return str_empty(*text) ? wrong(err, where, member, "is missing") : 0;
}

static int need_digest(const char **digest, const struct jval *object,
		       const char *where, struct err *err)
{
	if (need_text(digest, object, where, "digest", err) < 0)
		return -1;
	return digest_check(*digest, err) < 0 ? err_wrap(err, "%s", where) : 0;
}

static int need_size(uint64_t *size, const struct jval *object,
		     const char *where, struct err *err)
{
	const struct jval *value = jval_get(object, "size");

	if (!jval_is_int(value) || jval_integer(value) < 0)
		return wrong(err, where, "size", "is no number of bytes");
	*size = (uint64_t)jval_integer(value);
	return 0;
}

/* A list that may be left out. */
static int may_list(const struct jval **list, const struct jval *object,
		    const char *where, const char *member, struct err *err)
{
	*list = jval_get(object, member);
	if (*list && !jval_is_array(*list))
		return wrong(err, where, member, "is no list");
	return 0;
}

/* Nothing that leads elsewhere. */
static bool path_is_clean(const char *path)
{
	auto_strs struct strs parts = STRS_INIT;
	autofree char *again = NULL;

	if (strchr(path, '\\'))
		return false;
	strs_split(&parts, path, '/');
	if (strs_has(&parts, ".") || strs_has(&parts, "..") || parts.nr == 0)
		return false;
	/* Empty parts were left out. */
	again = strs_join(&parts, "/");
	return str_eq(again, path);
}

static int check_path(const struct bundle_file *file, const char *where,
		      struct err *err)
{
	const char *hex = str_after(file->path, "blobs/");

	if (!path_is_clean(file->path))
		return wrong(err, where, "path",
			     "is no plain path below the top");
	if (str_eq(file->path, "bundle.json") ||
	    str_eq(file->path, "bundle.json.sig"))
		return wrong(err, where, "path", "is one that is taken");
	if (hex == NULL)
		return 0;
	hex = str_after(hex, "sha256/");
	/* Blobs are found by what their path says. */
	return str_eq(hex, digest_hex(file->digest)) ?
		       0 :
		       wrong(err, where, "path",
			     "is that of another blob than its digest");
}

/* How far an archive may go: offsets in files are signed. */
#define MAX_TOTAL ((uint64_t)INT64_MAX / 2)

static int add_size(uint64_t *at, uint64_t size, struct err *err)
{
	if (size > MAX_TOTAL || *at + tar_padded(size) > MAX_TOTAL)
		return err_set(err, ERR_INVALID,
			       "sizes add up to more than a file can hold");
	*at += tar_padded(size);
	return 0;
}

static int parse_file(struct bundle_file *file, const struct jval *value,
		      const char *where, uint64_t *at, struct err *err)
{
	if (need_text(&file->path, value, where, "path", err) < 0 ||
	    need_size(&file->size, value, where, err) < 0 ||
	    need_digest(&file->digest, value, where, err) < 0 ||
	    check_path(file, where, err) < 0)
		return -1;
	*at += TAR_HEADER_SIZE;
	file->offset = *at;
	return add_size(at, file->size, err) < 0 ? err_wrap(err, "%s", where) :
						   0;
}

static int compare_paths(const void *a, const void *b)
{
	const struct bundle_file *const *x = a, *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

static int sort_files(struct bundle_meta *meta, struct err *err)
{
	const struct bundle_file **by_path;

	by_path = mem_array(meta->nr_files, sizeof(*by_path));
	meta->by_path = by_path;
	for (size_t i = 0; i < meta->nr_files; i++)
		by_path[i] = &meta->file[i];
	if (meta->nr_files > 0)
		qsort(by_path, meta->nr_files, sizeof(*by_path), compare_paths);
	for (size_t i = 1; i < meta->nr_files; i++)
		if (str_eq(by_path[i - 1]->path, by_path[i]->path))
			return err_set(err, ERR_INVALID, "files has '%s' twice",
				       by_path[i]->path);
	return 0;
}

static int parse_files(struct bundle_meta *meta, struct err *err)
{
	const struct jval *list = jval_get(meta->root, "files");
	uint64_t at = TAR_HEADER_SIZE + tar_padded(meta->json_len);

	if (!jval_is_array(list))
		return wrong(err, "", "files", "is no list");
	meta->sig_offset = at;
	at += 2 * TAR_HEADER_SIZE;
	meta->nr_files = jval_len(list);
	meta->file = mem_array(meta->nr_files, sizeof(*meta->file));
	for (size_t i = 0; i < meta->nr_files; i++) {
		autofree char *where = mem_printf("files[%zu]", i);

		if (parse_file(&meta->file[i], jval_at(list, i), where, &at,
			       err) < 0)
			return -1;
	}
	meta->total = at + TAR_END_SIZE;
	return sort_files(meta, err);
}

static int need_blob(const struct bundle_meta *meta, const char *digest,
		     const char *where, struct err *err)
{
	autofree char *path = mem_printf("blobs/sha256/%s", digest_hex(digest));

	if (bundle_meta_file(meta, path))
		return 0;
	return err_set(err, ERR_INVALID,
		       "%s: its manifest '%s' is not among the files", where,
		       digest);
}

/* They become part of a reference in a registry. */
static int check_name(const char *name, const char *tag, const char *where,
		      struct err *err)
{
	autofree char *text = mem_printf("registry.local/%s:%s", name, tag);
	autoref struct ref ref = { 0 };

	if (ref_parse(&ref, text, err) < 0)
		return err_wrap(err, "%s", where);
	if (!str_eq(ref.repository, name) || !str_eq(ref.tag, tag))
		return wrong(err, where, "name",
			     "or tag is more than a name or a tag");
	return 0;
}

static int parse_artifact(const struct bundle_meta *meta,
			  struct bundle_artifact *artifact,
			  const struct jval *value, const char *where,
			  struct err *err)
{
	if (may_text(&artifact->tag, value, where, "tag", err) < 0 ||
	    need_digest(&artifact->digest, value, where, err) < 0 ||
	    need_text(&artifact->media_type, value, where, "mediaType", err) <
		    0 ||
	    may_text(&artifact->artifact_type, value, where, "artifactType",
		     err) < 0)
		return -1;
	if (artifact->tag && check_name("x", artifact->tag, where, err) < 0)
		return -1;
	return need_blob(meta, artifact->digest, where, err);
}

static int parse_artifacts(const struct bundle_meta *meta,
			   struct bundle_image *image, const struct jval *value,
			   const char *where, struct err *err)
{
	const struct jval *list;

	if (may_list(&list, value, where, "artifacts", err) < 0)
		return -1;
	image->nr_artifacts = jval_len(list);
	image->artifact =
		mem_array(image->nr_artifacts, sizeof(*image->artifact));
	for (size_t i = 0; i < image->nr_artifacts; i++) {
		autofree char *which =
			mem_printf("%s.artifacts[%zu]", where, i);

		if (parse_artifact(meta, &image->artifact[i], jval_at(list, i),
				   which, err) < 0)
			return -1;
	}
	return 0;
}

static int parse_image(const struct bundle_meta *meta,
		       struct bundle_image *image, const struct jval *value,
		       const char *where, struct err *err)
{
	if (need_text(&image->name, value, where, "name", err) < 0 ||
	    need_text(&image->repository, value, where, "repository", err) <
		    0 ||
	    need_text(&image->tag, value, where, "tag", err) < 0 ||
	    need_digest(&image->digest, value, where, err) < 0 ||
	    need_text(&image->media_type, value, where, "mediaType", err) < 0 ||
	    may_text(&image->source, value, where, "source", err) < 0 ||
	    check_name(image->name, image->tag, where, err) < 0 ||
	    need_blob(meta, image->digest, where, err) < 0)
		return -1;
	return parse_artifacts(meta, image, value, where, err);
}

static int parse_images(const struct bundle_meta *meta,
			struct bundle_release *release,
			const struct jval *value, const char *where,
			struct err *err)
{
	const struct jval *list;

	if (may_list(&list, value, where, "images", err) < 0)
		return -1;
	release->nr_images = jval_len(list);
	release->image = mem_array(release->nr_images, sizeof(*release->image));
	for (size_t i = 0; i < release->nr_images; i++) {
		autofree char *which = mem_printf("%s.images[%zu]", where, i);

		if (parse_image(meta, &release->image[i], jval_at(list, i),
				which, err) < 0)
			return -1;
	}
	return 0;
}

#define WORD                         \
	"abcdefghijklmnopqrstuvwxyz" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789.-+_"

static int parse_release(const struct bundle_meta *meta,
			 struct bundle_release *release,
			 const struct jval *value, const char *where,
			 struct err *err)
{
	if (need_text(&release->version, value, where, "version", err) < 0 ||
	    need_text(&release->manifests, value, where, "manifests", err) <
		    0 ||
	    need_text(&release->storage_version, value, where, "storageVersion",
		      err) < 0 ||
	    need_text(&release->workload_manager_role, value, where,
		      "workloadManagerRole", err) < 0)
		return -1;
	if (release->version[strspn(release->version, WORD)] ||
	    *release->version == '.')
		return wrong(err, where, "version", "is no version");
	release->source = jval_get(value, "source");
	if (bundle_meta_file(meta, release->manifests) == NULL)
		return err_set(err, ERR_INVALID,
			       "%s: '%s' is not among the files", where,
			       release->manifests);
	for (const struct bundle_release *other = meta->release;
	     other < release; other++)
		if (str_eq(other->version, release->version))
			return err_set(err, ERR_INVALID,
				       "releases has '%s' twice",
				       release->version);
	return parse_images(meta, release, value, where, err);
}

static int parse_releases(struct bundle_meta *meta, struct err *err)
{
	const struct jval *list;

	if (may_list(&list, meta->root, "", "releases", err) < 0)
		return -1;
	if (jval_len(list) == 0)
		return wrong(err, "", "releases", "are none");
	meta->nr_releases = jval_len(list);
	meta->release = mem_array(meta->nr_releases, sizeof(*meta->release));
	for (size_t i = 0; i < meta->nr_releases; i++) {
		autofree char *where = mem_printf("releases[%zu]", i);

		if (parse_release(meta, &meta->release[i], jval_at(list, i),
				  where, err) < 0)
			return -1;
	}
	return 0;
}

static int parse_executable(struct bundle_meta *meta, struct err *err)
{
	const struct jval *value = jval_get(meta->root, "executable");

	if (value == NULL || jval_is_null(value))
		return 0;
	if (need_size(&meta->executable_size, value, "executable", err) < 0)
		return -1;
	return need_digest(&meta->executable_digest, value, "executable", err);
}

static int parse_created(struct bundle_meta *meta, struct err *err)
{
	time_t created;

	if (need_text(&meta->created, meta->root, "", "created", err) < 0)
		return -1;
	if (clock_parse_rfc3339(meta->created, &created, err) < 0)
		return err_wrap(err, "created");
	if (created < 0)
		return wrong(err, "", "created", "lies before 1970");
	meta->created_s = created;
	return 0;
}

static int parse_platforms(struct bundle_meta *meta, struct err *err)
{
	const struct jval *list;

	if (may_list(&list, meta->root, "", "platforms", err) < 0)
		return -1;
	for (size_t i = 0; i < jval_len(list); i++) {
		const char *platform = jval_string(jval_at(list, i));

		if (platform == NULL || !is_plain(platform))
			return wrong(err, "", "platforms",
				     "has what is no platform");
		strs_add(&meta->platforms, platform);
	}
	return 0;
}

static int check_format(const struct bundle_meta *meta, struct err *err)
{
	const char *format;

	if (need_text(&format, meta->root, "", "format", err) < 0)
		return -1;
	if (str_eq(format, BUNDLE_FORMAT))
		return 0;
	err_set(err, ERR_INVALID, "its format is '%s', not '%s'", format,
		BUNDLE_FORMAT);
	return err_hint(err, "a newer dws-csm may know it");
}

int bundle_meta_parse(struct bundle_meta *meta, const char *text, size_t len,
		      struct err *err)
{
	memset(meta, 0, sizeof(*meta));
	meta->json_len = len;
	if (len > BUNDLE_META_MAX_BYTES)
		return err_set(err, ERR_INVALID,
			       "'bundle.json' is longer than %zu bytes",
			       BUNDLE_META_MAX_BYTES);
	meta->root = jval_parse(text, len, err);
	if (meta->root == NULL || check_format(meta, err) < 0 ||
	    parse_created(meta, err) < 0 || parse_platforms(meta, err) < 0 ||
	    parse_executable(meta, err) < 0 || parse_files(meta, err) < 0 ||
	    parse_releases(meta, err) < 0) {
		bundle_meta_release(meta);
		return err_wrap(err, "'bundle.json'");
	}
	return 0;
}

void bundle_meta_release(struct bundle_meta *meta)
{
	for (size_t i = 0; i < meta->nr_releases; i++) {
		struct bundle_release *release = &meta->release[i];

		for (size_t k = 0; k < release->nr_images; k++)
			free(release->image[k].artifact);
		free(release->image);
	}
	free(meta->release);
	free(meta->file);
	free(meta->by_path);
	strs_release(&meta->platforms);
	jval_free(meta->root);
	memset(meta, 0, sizeof(*meta));
}

char *bundle_meta_text(const struct jval *root, size_t *len)
{
	autofree char *text = jval_text(root, true);
	char *line = mem_printf("%s\n", text);

	*len = strlen(line);
	return line;
}

const struct bundle_file *bundle_meta_file(const struct bundle_meta *meta,
					   const char *path)
{
	const struct bundle_file key = { .path = path };
	const struct bundle_file *wanted = &key, **found;

	if (meta->nr_files == 0)
		return NULL;
	found = bsearch(&wanted, meta->by_path, meta->nr_files,
			sizeof(const struct bundle_file *), compare_paths);
	return found ? *found : NULL;
}
