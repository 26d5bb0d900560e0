#include "txn/images.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/ref.h"
#include "registry/manifest.h"
#include "registry/pull.h"

struct choice {
	struct image_source *source; /* owned by the list of all sources */
	char *reference;	     /* in the source, or NULL */
	struct ref place;
};

struct images {
	const struct images_options *options;
	struct image_source **source; /* opened ones */
	size_t nr_sources;
	struct choice *choice; /* one an image of the release */
	struct image_result *results;
};

static struct image_source *images_open(struct images *self, const char *spec,
					struct err *err)
{
	struct image_source_options open = {
		.authfile = self->options->authfile,
		.ca_pem = self->options->ca_pem,
		.ca_name = self->options->ca_name,
	};
	struct image_source *source;

	/* Once for all images of an archive, so that blobs they share are
	 * seen to be the same. */
	for (size_t i = 0; i < self->nr_sources; i++)
		if (str_eq(image_source_name(self->source[i]), spec))
			return self->source[i];
	source = image_source_open(spec, &open, err);
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
static int try_spec(struct images *self, const char *spec, size_t index,
		    struct err *err)
{
	const struct release_image *image =
		&self->options->release->image[index];
	struct choice *choice = &self->choice[index];
	size_t name = strcspn(spec, "=:");
	bool named = spec[name] == '=';
	struct image_source *source;
	int found;

	if (named && (strncmp(spec, image->name, name) != 0 ||
		      image->name[name] != '\0'))
		return 0; /* another image's */
	source = images_open(self, named ? spec + name + 1 : spec, err);
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
static char *held_names(const struct images *self)
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

/* 1 = found, 0 = none of the sources has it. */
static int choose_from(struct images *self, size_t index, struct err *err)
{
	const struct strs *from = self->options->from;

	for (size_t i = 0; i < from->nr; i++) {
		int found = try_spec(self, from->item[i], index, err);

		if (found != 0)
			return found;
	}
	return 0;
}

static int not_in_sources(const struct images *self, size_t index,
			  struct err *err)
{
	const struct release_image *image =
		&self->options->release->image[index];
	autofree char *list = strs_join(self->options->from, ", ");
	autofree char *held = held_names(self);

	err_set(err, ERR_NOT_FOUND, "no image '%s:%s' in %s%s%s", image->name,
		image->tag, list, held ? ", which holds " : "",
		held ? held : "");
	return err_hint(err,
			"if it is there under another name say --from "
			"%s=SOURCE",
			image->name);
}

/* "wrong=oci:..." must not be overlooked. */
static int check_named_sources(const struct images *self, struct err *err)
{
	const struct release *release = self->options->release;
	const struct strs *from = self->options->from;

	for (size_t i = 0; from && i < from->nr; i++) {
		const char *spec = from->item[i];
		size_t name = strcspn(spec, "=:");
		bool known = spec[name] != '=';

		for (size_t k = 0; k < release->nr_images; k++)
			known |= strlen(release->image[k].name) == name &&
				 strncmp(release->image[k].name, spec, name) ==
					 0;
		if (!known)
			return err_set(err, ERR_USAGE,
				       "'--from %s': DWS %s has no image "
				       "'%.*s'",
				       spec, release->version, (int)name, spec);
	}
	return 0;
}

/* The first of upstream's registries that has it. */
static int choose_upstream(struct images *self, size_t index, struct err *err)
{
	const struct release_image *image =
		&self->options->release->image[index];

	for (size_t i = 0; i < image->sources.nr; i++) {
		autofree char *spec =
			mem_printf("docker://%s", image->sources.item[i]);
		struct descriptor descriptor = { 0 };
		autofree char *bytes = NULL;
		struct image_source *source;

		err_clear(err);
		source = images_open(self, spec, err);
		if (source && image_source_manifest(source, NULL, &descriptor,
						    &bytes, err) == 0) {
			descriptor_release(&descriptor);
			self->choice[index].source = source;
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

/* 1 when the registry has the tag: the result is filled in then. */
static int already_there(struct images *self, struct registry_session *session,
			 size_t index, struct err *err)
{
	const struct ref *place = &self->choice[index].place;
	struct image_result *result = &self->results[index];
	struct descriptor found = { 0 };
	int there = manifest_head(session, place->repository, place->tag,
				  &found, err);

	if (there > 0) {
		result->digest = mem_steal(&found.digest);
		result->present = true;
	}
	descriptor_release(&found);
	return there;
}

static bool wanted(const struct images *self, size_t index)
{
	const struct strs *only = self->options->only;

	return only == NULL || only->nr == 0 ||
	       strs_has(only, self->options->release->image[index].name);
}

static int choose(struct images *self, struct registry_session *session,
		  size_t index, struct err *err)
{
	const struct images_options *options = self->options;
	struct image_result *result = &self->results[index];
	bool named_sources = options->from && options->from->nr > 0;
	int there;

	result->name = options->release->image[index].name;
	result->place =
		render_image(options->release, index, options->render, err);
	if (result->place == NULL ||
	    ref_parse(&self->choice[index].place, result->place, err) < 0)
		return -1;
	if (named_sources) {
		int found = choose_from(self, index, err);

		if (found != 0)
			return found < 0 ? -1 : 0;
	}
	there = session ? already_there(self, session, index, err) : 0;
	if (there != 0)
		return there < 0 ? -1 : 0;
	if (named_sources)
		return not_in_sources(self, index, err);
	return choose_upstream(self, index, err);
}

static int choose_wanted(struct images *self, struct registry_session *session,
			 struct err *err)
{
	for (size_t i = 0; i < self->options->release->nr_images; i++)
		if (wanted(self, i) && choose(self, session, i, err) < 0)
			return -1;
	return 0;
}

static int choose_all(struct images *self, struct err *err)
{
	struct registry_session *session;
	int result;

	if (check_named_sources(self, err) < 0)
		return -1;
	if (self->options->registry == NULL)
		return choose_wanted(self, NULL, err);
	session = registry_connect(self->options->registry);
	result = registry_check(session, err);
	if (result == 0)
		result = choose_wanted(self, session, err);
	registry_disconnect(session);
	return result;
}

static void take_result(struct image_result *result, struct push_item *item)
{
	result->digest = mem_steal(&item->digest);
	result->source = mem_strdup(image_source_name(item->source));
	result->bytes = item->bytes;
	result->sent = item->sent;
	result->present = item->present;
}

static int push_chosen(struct images *self, struct err *err)
{
	const struct images_options *options = self->options;
	size_t nr_images = options->release->nr_images;
	struct push_options push = {
		.registry = options->registry,
		.platform = options->platform,
		.all_platforms = options->all_platforms,
		.jobs = options->jobs,
		.dry_run = options->dry_run,
		.progress = options->progress,
	};
	autofree struct push_item *items = mem_array(nr_images, sizeof(*items));
	autofree size_t *image_of = mem_array(nr_images, sizeof(*image_of));
	size_t nr = 0;
	int result;

	for (size_t i = 0; i < nr_images; i++) {
		const struct choice *choice = &self->choice[i];

		if (choice->source == NULL)
			continue;
		items[nr].source = choice->source;
		items[nr].reference = choice->reference;
		items[nr].repository = choice->place.repository;
		items[nr].tag = choice->place.tag;
		image_of[nr++] = i;
	}
	result = nr > 0 ? push_images(&push, items, nr, err) : 0;
	for (size_t i = 0; i < nr; i++) {
		if (result == 0)
			take_result(&self->results[image_of[i]], &items[i]);
		push_item_release(&items[i]);
	}
	return result;
}

static void images_release(struct images *self)
{
	for (size_t i = 0; i < self->options->release->nr_images; i++) {
		free(self->choice[i].reference);
		ref_release(&self->choice[i].place);
	}
	for (size_t i = 0; i < self->nr_sources; i++)
		image_source_free(self->source[i]);
	free(self->source);
	free(self->choice);
}

static int pull_chosen(struct images *self, const char *to, struct err *err)
{
	const struct images_options *options = self->options;
	autofree char *layout = mem_printf("oci:%s", to);

	for (size_t i = 0; i < options->release->nr_images; i++) {
		const struct release_image *image = &options->release->image[i];
		const struct choice *choice = &self->choice[i];
		autofree char *name =
			mem_printf("%s:%s", image->name, image->tag);
		const struct pull_options pull = {
			.source = choice->source,
			.reference = choice->reference,
			.to = layout,
			.name = name,
			.platform = options->platform,
			.all_platforms = options->all_platforms,
			.jobs = options->jobs,
			.progress = options->progress,
		};

		if (choice->source == NULL)
			continue;
		if (pull_image(&pull, &self->results[i].digest, err) < 0)
			return -1;
		self->results[i].source =
			mem_strdup(image_source_name(choice->source));
	}
	return 0;
}

/* Into directory `to`, or with NULL into the registry. */
static int images_run(const struct images_options *options, const char *to,
		      struct image_result *results, struct err *err)
{
	struct images self = { .options = options, .results = results };
	int result;

	self.choice =
		mem_array(options->release->nr_images, sizeof(*self.choice));
	result = choose_all(&self, err);
	if (result == 0)
		result = to ? pull_chosen(&self, to, err) :
			      push_chosen(&self, err);
	images_release(&self);
	return result;
}

int images_push(const struct images_options *options,
		struct image_result *results, struct err *err)
{
	return images_run(options, NULL, results, err);
}

int images_pull(const struct images_options *options, const char *to,
		struct image_result *results, struct err *err)
{
	return images_run(options, to, results, err);
}

struct jval *image_results_value(const struct image_result *results, size_t nr)
{
	struct jval *list = jval_new_array();

	for (size_t i = 0; results && i < nr; i++)
		if (results[i].place)
			jval_append(list,
				    jval_pack("{s:s, s:s, s:s?}", "name",
					      results[i].name, "reference",
					      results[i].place, "digest",
					      results[i].digest));
	return list;
}

void image_results_free(struct image_result *results, size_t nr)
{
	for (size_t i = 0; results && i < nr; i++) {
		free(results[i].place);
		free(results[i].digest);
		free(results[i].source);
	}
	free(results);
}
