#include "bundle/source_release.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "bundle/pod_images.h"
#include "bundle/source_tree.h"
#include "format/ref.h"
#include "format/yaml.h"
#include "kube/object.h"

#define MANIFESTS_MAX_BYTES ((size_t)64 << 20)
#define WORKFLOWS "workflows.dataworkflowservices.github.io"

static const char *keep(struct source_release *self, char *text)
{
	strs_take(&self->store, text);
	return text;
}

/* --- what the objects say ------------------------------------------------- */

static const struct jval *find_object(const struct source_release *self,
				      const char *kind, const char *name)
{
	for (size_t i = 0; i < jval_len(self->objects); i++) {
		const struct jval *object = jval_at(self->objects, i);

		if (str_eq(object_kind(object), kind) &&
		    str_eq(jval_str(object, "metadata.name"), name))
			return object;
	}
	return NULL;
}

static int read_storage_version(struct source_release *self, struct err *err)
{
	const struct jval *crd =
		find_object(self, "CustomResourceDefinition", WORKFLOWS);
	const struct jval *versions = jval_path(crd, "spec.versions");

	for (size_t i = 0; i < jval_len(versions); i++)
		if (jval_bool(jval_at(versions, i), "storage", false))
			self->release.storage_version =
				jval_str(jval_at(versions, i), "name");
	if (self->release.storage_version)
		return 0;
	return err_set(
		err, ERR_INVALID,
		"there is no CRD '" WORKFLOWS
		"' with a storage version among the objects: is it DWS?");
}

static int read_role(struct source_release *self, struct err *err)
{
	static const char *const names[] = { "dws-workload-manager",
					     "workload-manager" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (find_object(self, "ClusterRole", names[i])) {
			self->release.workload_manager_role = names[i];
			return 0;
		}
	return err_set(err, ERR_INVALID,
		       "there is no ClusterRole 'dws-workload-manager' or "
		       "'workload-manager' among the objects; upstream has it "
		       "in config/rbac/workload_manager_role.yaml");
}

static int check_objects(const struct source_release *self, struct err *err)
{
	for (size_t i = 0; i < jval_len(self->objects); i++) {
		const struct jval *object = jval_at(self->objects, i);

		if (jval_str(object, "apiVersion") == NULL ||
		    jval_str(object, "kind") == NULL ||
		    jval_str(object, "metadata.name") == NULL)
			return err_set(err, ERR_INVALID,
				       "document %zu is no Kubernetes object: "
				       "it lacks apiVersion, kind or "
				       "metadata.name",
				       i + 1);
	}
	return 0;
}

/* --- images --------------------------------------------------------------- */

struct naming {
	struct source_release *self;
	const struct release *like;
	const char *dws_tag; /* in the objects */
	struct err *err;
	bool failed;
};

static const char *short_name(const struct ref *ref)
{
	const char *slash = strrchr(ref->repository, '/');

	return slash ? slash + 1 : ref->repository;
}

static const struct release_image *find_image(const struct release *release,
					      const char *name)
{
	for (size_t i = 0; i < release->nr_images; i++)
		if (str_eq(release->image[i].name, name))
			return &release->image[i];
	return NULL;
}

static char *note_dws_tag(void *ctx, const char *image)
{
	struct naming *naming = ctx;
	struct err ignored = ERR_INIT;
	autoref struct ref ref = { 0 };

	if (ref_parse(&ref, image, &ignored) == 0 && ref.tag &&
	    str_eq(short_name(&ref), "dws"))
		naming->dws_tag = keep(naming->self, mem_strdup(ref.tag));
	return NULL;
}

/* Upstream's tree says "latest" where its Makefile puts the version in. */
static const char *image_tag(const struct naming *naming, const struct ref *ref)
{
	if (str_eq(short_name(ref), "dws") &&
	    (ref->tag == NULL || str_eq(ref->tag, "latest")))
		return naming->self->release.version;
	return ref->tag ? ref->tag : "latest";
}

static void add_source(struct release_image *image, char *source)
{
	if (strs_has(&image->sources, source))
		free(source);
	else
		strs_take(&image->sources, source);
}

static void add_sources(struct release_image *image, const struct ref *ref,
			const struct release_image *like)
{
	/* The site's registry is none of upstream's. */
	if (!str_eq(ref->host, "registry.local"))
		add_source(image, mem_printf("%s/%s:%s", ref->host,
					     ref->repository, image->tag));
	for (size_t i = 0; like && i < like->sources.nr; i++) {
		autoref struct ref other = { 0 };
		struct err ignored = ERR_INIT;

		if (ref_parse(&other, like->sources.item[i], &ignored) == 0)
			add_source(image,
				   mem_printf("%s/%s:%s", other.host,
					      other.repository, image->tag));
	}
}

static struct release_image *add_image(struct naming *naming,
				       const struct ref *ref)
{
	struct source_release *self = naming->self;
	struct release *release = &self->release;
	const struct release_image *like =
		find_image(naming->like, short_name(ref));
	struct release_image *image;

	release->image = mem_resize(release->image, release->nr_images + 1,
				    sizeof(*release->image));
	image = &release->image[release->nr_images++];
	memset(image, 0, sizeof(*image));
	image->name = keep(self, mem_strdup(short_name(ref)));
	image->tag = keep(self, mem_strdup(image_tag(naming, ref)));
	image->repository = like ? like->repository :
				   keep(self, mem_printf("%s/%s", ref->host,
							 ref->repository));
	add_sources(image, ref, like);
	return image;
}

static int name_image(struct naming *naming, const struct ref *ref,
		      const char *text, char **name)
{
	const struct release_image *image =
		find_image(&naming->self->release, short_name(ref));

	if (ref->digest)
		return err_set(naming->err, ERR_INVALID,
			       "image '%s' is named by digest: a bundle needs "
			       "tags",
			       text);
	if (image == NULL)
		image = add_image(naming, ref);
	else if (!str_eq(image->tag, image_tag(naming, ref)))
		return err_set(naming->err, ERR_INVALID,
			       "there are two images '%s', of tags '%s' and "
			       "'%s'",
			       image->name, image->tag, image_tag(naming, ref));
	*name = mem_printf("%s:%s", image->repository, image->tag);
	return 0;
}

static char *rename_image(void *ctx, const char *text)
{
	struct naming *naming = ctx;
	autoref struct ref ref = { 0 };
	char *name = NULL;

	if (naming->failed)
		return NULL;
	naming->failed = ref_parse(&ref, text, naming->err) < 0 ||
			 name_image(naming, &ref, text, &name) < 0;
	return name;
}

static int compare_images(const void *a, const void *b)
{
	const struct release_image *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int name_images(struct naming *naming)
{
	struct source_release *self = naming->self;
	struct release *release = &self->release;

	for (size_t i = 0; i < jval_len(self->objects); i++)
		pod_images_change(jval_at(self->objects, i), rename_image,
				  naming);
	if (release->nr_images > 1)
		qsort(release->image, release->nr_images,
		      sizeof(*release->image), compare_images);
	return naming->failed ? -1 : 0;
}

/* --- version and provenance ----------------------------------------------- */

/* "v0.1.17" is release 0.1.17: tags of commits and of images differ. */
static char *plain_version(const char *text)
{
	const char *rest = str_after(text, "v");

	return mem_strdup(rest && *rest >= '0' && *rest <= '9' ? rest : text);
}

static int name_release(struct naming *naming, const char *version,
			const char *described, const char *path)
{
	struct source_release *self = naming->self;

	for (size_t i = 0; i < jval_len(self->objects); i++)
		pod_images_change(jval_at(self->objects, i), note_dws_tag,
				  naming);
	if (version == NULL)
		version = described;
	if (version == NULL && !str_eq(naming->dws_tag, "latest"))
		version = naming->dws_tag;
	if (version == NULL)
		return err_set(naming->err, ERR_USAGE,
			       "'%s' does not say which version it is: name it "
			       "with --version",
			       path);
	self->release.version = keep(self, plain_version(version));
	return 0;
}

/* Of a file its own digest, of a tree that of what it is rendered to. */
static int digest_file(const char *path, char *digest, struct err *err)
{
	struct stat st;
	autoclose int fd = file_open_regular(AT_FDCWD, path, &st, err);
	struct source_file source;

	if (fd < 0)
		return -1;
	source_file_init(&source, fd, 0, (uint64_t)st.st_size);
	return source_digest(&source.source, digest, err);
}

static void digest_objects(const struct source_release *self, char *digest)
{
	autofree char *text = jval_text(self->objects, true);

	digest_of(text, strlen(text), digest);
}

static int tell_source(struct source_release *self,
		       const struct source_release_options *options,
		       const char *commit, struct err *err)
{
	const char *slash = strrchr(options->path, '/');
	const char *name = slash && slash[1] ? slash + 1 : options->path;
	char digest[DIGEST_SIZE];
	struct stat st;

	if (stat(options->path, &st) == 0 && S_ISDIR(st.st_mode))
		digest_objects(self, digest);
	else if (digest_file(options->path, digest, err) < 0)
		return -1;
	self->source = jval_new_object();
	jval_set_str(self->source, "type",
		     options->rendered ? "manifests" : "source");
	/* A directory's name is this host's affair. */
	if (!stat(options->path, &st) && !S_ISDIR(st.st_mode))
		jval_set_str(self->source, "name", name);
	jval_set_str(self->source, "digest", digest);
	if (commit)
		jval_set_str(self->source, "commit", commit);
	return 0;
}

/* --- loading -------------------------------------------------------------- */

static struct jval *read_manifests(const char *path, struct err *err)
{
	autofree char *text = NULL;
	struct jval *objects;
	size_t len;

	if (file_read(AT_FDCWD, path, MANIFESTS_MAX_BYTES, &text, &len, err) <
	    0)
		return NULL;
	objects = yaml_parse_all(text, len, err);
	if (objects == NULL)
		err_wrap(err, "'%s'", path);
	return objects;
}

static int load(struct source_release *self,
		const struct source_release_options *options, struct err *err)
{
	auto_source_tree struct source_tree tree = { 0 };
	struct naming naming = { .self = self,
				 .like = options->like,
				 .err = err };
	autofree char *commit = NULL;
	autofree char *described = NULL;

	if (options->rendered) {
		self->objects = read_manifests(options->path, err);
	} else {
		if (source_tree_open(&tree, options->path, err) < 0)
			return -1;
		commit = source_tree_commit(&tree);
		described = source_tree_version(&tree);
		self->objects = source_tree_render(&tree, err);
	}
	if (self->objects == NULL)
		return -1;
	/* Before the images are called something else. */
	if (tell_source(self, options, commit, err) < 0 ||
	    check_objects(self, err) < 0 ||
	    read_storage_version(self, err) < 0 || read_role(self, err) < 0 ||
	    name_release(&naming, options->version, described, options->path) <
		    0)
		return -1;
	return name_images(&naming);
}

int source_release_load(struct source_release *self,
			const struct source_release_options *options,
			struct err *err)
{
	memset(self, 0, sizeof(*self));
	self->release.path = options->path;
	if (load(self, options, err) == 0)
		return 0;
	source_release_release(self);
	return err->kind == ERR_USAGE ?
		       -1 :
		       err_wrap(err, "release out of '%s'", options->path);
}

void source_release_release(struct source_release *self)
{
	for (size_t i = 0; i < self->release.nr_images; i++)
		strs_release(&self->release.image[i].sources);
	free(self->release.image);
	jval_free(self->objects);
	jval_free(self->source);
	strs_release(&self->store);
	memset(self, 0, sizeof(*self));
}
