#include "txn/images.h"

#include <stdlib.h>

#include "base/mem.h"
#include "bundle/bundle.h"
#include "bundle/image_choice.h"
#include "format/ref.h"
#include "registry/manifest.h"
#include "registry/pull.h"
#include "txn/carried.h"

struct choice {
	struct image_choice image;
	struct ref place;
};

struct images {
	const struct images_options *options;
	struct image_chooser *chooser;
	struct choice *choice;	      /* one an image of the release */
	struct image_source *carrier; /* of the bundle; borrowed */
	struct image_result *results;
};

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
	const struct release_image *image = &options->release->image[index];
	struct image_choice *choice = &self->choice[index].image;
	struct image_result *result = &self->results[index];
	bool named_sources = options->from && options->from->nr > 0;
	int there;

	result->name = image->name;
	result->place =
		render_image(options->release, index, options->render, err);
	if (result->place == NULL ||
	    ref_parse(&self->choice[index].place, result->place, err) < 0)
		return -1;
	if (self->carrier) {
		choice->source = self->carrier;
		choice->reference = mem_strdup(image->carried->digest);
		return 0;
	}
	if (named_sources) {
		int found =
			image_choose_named(self->chooser, image, choice, err);

		if (found != 0)
			return found < 0 ? -1 : 0;
	}
	there = session ? already_there(self, session, index, err) : 0;
	if (there != 0)
		return there < 0 ? -1 : 0;
	if (named_sources)
		return image_choose_missing(self->chooser, image, err);
	return image_choose_upstream(self->chooser, image, choice, err);
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
	struct bundle *bundle = self->options->release->bundle;
	struct registry_session *session;
	int result;

	if (image_chooser_check(self->chooser, &self->options->release, 1,
				err) < 0)
		return -1;
	if (bundle) {
		self->carrier = bundle_images(bundle, err);
		if (self->carrier == NULL)
			return -1;
	}
	if (self->options->registry == NULL)
		return choose_wanted(self, NULL, err);
	session = registry_connect(self->options->registry);
	result = registry_check(session, err);
	if (result == 0)
		result = choose_wanted(self, session, err);
	registry_disconnect(session);
	return result;
}

/* A bundle is known by its digest, wherever it lies. */
static char *source_name(const struct images *self,
			 const struct image_source *source)
{
	return mem_strdup(self->carrier ? "bundle" : image_source_name(source));
}

static void take_result(const struct images *self, struct image_result *result,
			struct push_item *item)
{
	result->digest = mem_steal(&item->digest);
	result->source = source_name(self, item->source);
	result->bytes = item->bytes;
	result->sent = item->sent;
	result->missing = item->missing;
	result->present = item->present;
}

/* The number of items; image_of tells which image an item is. */
static size_t fill_items(const struct images *self, struct push_item *items,
			 size_t *image_of)
{
	size_t nr = 0;

	for (size_t i = 0; i < self->options->release->nr_images; i++) {
		const struct choice *choice = &self->choice[i];

		if (choice->image.source == NULL)
			continue;
		items[nr].source = choice->image.source;
		items[nr].reference = choice->image.reference;
		items[nr].repository = choice->place.repository;
		items[nr].tag = choice->place.tag;
		image_of[nr] = i;
		nr += 1 + carried_artifacts(&self->options->release->image[i],
					    items, nr);
	}
	return nr;
}

/* Where a bundle changed under our hands that is why a registry refused what
 * was verified before. */
static int check_unchanged(const struct bundle *bundle, int result,
			   struct err *err)
{
	struct err changed = ERR_INIT;

	if (bundle_unchanged(bundle, &changed) == 0 ||
	    (result < 0 && err->kind == ERR_INTERRUPTED))
		return result;
	*err = changed;
	return -1;
}

static int push_chosen(struct images *self, struct err *err)
{
	const struct images_options *options = self->options;
	size_t max =
		options->release->nr_images + carried_count(options->release);
	struct push_options push = {
		.registry = options->registry,
		.platform = options->platform,
		.all_platforms = options->all_platforms,
		.jobs = options->jobs,
		.dry_run = options->dry_run,
		.progress = options->progress,
	};
	autofree struct push_item *items = mem_array(max, sizeof(*items));
	autofree size_t *image_of = mem_array(max, sizeof(*image_of));
	size_t nr = fill_items(self, items, image_of);
	int result;

	if (options->release->bundle)
		carried_push(options, &push);
	result = nr > 0 ? push_images(&push, items, nr, err) : 0;
	if (options->release->bundle)
		result = check_unchanged(options->release->bundle, result, err);
	for (size_t i = 0; i < nr; i++) {
		if (result == 0 && !items[i].artifact)
			take_result(self, &self->results[image_of[i]],
				    &items[i]);
		push_item_release(&items[i]);
	}
	return result;
}

static void images_release(struct images *self)
{
	for (size_t i = 0; i < self->options->release->nr_images; i++) {
		image_choice_release(&self->choice[i].image);
		ref_release(&self->choice[i].place);
	}
	image_chooser_free(self->chooser);
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
			.source = choice->image.source,
			.reference = choice->image.reference,
			.to = layout,
			.name = name,
			.platform = options->platform,
			.all_platforms = options->all_platforms ||
					 carried_whole(options),
			.jobs = options->jobs,
			.progress = options->progress,
		};

		if (choice->image.source == NULL)
			continue;
		if (pull_image(&pull, &self->results[i].digest, err) < 0)
			return -1;
		self->results[i].source =
			source_name(self, choice->image.source);
	}
	return 0;
}

/* Into directory `to`, or with NULL into the registry. */
static int images_run(const struct images_options *options, const char *to,
		      struct image_result *results, struct err *err)
{
	struct images self = { .options = options, .results = results };
	const struct image_source_options open = {
		.authfile = options->authfile,
		.ca_pem = options->ca_pem,
		.ca_name = options->ca_name,
	};
	int result;

	self.chooser = image_chooser_new(options->from, &open);
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
