#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "bundle/bundle_create_part.h"
#include "format/yaml.h"

/* Source: rpm file format, "The lead". */
static const unsigned char rpm_magic[] = { 0xed, 0xab, 0xee, 0xdb };

/* Takes `path`. NULL when it is there already. */
static struct create_file *add_file(struct create *self, char *path)
{
	struct create_file *file;

	for (size_t i = 0; i < self->nr_files; i++)
		if (str_eq(self->file[i].path, path)) {
			free(path);
			return NULL;
		}
	self->file =
		mem_resize(self->file, self->nr_files + 1, sizeof(*self->file));
	file = &self->file[self->nr_files++];
	memset(file, 0, sizeof(*file));
	file->path = path;
	return file;
}

/* `text` is borrowed. */
static struct create_file *add_text(struct create *self, char *path,
				    const char *text, size_t len)
{
	struct create_file *file = add_file(self, path);

	if (file) {
		file->text = text;
		file->size = len;
		digest_of(text, len, file->digest);
	}
	return file;
}

/* Likewise, but takes it. */
static void add_own(struct create *self, const char *path, char *text,
		    size_t len)
{
	struct create_file *file = add_text(self, mem_strdup(path), text, len);

	if (file)
		file->own = text;
	else
		free(text);
}

static char *blob_path(const char *digest)
{
	return mem_printf("blobs/sha256/%s", digest_hex(digest));
}

/* --- index.json ----------------------------------------------------------- */

static void add_entry(struct jval *list, const struct descriptor *root,
		      const char *name, const char *artifact_type)
{
	autojval struct jval *entry = jval_new_object();
	struct jval *notes;

	jval_set_str(entry, "mediaType", root->media_type);
	jval_set_str(entry, "digest", root->digest);
	jval_set(entry, "size", jval_new_int((int64_t)root->size));
	if (artifact_type)
		jval_set_str(entry, "artifactType", artifact_type);
	if (name) {
		notes = jval_new_object();
		jval_set(notes, "org.opencontainers.image.ref.name",
			 jval_new_str(name));
		jval_set(entry, "annotations", notes);
	}
	for (size_t i = 0; i < jval_len(list); i++)
		if (jval_equal(jval_at(list, i), entry))
			return;
	jval_append(list, mem_steal(&entry));
}

/* One name for two images would make one of them unreachable. Of entries of
 * one name the first is the image. */
static int check_entry(const struct jval *list, const struct copy_image *image,
		       const char *name, struct err *err)
{
	const char *digest = copy_root(image)->descriptor.digest;

	for (size_t i = 0; i < jval_len(list); i++) {
		const struct jval *entry = jval_at(list, i);
		const char *other = jval_string(
			jval_get(jval_get(entry, "annotations"),
				 "org.opencontainers.image.ref.name"));

		if (!str_eq(other, name))
			continue;
		if (str_eq(jval_str(entry, "digest"), digest))
			return 0;
		return err_set(err, ERR_INVALID,
			       "two releases mean different images by '%s': "
			       "'%s' and '%s'",
			       name, jval_str(entry, "digest"), digest);
	}
	return 0;
}

/* What an OCI index says of an image of Docker's media types: a list's own
 * entries, or the one manifest. */
static struct jval *docker_parts(const struct create_image *image,
				 const struct copy_manifest *root)
{
	struct err ignored = ERR_INIT;
	autojval struct jval *manifest = jval_parse(
		root->bytes, (size_t)root->descriptor.size, &ignored);
	struct jval *parts, *entry;

	if (str_eq(root->descriptor.media_type, MEDIA_DOCKER_LIST))
		return jval_ref(jval_get(manifest, "manifests"));
	parts = jval_new_array();
	add_entry(parts, &root->descriptor, NULL, NULL);
	entry = jval_at(parts, 0);
	if (image->platform)
		jval_set(entry, "platform", jval_ref(image->platform));
	return parts;
}

/*
 * Tools of containers/image look in a layout for names of OCI manifests and
 * indexes only. So an image of Docker's media types, which is never converted,
 * also gets an index around it of the same name. It comes second: whoever
 * knows both forms takes the image itself.
 */
static void add_wrapper(struct create *self, struct jval *list,
			const struct create_image *image, const char *name)
{
	const struct copy_manifest *root =
		copy_root(&self->copy.image[image->copy]);
	auto_descriptor struct descriptor wrapper = { 0 };
	autojval struct jval *index = NULL;
	autofree char *text = NULL;

	if (!str_eq(root->descriptor.media_type, MEDIA_DOCKER_MANIFEST) &&
	    !str_eq(root->descriptor.media_type, MEDIA_DOCKER_LIST))
		return;
	index = jval_pack("{s:i, s:s, s:o}", "schemaVersion", 2, "mediaType",
			  MEDIA_OCI_INDEX, "manifests",
			  docker_parts(image, root));
	text = jval_text(index, true);
	descriptor_of(&wrapper, MEDIA_OCI_INDEX, text, strlen(text));
	add_entry(list, &wrapper, name, NULL);
	strs_add(&self->wrappers, text);
}

static int add_image_entries(struct create *self, struct jval *list,
			     const struct release_image *named,
			     const struct create_image *image, struct err *err)
{
	const struct copy_image *copy = &self->copy.image[image->copy];
	autofree char *name =
		mem_printf("registry.local/%s:%s", named->name, named->tag);

	if (check_entry(list, copy, name, err) < 0)
		return -1;
	add_entry(list, &copy_root(copy)->descriptor, name, NULL);
	add_wrapper(self, list, image, name);
	for (size_t i = 0; i < image->artifacts.nr; i++) {
		const struct artifact *item = &image->artifacts.item[i];
		const struct copy_image *artifact =
			&self->copy.image[image->artifact_copy[i]];
		autofree char *tagged =
			item->tag ? mem_printf("registry.local/%s:%s",
					       named->name, item->tag) :
				    NULL;

		add_entry(list, &copy_root(artifact)->descriptor, tagged,
			  item->tag ? NULL : item->artifact_type);
	}
	return 0;
}

static int add_index(struct create *self, struct err *err)
{
	autojval struct jval *list = jval_new_array();
	autojval struct jval *index = NULL;
	char *text;

	for (size_t i = 0; i < self->options->nr_inputs; i++) {
		const struct release *release = self->options->input[i].release;

		for (size_t k = 0; k < release->nr_images; k++)
			if (add_image_entries(self, list, &release->image[k],
					      create_image_at(self, i, k),
					      err) < 0)
				return -1;
	}
	index = jval_pack("{s:i, s:s, s:O}", "schemaVersion", 2, "mediaType",
			  MEDIA_OCI_INDEX, "manifests", list);
	text = jval_text(index, false);
	add_own(self, "index.json", text, strlen(text));
	return 0;
}

/* --- manifests of the releases, documents, RPMs --------------------------- */

static int add_manifests(struct create *self, const struct bundle_input *input,
			 struct err *err)
{
	autofree char *path =
		mem_printf("manifests/%s.yaml", input->release->version);
	struct buf yaml = BUF_INIT(BUF_TEXT_MAX);

	for (size_t i = 0; i < self->nr_files; i++)
		if (str_eq(self->file[i].path, path))
			return err_set(err, ERR_USAGE,
				       "two releases are called '%s': name one "
				       "of them with --version",
				       input->release->version);
	for (size_t i = 0; i < jval_len(input->objects); i++) {
		buf_addstr(&yaml, "---\n");
		yaml_dump(&yaml, jval_at(input->objects, i));
	}
	if (buf_check(&yaml, path, err) < 0) {
		buf_release(&yaml);
		return -1;
	}
	add_own(self, path, yaml.data ? yaml.data : mem_strdup(""), yaml.len);
	return 0;
}

static int hash_file(int fd, const char *path, struct create_file *file,
		     struct err *err)
{
	struct source_file source;

	source_file_init(&source, fd, 0, file->size);
	if (source_digest(&source.source, file->digest, err) < 0)
		return err_wrap(err, "read '%s'", path);
	return 0;
}

static int check_rpm(int fd, const char *path, struct err *err)
{
	unsigned char lead[sizeof(rpm_magic)];

	if (pread(fd, lead, sizeof(lead), 0) == (ssize_t)sizeof(lead) &&
	    memcmp(lead, rpm_magic, sizeof(lead)) == 0)
		return 0;
	return err_set(err, ERR_INVALID, "'%s' is no RPM package", path);
}

/* `folder`/NAME, as the file is called. */
static int add_outside(struct create *self, const char *folder,
		       const char *path, bool rpm, struct err *err)
{
	struct stat st;
	autoclose int fd = file_open_regular(AT_FDCWD, path, &st, err);
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	struct create_file *file;

	if (fd < 0)
		return -1;
	file = add_file(self, mem_printf("%s/%s", folder, name));
	if (file == NULL)
		return err_set(err, ERR_USAGE,
			       "two files are called '%s': '%s' is one of them",
			       name, path);
	file->from = path;
	file->size = (uint64_t)st.st_size;
	if (hash_file(fd, path, file, err) < 0)
		return -1;
	return rpm ? check_rpm(fd, path, err) : 0;
}

/* In order of their names, not in that of the command line. */
static int compare_files(const void *a, const void *b)
{
	const struct create_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void sort_from(struct create *self, size_t first)
{
	if (self->nr_files > first)
		qsort(&self->file[first], self->nr_files - first,
		      sizeof(*self->file), compare_files);
}

static int add_all_outside(struct create *self, const char *folder,
			   const struct strs *paths, bool rpm, struct err *err)
{
	size_t first = self->nr_files;

	for (size_t i = 0; paths && i < paths->nr; i++)
		if (add_outside(self, folder, paths->item[i], rpm, err) < 0)
			return -1;
	sort_from(self, first);
	return 0;
}

/* --- blobs ---------------------------------------------------------------- */

static void add_manifest_blobs(struct create *self)
{
	size_t first = self->nr_files;

	for (size_t i = 0; i < self->copy.nr_images; i++) {
		const struct copy_image *image = &self->copy.image[i];

		for (size_t k = 0; k < image->nr_manifests; k++) {
			const struct copy_manifest *manifest =
				&image->manifest[k];

			add_text(self, blob_path(manifest->descriptor.digest),
				 manifest->bytes,
				 (size_t)manifest->descriptor.size);
		}
	}
	for (size_t i = 0; i < self->wrappers.nr; i++) {
		const char *text = self->wrappers.item[i];
		char digest[DIGEST_SIZE];

		digest_of(text, strlen(text), digest);
		add_text(self, blob_path(digest), text, strlen(text));
	}
	sort_from(self, first);
}

static int add_blobs(struct create *self, struct err *err)
{
	size_t first = self->nr_files;

	for (size_t i = 0; i < self->copy.nr_blobs; i++) {
		const struct copy_blob *blob = &self->copy.blob[i];
		struct create_file *file =
			add_file(self, blob_path(blob->descriptor.digest));

		/* A manifest that calls another manifest its layer. */
		if (file == NULL)
			continue;
		if (digest_check(blob->descriptor.digest, err) < 0)
			return -1;
		memcpy(file->digest, blob->descriptor.digest,
		       sizeof(file->digest) - 1);
		file->size = blob->descriptor.size;
		file->blob = blob;
	}
	sort_from(self, first);
	return 0;
}

/* What is small comes first, so that the first of several parts says what the
 * others hold. */
int create_list_files(struct create *self, struct err *err)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

	add_text(self, mem_strdup("oci-layout"), layout, strlen(layout));
	if (add_index(self, err) < 0)
		return -1;
	for (size_t i = 0; i < self->options->nr_inputs; i++)
		if (add_manifests(self, &self->options->input[i], err) < 0)
			return -1;
	if (add_all_outside(self, "docs", self->options->docs, false, err) <
		    0 ||
	    add_all_outside(self, "rpms", self->options->rpms, true, err) < 0)
		return -1;
	add_manifest_blobs(self);
	return add_blobs(self, err);
}
