#include "bundle/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "base/embedded.h"
#include "base/mem.h"
#include "bundle/bundle.h"
#include "format/yaml.h"

#define MANIFESTS_MAX_BYTES ((size_t)16 << 20)

struct catalogue {
	struct jval *root; /* owns the texts that releases point to; NULL of a
			      bundle, which does */
	struct bundle *bundle;
	struct release *release;
	size_t nr;
};

static struct jval *embedded_yaml(const char *path, struct err *err)
{
	const struct embedded_file *file = embedded_find(path);
	struct jval *documents;

	if (file == NULL) {
		err_set(err, ERR_NOT_FOUND, "no embedded file '%s'", path);
		return NULL;
	}
	documents = yaml_parse_all((const char *)file->data, file->len, err);
	if (documents == NULL)
		err_wrap(err, "read embedded '%s'", path);
	return documents;
}

static void release_image_load(struct release_image *image,
			       const struct jval *from)
{
	const struct jval *sources = jval_get(from, "sources");

	image->name = jval_str(from, "name");
	image->repository = jval_str(from, "repository");
	image->tag = jval_str(from, "tag");
	for (size_t i = 0; i < jval_len(sources); i++)
		strs_add(&image->sources, jval_string(jval_at(sources, i)));
}

static void release_load(struct release *release, const struct jval *from)
{
	const struct jval *images = jval_get(from, "images");

	release->version = jval_str(from, "version");
	release->path = jval_str(from, "path");
	release->storage_version = jval_str(from, "storageVersion");
	release->workload_manager_role = jval_str(from, "workloadManagerRole");
	release->nr_images = jval_len(images);
	release->image = mem_array(release->nr_images, sizeof(*release->image));
	for (size_t i = 0; i < release->nr_images; i++)
		release_image_load(&release->image[i], jval_at(images, i));
}

struct catalogue *catalogue_open(struct err *err)
{
	struct jval *documents = embedded_yaml("manifests/catalogue.yaml", err);
	struct catalogue *self;
	const struct jval *releases;

	if (documents == NULL)
		return NULL;
	self = mem_alloc(sizeof(*self));
	self->root = documents;
	releases = jval_get(jval_at(documents, 0), "releases");
	self->nr = jval_len(releases);
	self->release = mem_array(self->nr, sizeof(*self->release));
	for (size_t i = 0; i < self->nr; i++)
		release_load(&self->release[i], jval_at(releases, i));
	return self;
}

static void release_image_carried(struct release_image *image,
				  const struct bundle_image *from)
{
	const char *upstream =
		from->source ? str_after(from->source, "docker://") : NULL;

	image->name = from->name;
	image->repository = from->repository;
	image->tag = from->tag;
	image->carried = from;
	strs_add(&image->sources, upstream     ? upstream :
				  from->source ? from->source :
						 from->repository);
}

static void release_carried(struct release *release, struct bundle *bundle,
			    const struct bundle_release *from)
{
	release->version = from->version;
	release->path = from->manifests;
	release->bundle = bundle;
	release->storage_version = from->storage_version;
	release->workload_manager_role = from->workload_manager_role;
	release->nr_images = from->nr_images;
	release->image = mem_array(release->nr_images, sizeof(*release->image));
	for (size_t i = 0; i < release->nr_images; i++)
		release_image_carried(&release->image[i], &from->image[i]);
}

struct catalogue *catalogue_of_bundle(struct bundle *bundle)
{
	const struct bundle_meta *meta = bundle_meta(bundle);
	struct catalogue *self = mem_alloc(sizeof(*self));

	self->bundle = bundle;
	self->nr = meta->nr_releases;
	self->release = mem_array(self->nr, sizeof(*self->release));
	for (size_t i = 0; i < self->nr; i++)
		release_carried(&self->release[i], bundle, &meta->release[i]);
	return self;
}

void catalogue_free(struct catalogue *self)
{
	if (self == NULL)
		return;
	for (size_t i = 0; i < self->nr; i++) {
		struct release *release = &self->release[i];

		for (size_t k = 0; k < release->nr_images; k++)
			strs_release(&release->image[k].sources);
		free(release->image);
	}
	free(self->release);
	jval_free(self->root);
	free(self);
}

size_t catalogue_count(const struct catalogue *self)
{
	return self->nr;
}

const struct release *catalogue_at(const struct catalogue *self, size_t index)
{
	return &self->release[index];
}

const char *catalogue_default(const struct catalogue *self)
{
	return self->nr ? self->release[self->nr - 1].version : NULL;
}

const struct release *catalogue_release(const struct catalogue *self,
					const char *version, struct err *err)
{
	auto_strs struct strs known = STRS_INIT;
	autofree char *list = NULL;

	if (version == NULL)
		version = catalogue_default(self);
	for (size_t i = 0; i < self->nr; i++) {
		if (str_eq(self->release[i].version, version))
			return &self->release[i];
		strs_add(&known, self->release[i].version);
	}
	list = strs_join(&known, ", ");
	if (self->bundle)
		err_set(err, ERR_USAGE,
			"release '%s' is not in bundle '%s'; there are: %s",
			version ? version : "", bundle_name(self->bundle),
			list);
	else
		err_set(err, ERR_USAGE,
			"release '%s' is not carried; there are: %s", version,
			list);
	return NULL;
}

static struct jval *bundle_objects(const struct release *release,
				   struct err *err)
{
	autofree char *text = NULL;
	struct jval *documents;
	size_t len;

	if (bundle_text(release->bundle, release->path, MANIFESTS_MAX_BYTES,
			&text, &len, err) < 0)
		return NULL;
	documents = yaml_parse_all(text, len, err);
	if (documents == NULL)
		err_wrap(err, "read '%s' of bundle '%s'", release->path,
			 bundle_name(release->bundle));
	return documents;
}

struct jval *catalogue_objects(const struct release *release, struct err *err)
{
	autofree char *prefix = mem_printf("manifests/%s/", release->path);
	autojval struct jval *objects = jval_new_array();
	const struct embedded_file *file = NULL;

	if (release->bundle)
		return bundle_objects(release, err);
	while ((file = embedded_next(prefix, file))) {
		autojval struct jval *documents =
			embedded_yaml(file->path, err);

		if (documents == NULL)
			return NULL;
		for (size_t k = 0; k < jval_len(documents); k++)
			jval_append(objects, jval_ref(jval_at(documents, k)));
	}
	return mem_steal(&objects);
}
