#include "bundle/image_choice.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

struct image_chooser {
	const struct strs *from;
	struct image_source_options options;
	struct image_source **source; /* opened ones */
	size_t nr_sources;
};

static struct image_source *chooser_open(struct image_chooser *self,
					 const char *spec, struct err *err)
{
	struct image_source *source;

	/* Once for all images of an archive, so that blobs they share are
	 * seen to be the same. */
	for (size_t i = 0; i < self->nr_sources; i++)
		if (str_eq(image_source_name(self->source[i]), spec))
			return self->source[i];
	source = image_source_open(spec, &self->options, err);
	if (source == NULL)
		return NULL;
	self->source = mem_resize(self->source, self->nr_sources + 1,
				  sizeof(*self->source));
	self->source[self->nr_sources++] = source;
	return source;
}

/* "ghcr.io/x/dws:0.0.20", "localhost/dws:0.0.20" and "dws:0.0.20" are all
 * called "dws:0.0.20" at the end. */
static bool name_fits(const char *name, const struct release_image *image)
{
	autofree char *short_name =
		mem_printf("%s:%s", image->name, image->tag);
	autofree char *tail = mem_printf("/%s", short_name);

	return str_eq(name, short_name) || str_ends(name, tail);
}

/* Where in `source` the image is: 1 and `reference`, or 0. */
static int source_has(const struct image_source *source,
		      const struct release_image *image, char **reference)
{
	const struct strs *names = image_source_names(source);

	for (size_t i = 0; i < names->nr; i++)
		if (name_fits(names->item[i], image)) {
			*reference = mem_strdup(names->item[i]);
			return 1;
		}
	/* A layout without names is called by its path: docker/dws:0.0.20. */
	if (names->nr == 0 && name_fits(image_source_name(source), image))
		return 1;
	return 0;
}

/* The user's word goes, but it may be a slip. */
static void warn_other_name(const struct image_source *source,
			    const struct release_image *image)
{
	const struct strs *names = image_source_names(source);
	autofree char *list = strs_join(names, ", ");

	if (names->nr > 0)
		log_warn("'%s' calls its image '%s'; it is taken for '%s:%s' "
			 "as you say",
			 image_source_name(source), list, image->name,
			 image->tag);
}

/* `spec` may be "NAME=SPEC" for a source that does not know its names. */
static int try_spec(struct image_chooser *self, const char *spec,
		    const struct release_image *image,
		    struct image_choice *choice, struct err *err)
{
	size_t name = strcspn(spec, "=:");
	bool named = spec[name] == '=';
	struct image_source *source;
	int found;

	if (named && (strncmp(spec, image->name, name) != 0 ||
		      image->name[name] != '\0'))
		return 0; /* another image's */
	source = chooser_open(self, named ? spec + name + 1 : spec, err);
	if (source == NULL)
		return -1;
	found = source_has(source, image, &choice->reference);
	if (named && !found)
		warn_other_name(source, image);
	if (named || found)
		choice->source = source;
	return named || found;
}

/* What the sources do hold, for the message. */
static char *held_names(const struct image_chooser *self)
{
	auto_strs struct strs all = STRS_INIT;

	for (size_t i = 0; i < self->nr_sources; i++) {
		const struct strs *names = image_source_names(self->source[i]);

		for (size_t k = 0; k < names->nr; k++)
			if (!strs_has(&all, names->item[k]))
				strs_add(&all, names->item[k]);
	}
	return all.nr > 0 ? strs_join(&all, ", ") : NULL;
}

int image_choose_named(struct image_chooser *self,
		       const struct release_image *image,
		       struct image_choice *choice, struct err *err)
{
	for (size_t i = 0; i < self->from->nr; i++) {
		int found =
			try_spec(self, self->from->item[i], image, choice, err);

		if (found != 0)
			return found;
	}
	return 0;
}

int image_choose_missing(const struct image_chooser *self,
			 const struct release_image *image, struct err *err)
{
	autofree char *list = strs_join(self->from, ", ");
	autofree char *held = held_names(self);

	err_set(err, ERR_NOT_FOUND, "no image '%s:%s' in %s%s%s", image->name,
		image->tag, list, held ? ", which holds " : "",
		held ? held : "");
	return err_hint(err,
			"if it is there under another name say --from "
			"%s=SOURCE",
			image->name);
}

static bool release_has(const struct release *release, const char *name,
			size_t len)
{
	for (size_t i = 0; i < release->nr_images; i++)
		if (strlen(release->image[i].name) == len &&
		    strncmp(release->image[i].name, name, len) == 0)
			return true;
	return false;
}

/* "wrong=oci:..." must not be overlooked. */
int image_chooser_check(const struct image_chooser *self,
			const struct release *const *releases, size_t nr,
			struct err *err)
{
	for (size_t i = 0; i < self->from->nr; i++) {
		const char *spec = self->from->item[i];
		size_t name = strcspn(spec, "=:");
		bool known = spec[name] != '=';

		for (size_t k = 0; k < nr; k++)
			known |= release_has(releases[k], spec, name);
		if (!known)
			return err_set(err, ERR_USAGE,
				       "'--from %s': DWS %s has no image "
				       "'%.*s'",
				       spec, releases[0]->version, (int)name,
				       spec);
	}
	return 0;
}

int image_choose_upstream(struct image_chooser *self,
			  const struct release_image *image,
			  struct image_choice *choice, struct err *err)
{
	for (size_t i = 0; i < image->sources.nr; i++) {
		autofree char *spec =
			mem_printf("docker://%s", image->sources.item[i]);
		struct descriptor descriptor = { 0 };
		autofree char *bytes = NULL;
		struct image_source *source;

		err_clear(err);
		source = chooser_open(self, spec, err);
		if (source && image_source_manifest(source, NULL, &descriptor,
						    &bytes, err) == 0) {
			descriptor_release(&descriptor);
			choice->source = source;
			return 0;
		}
		if (err->kind == ERR_INTERRUPTED)
			return -1;
		log_verbose("%s", err->msg);
	}
	err_wrap(err, "no source has image '%s:%s'", image->name, image->tag);
	return err_hint(err, "without a network give --from "
			     "docker-archive:FILE or oci-archive:FILE");
}

struct image_chooser *
image_chooser_new(const struct strs *from,
		  const struct image_source_options *options)
{
	static const struct strs none = STRS_INIT;
	struct image_chooser *self = mem_alloc(sizeof(*self));

	self->from = from ? from : &none;
	self->options = *options;
	return self;
}

void image_chooser_free(struct image_chooser *self)
{
	if (self == NULL)
		return;
	for (size_t i = 0; i < self->nr_sources; i++)
		image_source_free(self->source[i]);
	free(self->source);
	free(self);
}

void image_choice_release(struct image_choice *choice)
{
	free(choice->reference);
}
