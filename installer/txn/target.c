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

/* Digests go into the manifests only where they are known. */
static struct jval *render(const struct target *target,
			   const struct txn_options *options, struct err *err)
{
	struct render_options render = options->render;
	size_t nr = options->release->nr_images;
	autofree const char **digests = mem_array(nr, sizeof(*digests));

	for (size_t i = 0; target->images && i < nr; i++)
		digests[i] = target->images[i].digest;
	if (options->pin_digests)
		render.digests = digests;
	return render_release(options->release, &render, err);
}

int target_make(struct target *target, const struct txn_options *options,
		const struct survey *survey, struct plan *plan, struct err *err)
{
	autojval struct jval *rendered = render(target, options, err);

	if (rendered == NULL)
		return -1;
	strs_release(&plan->notes);
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

void target_record(const struct target *target,
		   const struct txn_options *options, const struct plan *plan,
		   struct jval *record)
{
	struct jval *notes = jval_new_array();

	for (size_t i = 0; i < plan->notes.nr; i++)
		jval_append(notes, jval_new_str(plan->notes.item[i]));
	jval_set_str(record, "registry", options->render.registry);
	jval_set(record, "images",
		 image_results_value(target->images,
				     options->release->nr_images));
	if (options->bundle)
		jval_set(record, "bundle", jval_copy(options->bundle));
	jval_set(record, "notes", notes);
	record_set_objects(record, target->objects);
}

void target_release(struct target *target, const struct txn_options *options)
{
	image_results_free(target->images, options->release->nr_images);
	jval_free(target->objects);
	memset(target, 0, sizeof(*target));
}
