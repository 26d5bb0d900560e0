#include "bundle/render.h"

#include <string.h>

#include "base/embedded.h"
#include "base/mem.h"
#include "format/ref.h"
#include "format/yaml.h"
#include "kube/object.h"

static struct jval *overlay_load(const char *name, struct err *err)
{
	autofree char *path =
		mem_printf("manifests/overlays/%s/kustomization.yaml",
			   name ? name : "csm");
	const struct embedded_file *file = embedded_find(path);

	if (file == NULL) {
		err_set(err, ERR_USAGE, "no overlay '%s'", name);
		return NULL;
	}
	return yaml_parse((const char *)file->data, file->len, err);
}

/* The repository that the overlay has for `repository`. */
static const char *overlay_repository(const struct jval *overlay,
				      const char *repository)
{
	const struct jval *images = jval_get(overlay, "images");

	for (size_t i = 0; i < jval_len(images); i++) {
		const struct jval *image = jval_at(images, i);
		const char *name = jval_str(image, "newName");

		if (name && str_eq(jval_str(image, "name"), repository))
			return name;
	}
	return repository;
}

/*
 * Without digest: it is what the digest is looked up for. The registry is
 * the user's word, so the whole is checked.
 */
static char *image_place(const struct release_image *image,
			 const struct jval *overlay, const char *registry,
			 struct err *err)
{
	const char *repository = overlay_repository(overlay, image->repository);
	const char *rest = str_after(repository, RENDER_REGISTRY "/");
	autofree char *place = NULL;
	autoref struct ref ref = { 0 };

	if (rest && registry)
		place = mem_printf("%s/%s:%s", registry, rest, image->tag);
	else
		place = mem_printf("%s:%s", repository, image->tag);
	if (ref_parse(&ref, place, err) < 0) {
		err_hint(err, "--registry is HOST[:PORT][/PREFIX]");
		return NULL;
	}
	return mem_steal(&place);
}

char *render_image(const struct release *release, size_t index,
		   const struct render_options *options, struct err *err)
{
	autojval struct jval *overlay = overlay_load(options->overlay, err);

	if (overlay == NULL)
		return NULL;
	return image_place(&release->image[index], overlay, options->registry,
			   err);
}

static int container_render(struct jval *container,
			    const struct release *release,
			    const struct jval *overlay,
			    const struct render_options *options,
			    struct err *err)
{
	const char *name = jval_str(container, "image");

	for (size_t i = 0; name && i < release->nr_images; i++) {
		const struct release_image *image = &release->image[i];
		const char *tag = str_after(name, image->repository);
		autofree char *place = NULL;
		autofree char *pinned = NULL;

		if (tag == NULL || *tag != ':')
			continue;
		place = image_place(image, overlay, options->registry, err);
		if (place == NULL)
			return -1;
		if (options->digests && options->digests[i])
			pinned =
				mem_printf("%s@%s", place, options->digests[i]);
		jval_set_str(container, "image", pinned ? pinned : place);
		return 0;
	}
	return err_set(err, ERR_FAILED,
		       "the catalogue of release '%s' does not know image "
		       "'%s'",
		       release->version, name ? name : "");
}

static int deployment_render(struct jval *object, const struct release *release,
			     const struct jval *overlay,
			     const struct render_options *options,
			     struct err *err)
{
	struct jval *containers =
		jval_path(object, "spec.template.spec.containers");

	for (size_t i = 0; i < jval_len(containers); i++)
		if (container_render(jval_at(containers, i), release, overlay,
				     options, err) < 0)
			return -1;
	if (options->replicas >= 0 &&
	    str_eq(object_name(object), "dws-webhook"))
		jval_set_path(object, "spec.replicas",
			      jval_new_int(options->replicas));
	return 0;
}

struct jval *render_release(const struct release *release,
			    const struct render_options *options,
			    struct err *err)
{
	autojval struct jval *overlay = overlay_load(options->overlay, err);
	autojval struct jval *objects = NULL;

	if (overlay == NULL)
		return NULL;
	objects = catalogue_objects(release, err);
	for (size_t i = 0; i < jval_len(objects); i++) {
		struct jval *object = jval_at(objects, i);

		if (str_eq(object_kind(object), "Deployment") &&
		    deployment_render(object, release, overlay, options, err) <
			    0)
			return NULL;
	}
	return objects ? object_sorted(objects) : NULL;
}

bool render_is_service_monitor(const struct jval *object)
{
	return str_eq(object_kind(object), "ServiceMonitor");
}
