#include "txn/target.h"

#include <string.h>

#include "base/mem.h"
#include "txn/fit.h"
#include "txn/record.h"

int target_check(const struct txn_options *options, const struct survey *survey,
		 struct err *err)
{
	return certs_check(survey, options->certs, err);
}

/* A note, not a step: what arrives meanwhile does not make it another plan. */
static void note_blobs(const struct image_result *image, struct plan *plan)
{
	char size[16];

	str_bytes(size, sizeof(size), image->sent);
	strs_addf(&plan->notes, "of image %s %zu blob%s, %s, will be sent",
		  image->place, image->missing, image->missing == 1 ? "" : "s",
		  size);
}

static void plan_images(const struct target *target,
			const struct release *release, struct plan *plan,
			bool *changed)
{
	for (size_t i = 0; i < release->nr_images; i++) {
		const struct image_result *image = &target->images[i];

		if (image->present)
			plan_add(plan, "keep", "the registry has it",
				 "image %s", image->place);
		else
			plan_add(plan, "push", image->source, "image %s",
				 image->place);
		*changed |= !image->present;
	}
}

int target_push(struct target *target, const struct txn_options *options,
		struct plan *plan, bool *changed, struct err *err)
{
	const struct release *release = options->release;

	if (options->images == NULL)
		return 0;
	target->images = mem_array(release->nr_images, sizeof(*target->images));
	progress_phase(options->progress, "images");
	if (images_push(options->images, target->images, err) < 0)
		return -1;
	plan_images(target, release, plan, changed);
	return 0;
}

void target_note_blobs(const struct target *target,
		       const struct txn_options *options, struct plan *plan)
{
	for (size_t i = 0; target->images && i < options->release->nr_images;
	     i++)
		if (target->images[i].missing > 0)
			note_blobs(&target->images[i], plan);
}

/* The digest that `reference` has among [{reference, digest}], or NULL. */
static const char *known_digest(const struct jval *known, const char *reference)
{
	for (size_t i = 0; i < jval_len(known); i++)
		if (str_eq(jval_str(jval_at(known, i), "reference"), reference))
			return jval_str(jval_at(known, i), "digest");
	return NULL;
}

static bool has_moved(const struct image_result *image,
		      const struct jval *records)
{
	for (size_t i = 0; image->digest && i < jval_len(records); i++) {
		const struct jval *known =
			jval_get(jval_at(records, i), "images");
		const char *before = known_digest(known, image->place);

		if (before && !str_eq(before, image->digest))
			return true;
	}
	return false;
}

bool target_compare(struct target *target, const struct txn_options *options,
		    const struct jval *records)
{
	bool differ = false;

	for (size_t i = 0; target->images && i < options->release->nr_images;
	     i++)
		differ |= has_moved(&target->images[i], records);
	target->pin |= differ;
	return differ;
}

/* Of those that stand, where none were pushed. */
static int find_digests(const struct target *target,
			const struct txn_options *options, const char **digests,
			struct err *err)
{
	for (size_t i = 0; i < options->release->nr_images; i++) {
		autofree char *place = NULL;

		if (target->images) {
			digests[i] = target->images[i].digest;
			continue;
		}
		place = render_image(options->release, i, &options->render,
				     err);
		if (place == NULL)
			return -1;
		digests[i] =
			known_digest(jval_get(target->before, "images"), place);
	}
	return 0;
}

/* Digests go into the manifests only where they are known. */
static struct jval *render(const struct target *target,
			   const struct txn_options *options, struct err *err)
{
	struct render_options render = options->render;
	size_t nr = options->release->nr_images;
	autofree const char **digests = mem_array(nr, sizeof(*digests));

	if (options->pin_digests || target->pin) {
		if (find_digests(target, options, digests, err) < 0)
			return NULL;
		render.digests = digests;
	}
	return render_release(options->release, &render, err);
}

int target_make(struct target *target, const struct txn_options *options,
		const struct survey *survey, struct plan *plan, struct err *err)
{
	autojval struct jval *rendered = render(target, options, err);

	if (rendered == NULL)
		return -1;
	strs_release(&plan->notes);
	if (target->pin && !options->pin_digests)
		strs_add(&plan->notes,
			 "images are named by their digests, since a tag has "
			 "got another image than it had when it was installed "
			 "here: nodes would keep the old one");
	if (policy_host_time(options->kube, options->discovery,
			     options->host_time, rendered, &plan->notes,
			     err) < 0)
		return -1;
	fit_nodes(options->kube, rendered, &plan->notes);
	jval_free(target->objects);
	target->objects = certs_adapt(options->kube, survey, options->certs,
				      rendered, &plan->notes, err);
	return target->objects ? 0 : -1;
}

/* What was not pushed, or is the same, came from where it came before. */
static void record_images(const struct target *target,
			  const struct txn_options *options,
			  struct jval *record)
{
	const struct jval *before = jval_get(target->before, "images");
	const struct jval *bundle = NULL;
	autojval struct jval *images = image_results_value(
		target->images, options->release->nr_images);

	if (target->images)
		bundle = options->bundle;
	if (bundle == NULL &&
	    (target->images == NULL || jval_equal(images, before)))
		bundle = jval_get(target->before, "bundle");
	jval_set(record, "images",
		 target->images == NULL && before ? jval_copy(before) :
						    mem_steal(&images));
	if (bundle)
		jval_set(record, "bundle", jval_copy(bundle));
}

void target_record(const struct target *target,
		   const struct txn_options *options, const struct plan *plan,
		   struct jval *record)
{
	struct jval *notes = jval_new_array();

	for (size_t i = 0; i < plan->notes.nr; i++)
		jval_append(notes, jval_new_str(plan->notes.item[i]));
	jval_set_str(record, "registry", options->render.registry);
	record_images(target, options, record);
	if (target->pin)
		jval_set(record, "pinned", jval_new_bool(true));
	jval_set(record, "notes", notes);
	record_set_objects(record, target->objects);
}

void target_release(struct target *target, const struct txn_options *options)
{
	image_results_free(target->images, options->release->nr_images);
	jval_free(target->objects);
	memset(target, 0, sizeof(*target));
}
