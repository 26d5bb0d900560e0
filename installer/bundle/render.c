#include "bundle/render.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bundle/overlay.h"
#include "bundle/pod_images.h"
#include "format/ref.h"
#include "kube/object.h"

/* The overlays of one rendering, csm first. */
struct layers {
	struct overlay **overlay;
	size_t nr;
};

static void layers_release(struct layers *layers)
{
	for (size_t i = 0; i < layers->nr; i++)
		overlay_free(layers->overlay[i]);
	free(layers->overlay);
}

#define auto_layers __attribute__((cleanup(layers_release)))

static int layers_add(struct layers *layers, const char *name, struct err *err)
{
	struct overlay *overlay = overlay_open(name, err);

	if (overlay == NULL)
		return -1;
	layers->overlay[layers->nr++] = overlay;
	return 0;
}

static int layers_open(struct layers *layers, const struct strs *names,
		       struct err *err)
{
	size_t nr = names ? names->nr : 0;

	layers->overlay = mem_array(nr + 1, sizeof(*layers->overlay));
	if (layers_add(layers, "csm", err) < 0)
		return -1;
	for (size_t i = 0; i < nr; i++)
		if (layers_add(layers, names->item[i], err) < 0)
			return -1;
	return 0;
}

/* The image as the base manifests have it. */
static char *image_before(const struct release_image *image)
{
	return mem_printf("%s:%s", image->repository, image->tag);
}

/* And as the overlays leave it. */
static char *image_after(const struct release_image *image,
			 const struct layers *layers)
{
	char *name = image_before(image);

	for (size_t i = 0; i < layers->nr; i++) {
		char *other = overlay_image(layers->overlay[i], name);

		free(name);
		name = other;
	}
	return name;
}

static char *at_registry(const char *name, const char *registry)
{
	const char *rest = str_after(name, RENDER_REGISTRY "/");

	if (rest && registry)
		return mem_printf("%s/%s", registry, rest);
	return mem_strdup(name);
}

/*
 * Without digest: it is what the digest is looked up for. The registry is
 * the user's word, so the whole is checked.
 */
static char *image_place(const struct release_image *image,
			 const struct layers *layers, const char *registry,
			 struct err *err)
{
	autofree char *name = image_after(image, layers);
	autofree char *place = at_registry(name, registry);
	autoref struct ref ref = { 0 };

	if (ref_parse(&ref, place, err) < 0) {
		err_hint(err, "%s",
			 registry ? "--registry is HOST[:PORT][/PREFIX]" :
				    "see 'images' of the overlays");
		return NULL;
	}
	/* As written: "dws:1" is not to become "docker.io/library/dws:1". */
	return mem_printf("%.*s%s%s", (int)strcspn(place, "@"), place,
			  ref.tag ? "" : ":", ref.tag ? "" : image->tag);
}

char *render_image(const struct release *release, size_t index,
		   const struct render_options *options, struct err *err)
{
	auto_layers struct layers layers = { 0 };

	if (layers_open(&layers, options->overlays, err) < 0)
		return NULL;
	return image_place(&release->image[index], &layers, options->registry,
			   err);
}

struct known {
	const struct release *release;
	char *missing;
};

static char *note_missing(void *ctx, const char *image)
{
	struct known *known = ctx;
	bool found = false;

	for (size_t i = 0; i < known->release->nr_images; i++) {
		autofree char *name = image_before(&known->release->image[i]);

		found |= str_eq(name, image);
	}
	if (!found && known->missing == NULL)
		known->missing = mem_strdup(image);
	return NULL;
}

/* What the release itself runs is pushed, so it must be known. */
static int check_known(const struct release *release, struct jval *objects,
		       struct err *err)
{
	struct known known = { .release = release };
	autofree char *missing = NULL;

	for (size_t i = 0; i < jval_len(objects); i++)
		pod_images_change(jval_at(objects, i), note_missing, &known);
	missing = known.missing;
	if (missing == NULL)
		return 0;
	return err_set(err, ERR_FAILED,
		       "the catalogue of release '%s' does not know image '%s'",
		       release->version, missing);
}

struct places {
	const struct render_options *options;
	struct strs name;  /* of each image of the release, after overlays */
	struct strs place; /* the same in the registry, without digest */
};

static char *put_in_place(void *ctx, const char *image)
{
	const struct places *places = ctx;
	const struct render_options *options = places->options;

	for (size_t i = 0; i < places->name.nr; i++) {
		/* A digest that an overlay names stays. */
		if (!str_eq(places->name.item[i], image) || strchr(image, '@'))
			continue;
		if (options->digests && options->digests[i])
			return mem_printf("%s@%s", places->place.item[i],
					  options->digests[i]);
		return mem_strdup(places->place.item[i]);
	}
	return at_registry(image, options->registry);
}

static int put_images(const struct release *release,
		      const struct layers *layers,
		      const struct render_options *options,
		      struct jval *objects, struct err *err)
{
	auto_strs struct strs names = STRS_INIT;
	auto_strs struct strs all = STRS_INIT;
	struct places places = { .options = options };

	for (size_t i = 0; i < release->nr_images; i++) {
		const struct release_image *image = &release->image[i];
		char *place =
			image_place(image, layers, options->registry, err);

		if (place == NULL)
			return -1;
		strs_take(&all, place);
		strs_take(&names, image_after(image, layers));
	}
	places.name = names;
	places.place = all;
	for (size_t i = 0; i < jval_len(objects); i++)
		pod_images_change(jval_at(objects, i), put_in_place, &places);
	return 0;
}

static void set_replicas(struct jval *objects, int64_t replicas)
{
	for (size_t i = 0; i < jval_len(objects); i++) {
		struct jval *object = jval_at(objects, i);

		if (str_eq(object_kind(object), "Deployment") &&
		    str_eq(object_name(object), "dws-webhook"))
			jval_set_path(object, "spec.replicas",
				      jval_new_int(replicas));
	}
}

struct jval *render_release(const struct release *release,
			    const struct render_options *options,
			    struct err *err)
{
	auto_layers struct layers layers = { 0 };
	autojval struct jval *objects = NULL;

	if (layers_open(&layers, options->overlays, err) < 0)
		return NULL;
	objects = catalogue_objects(release, err);
	if (objects == NULL || check_known(release, objects, err) < 0)
		return NULL;
	for (size_t i = 0; i < layers.nr; i++)
		if (overlay_apply(layers.overlay[i], objects, err) < 0)
			return NULL;
	if (put_images(release, &layers, options, objects, err) < 0)
		return NULL;
	if (options->replicas >= 0)
		set_replicas(objects, options->replicas);
	return object_sorted(objects);
}

bool render_is_service_monitor(const struct jval *object)
{
	return str_eq(object_kind(object), "ServiceMonitor");
}
