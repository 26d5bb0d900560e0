#include "bundle/overlay.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/embedded.h"
#include "base/mem.h"
#include "base/strs.h"
#include "bundle/overlay_check.h"
#include "bundle/overlay_dir.h"
#include "bundle/overlay_images.h"
#include "bundle/overlay_labels.h"
#include "bundle/overlay_patch.h"
#include "bundle/overlay_select.h"
#include "kube/object.h"

#define EMBEDDED "manifests/overlays/"
/* One that includes itself goes on for ever. */
#define MAX_DEPTH 16

enum kind { KIND_ANY, KIND_KUSTOMIZATION, KIND_COMPONENT };

struct overlay {
	char *file;	   /* what messages call it */
	struct jval *root; /* what the file says */
	struct jval *added;
	struct jval *patches;
	struct jval *late_patches; /* patchesJson6902 */
	struct overlay **component;
	size_t nr_components;
};

static struct overlay *open_dir(const char *path, enum kind kind, int depth,
				struct err *err);

void overlay_free(struct overlay *self)
{
	if (self == NULL)
		return;
	for (size_t i = 0; i < self->nr_components; i++)
		overlay_free(self->component[i]);
	free(self->component);
	jval_free(self->root);
	jval_free(self->added);
	jval_free(self->patches);
	jval_free(self->late_patches);
	free(self->file);
	free(self);
}

/* The innermost of those that include each other is where it happened. */
static int name_file(const struct overlay *self, struct err *err)
{
	if (str_starts(err->msg, "overlay '"))
		return -1;
	return err_wrap(err, "overlay '%s'", self->file);
}

/* ---- reading ---- */

static int load_patches(struct overlay *self, const struct overlay_dir *dir,
			struct err *err)
{
	const struct jval *merges =
		jval_get(self->root, "patchesStrategicMerge");
	const struct jval *patches = jval_get(self->root, "patches");
	const struct jval *late = jval_get(self->root, "patchesJson6902");

	for (size_t i = 0; i < jval_len(merges); i++) {
		autofree char *where =
			mem_printf("patchesStrategicMerge[%zu]", i);

		if (overlay_patch_load_merge(self->patches,
					     jval_string(jval_at(merges, i)),
					     where, dir, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < jval_len(patches); i++) {
		autofree char *where = mem_printf("patches[%zu]", i);

		if (overlay_patch_load(self->patches, jval_at(patches, i),
				       where, dir, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < jval_len(late); i++) {
		autofree char *where = mem_printf("patchesJson6902[%zu]", i);

		if (overlay_patch_load(self->late_patches, jval_at(late, i),
				       where, dir, err) < 0)
			return -1;
	}
	return 0;
}

/* Values that a document shares with itself are taken apart by the copy. */
static int add_object(struct jval *objects, const struct jval *object,
		      struct err *err)
{
	autofree char *label = NULL;

	if (!object_api_version(object)[0] || !object_kind(object)[0] ||
	    !object_name(object)[0])
		return err_set(err, ERR_INVALID,
			       "an object lacks apiVersion, kind or "
			       "metadata.name");
	label = object_label(object);
	for (size_t i = 0; i < jval_len(objects); i++)
		if (overlay_same_object(jval_at(objects, i), object))
			return err_set(err, ERR_INVALID,
				       "%s is there already; change it with "
				       "'patches'",
				       label);
	jval_append(objects, jval_copy(object));
	return 0;
}

static int add_objects(struct jval *objects, const struct jval *more,
		       struct err *err)
{
	for (size_t i = 0; i < jval_len(more); i++) {
		const struct jval *object = jval_at(more, i);
		const struct jval *items = jval_get(object, "items");

		if (str_ends(object_kind(object), "List") && items) {
			if (add_objects(objects, items, err) < 0)
				return -1;
		} else if (add_object(objects, object, err) < 0) {
			return -1;
		}
	}
	return 0;
}

static bool is_remote(const char *name)
{
	return strstr(name, "://") || strstr(name, "?ref=") ||
	       str_starts(name, "git@") || str_starts(name, "github.com/");
}

/* A file of objects, or the directory of another kustomization. */
static int load_resource(struct overlay *self, const char *name,
			 const struct overlay_dir *dir, int depth,
			 struct err *err)
{
	autofree char *path = mem_printf("%s/%s", dir->path, name);
	autooverlay struct overlay *other = NULL;
	autojval struct jval *objects = NULL;

	if (is_remote(name))
		return err_set(
			err, ERR_INVALID,
			"'%s' is remote, which is not supported: copy it "
			"beside this file",
			name);
	if (dir->embedded || !overlay_dir_is(path)) {
		objects = overlay_dir_read(dir, name, err);
		if (objects == NULL)
			return -1;
	} else {
		objects = jval_new_array();
		other = open_dir(path, KIND_KUSTOMIZATION, depth + 1, err);
		if (other == NULL || overlay_apply(other, objects, err) < 0)
			return -1;
	}
	if (add_objects(self->added, objects, err) < 0)
		return err_wrap(err, "resource '%s'", name);
	return 0;
}

static int load_resources(struct overlay *self, const char *field,
			  const struct overlay_dir *dir, int depth,
			  struct err *err)
{
	const struct jval *names = jval_get(self->root, field);

	for (size_t i = 0; i < jval_len(names); i++)
		if (load_resource(self, jval_string(jval_at(names, i)), dir,
				  depth, err) < 0)
			return -1;
	return 0;
}

static int load_components(struct overlay *self, const struct overlay_dir *dir,
			   int depth, struct err *err)
{
	const struct jval *names = jval_get(self->root, "components");

	self->component = mem_array(jval_len(names), sizeof(*self->component));
	for (size_t i = 0; i < jval_len(names); i++) {
		const char *name = jval_string(jval_at(names, i));
		autofree char *path = mem_printf("%s/%s", dir->path, name);
		struct overlay *component;

		if (is_remote(name) || dir->embedded || !overlay_dir_is(path))
			return err_set(err, ERR_INVALID,
				       "component '%s' is no directory", name);
		component = open_dir(path, KIND_COMPONENT, depth + 1, err);
		if (component == NULL)
			return -1;
		self->component[self->nr_components++] = component;
	}
	return 0;
}

static int check_kind(const struct overlay *self, enum kind kind,
		      struct err *err)
{
	bool component = str_eq(jval_str(self->root, "kind"), "Component");

	if (kind == KIND_COMPONENT && !component)
		return err_set(err, ERR_INVALID,
			       "it is listed in 'components' and is not of "
			       "kind Component");
	if (kind == KIND_KUSTOMIZATION && component)
		return err_set(err, ERR_INVALID,
			       "it is of kind Component: list it in "
			       "'components', not in 'resources'");
	return 0;
}

static int load(struct overlay *self, const struct overlay_dir *dir,
		const char *name, enum kind kind, int depth, struct err *err)
{
	autojval struct jval *documents = overlay_dir_read(dir, name, err);

	if (documents == NULL)
		return -1;
	if (jval_len(documents) != 1)
		return err_set(err, ERR_INVALID,
			       "it holds %zu documents, not one",
			       jval_len(documents));
	self->root = jval_ref(jval_at(documents, 0));
	if (overlay_check(self->root, err) < 0 ||
	    check_kind(self, kind, err) < 0 ||
	    load_resources(self, "resources", dir, depth, err) < 0 ||
	    load_resources(self, "bases", dir, depth, err) < 0 ||
	    load_components(self, dir, depth, err) < 0)
		return -1;
	return load_patches(self, dir, err);
}

static struct overlay *open_file(const struct overlay_dir *dir,
				 const char *name, enum kind kind, int depth,
				 struct err *err)
{
	struct overlay *self = mem_alloc(sizeof(*self));

	self->file = mem_printf("%s/%s", dir->path, name);
	self->added = jval_new_array();
	self->patches = jval_new_array();
	self->late_patches = jval_new_array();
	if (load(self, dir, name, kind, depth, err) == 0)
		return self;
	name_file(self, err);
	overlay_free(self);
	return NULL;
}

static struct overlay *open_dir(const char *path, enum kind kind, int depth,
				struct err *err)
{
	const struct overlay_dir dir = { .path = path };
	const char *name;

	if (depth > MAX_DEPTH) {
		err_set(err, ERR_INVALID,
			"more than %d directories include each other",
			MAX_DEPTH);
		return NULL;
	}
	if (overlay_dir_find(path, &name, err) < 0)
		return NULL;
	return open_file(&dir, name, kind, depth, err);
}

static struct overlay *open_embedded(const char *name, struct err *err)
{
	autofree char *path = mem_printf(EMBEDDED "%s", name);
	const struct overlay_dir dir = { .embedded = true, .path = path };

	return open_file(&dir, "kustomization.yaml", KIND_ANY, 0, err);
}

static bool is_embedded(const char *name)
{
	autofree char *path =
		mem_printf(EMBEDDED "%s/kustomization.yaml", name);

	return embedded_find(path) != NULL;
}

/* "csm, other" */
static char *embedded_names(void)
{
	const struct embedded_file *file = NULL;
	auto_strs struct strs names = STRS_INIT;

	while ((file = embedded_next(EMBEDDED, file))) {
		const char *name = file->path + strlen(EMBEDDED);
		size_t len = strcspn(name, "/");

		if (str_eq(name + len, "/kustomization.yaml"))
			strs_take(&names, mem_strndup(name, len));
	}
	return strs_join(&names, ", ");
}

struct overlay *overlay_open(const char *name, struct err *err)
{
	autofree char *known = NULL;
	autofree char *parent = NULL;
	const char *slash = strrchr(name, '/');
	struct overlay_dir dir = { .path = "." };

	if (is_embedded(name))
		return open_embedded(name, err);
	if (overlay_dir_is(name))
		return open_dir(name, KIND_ANY, 0, err);
	if (access(name, F_OK) < 0) {
		known = embedded_names();
		err_set(err, ERR_USAGE,
			"no overlay '%s': it is no file, no directory, and "
			"none of those carried (%s)",
			name, known);
		return NULL;
	}
	if (slash) {
		parent = mem_strndup(name, (size_t)(slash - name));
		dir.path = parent[0] ? parent : "/";
	}
	return open_file(&dir, slash ? slash + 1 : name, KIND_ANY, 0, err);
}

/* ---- laying over ---- */

static int apply_labels(const struct overlay *self, struct jval *object,
			struct err *err)
{
	const struct jval *labels = jval_get(self->root, "labels");

	for (size_t i = 0; i < jval_len(labels); i++) {
		const struct jval *entry = jval_at(labels, i);
		enum label_reach reach = LABEL_OBJECT;

		if (jval_bool(entry, "includeTemplates", false))
			reach = LABEL_TEMPLATES;
		if (jval_bool(entry, "includeSelectors", false))
			reach = LABEL_SELECTORS;
		if (overlay_label(object, jval_get(entry, "pairs"), reach,
				  err) < 0)
			return -1;
	}
	if (overlay_label(object, jval_get(self->root, "commonLabels"),
			  LABEL_SELECTORS, err) < 0)
		return -1;
	return overlay_label(object, jval_get(self->root, "commonAnnotations"),
			     LABEL_ANNOTATIONS, err);
}

static bool has_replicas(const struct jval *object)
{
	static const char *const kinds[] = { "Deployment", "StatefulSet",
					     "ReplicaSet",
					     "ReplicationController" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_eq(object_kind(object), kinds[i]))
			return true;
	return false;
}

static int apply_replicas(const struct jval *entry, struct jval *objects,
			  struct err *err)
{
	const char *name = jval_str(entry, "name");
	bool found = false;

	for (size_t i = 0; i < jval_len(objects); i++) {
		struct jval *object = jval_at(objects, i);

		if (!has_replicas(object) || !str_eq(object_name(object), name))
			continue;
		jval_set_path(object, "spec.replicas",
			      jval_ref(jval_get(entry, "count")));
		found = true;
	}
	if (found)
		return 0;
	return err_set(err, ERR_INVALID,
		       "'replicas': there is no Deployment, StatefulSet or "
		       "ReplicaSet '%s'",
		       name);
}

/* In the order of kustomize. */
static int apply(const struct overlay *self, struct jval *objects,
		 struct err *err)
{
	const struct jval *replicas = jval_get(self->root, "replicas");

	if (add_objects(objects, self->added, err) < 0)
		return -1;
	for (size_t i = 0; i < self->nr_components; i++)
		if (overlay_apply(self->component[i], objects, err) < 0)
			return -1;
	if (overlay_patches_apply(self->patches, objects, err) < 0)
		return -1;
	for (size_t i = 0; i < jval_len(objects); i++)
		if (apply_labels(self, jval_at(objects, i), err) < 0)
			return -1;
	if (overlay_patches_apply(self->late_patches, objects, err) < 0)
		return -1;
	for (size_t i = 0; i < jval_len(replicas); i++)
		if (apply_replicas(jval_at(replicas, i), objects, err) < 0)
			return -1;
	for (size_t i = 0; i < jval_len(objects); i++)
		overlay_images_apply(jval_get(self->root, "images"),
				     jval_at(objects, i));
	return 0;
}

int overlay_apply(const struct overlay *self, struct jval *objects,
		  struct err *err)
{
	return apply(self, objects, err) < 0 ? name_file(self, err) : 0;
}

char *overlay_image(const struct overlay *self, const char *image)
{
	autofree char *name = mem_strdup(image);

	for (size_t i = 0; i < self->nr_components; i++) {
		char *other = overlay_image(self->component[i], name);

		free(name);
		name = other;
	}
	return overlay_images_name(jval_get(self->root, "images"), name);
}
