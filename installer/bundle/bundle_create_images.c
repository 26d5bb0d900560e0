#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/version.h"
#include "bundle/bundle_create_part.h"

#define CONFIG_MAX_BYTES ((size_t)4 << 20)

/* Its number, or -1. */
static int64_t add_copy(struct create *self, struct image_source *source,
			const char *reference, bool all, struct err *err)
{
	struct copy *copy = &self->copy;
	size_t number = copy->nr_images;

	copy->image = mem_resize(copy->image, number + 1, sizeof(*copy->image));
	memset(&copy->image[number], 0, sizeof(*copy->image));
	if (copy_add(copy, source, reference, self->options->platform, all,
		     err) < 0)
		return -1;
	return (int64_t)number;
}

static int find_artifacts(struct create *self, struct create_image *image,
			  struct err *err)
{
	const struct copy_image *copy = &self->copy.image[image->copy];

	for (size_t i = 0; i < copy->nr_manifests; i++)
		if (artifacts_find(&image->artifacts, copy->source,
				   copy->manifest[i].descriptor.digest,
				   err) < 0)
			return -1;
	return 0;
}

static int add_artifacts(struct create *self, struct create_image *image,
			 struct err *err)
{
	struct image_source *source = image->choice->source;

	image->artifact_copy =
		mem_array(image->artifacts.nr, sizeof(*image->artifact_copy));
	for (size_t i = 0; i < image->artifacts.nr; i++) {
		int64_t number = add_copy(self, source,
					  image->artifacts.item[i].digest, true,
					  err);

		if (number < 0)
			return -1;
		image->artifact_copy[i] = (size_t)number;
	}
	return 0;
}

/* A signature of the list is worth nothing to one who has only an image out
 * of it. */
static int warn_of_list(const struct create_image *image, struct err *err)
{
	auto_artifacts struct artifacts lost = { 0 };
	auto_descriptor struct descriptor root = { 0 };
	struct image_source *source = image->choice->source;
	const char *name = image->choice->reference;
	autofree char *bytes = NULL;

	if (image_source_manifest(source, name, &root, &bytes, err) < 0)
		return -1;
	if (!media_type_is_index(root.media_type))
		return 0;
	if (artifacts_find(&lost, source, root.digest, err) < 0)
		return -1;
	if (lost.nr > 0)
		log_warn("'%s' has %zu signatures or attestations of the "
			 "manifest list, which is not taken: --all-platforms "
			 "keeps both",
			 name ? name : image_source_name(source), lost.nr);
	return 0;
}

static void add_platform(struct create *self, struct create_image *image,
			 const struct jval *config)
{
	const char *os = jval_str(config, "os");
	const char *arch = jval_str(config, "architecture");
	const char *variant = jval_str(config, "variant");
	autofree char *name = NULL;

	/* Attestations in a list pass for images of "unknown/unknown". */
	if (os == NULL || arch == NULL || str_eq(os, "unknown"))
		return;
	name = mem_printf("%s/%s%s%s", os, arch, variant ? "/" : "",
			  variant ? variant : "");
	if (!strs_has(&self->platforms, name))
		strs_add(&self->platforms, name);
	if (image->platform)
		return;
	image->platform = jval_new_object();
	jval_set_str(image->platform, "architecture", arch);
	jval_set_str(image->platform, "os", os);
	if (variant)
		jval_set_str(image->platform, "variant", variant);
}

static void add_created(struct create *self, const struct jval *config)
{
	const char *text = jval_str(config, "created");
	struct err ignored = ERR_INIT;
	time_t created;

	if (self->options->created_s >= 0 || text == NULL ||
	    clock_parse_rfc3339(text, &created, &ignored) < 0)
		return;
	if (created > self->created_s)
		self->created_s = created;
}

static int read_config(struct image_source *source,
		       const struct descriptor *config, char **text,
		       size_t *len, struct err *err)
{
	struct image_blob *blob = image_source_blob(source, config, err);
	struct source_verify verify;
	int result;

	if (blob == NULL)
		return -1;
	source_verify_init(&verify, image_blob_source(blob), config->digest,
			   config->size);
	result = source_read_all(&verify.source, CONFIG_MAX_BYTES, text, len,
				 err);
	source_verify_release(&verify);
	image_blob_close(blob);
	return result;
}

static int look_at_config(struct create *self, struct create_image *image,
			  const struct descriptor *config, struct err *err)
{
	struct image_source *source = image->choice->source;
	autojval struct jval *value = NULL;
	autofree char *text = NULL;
	size_t len;

	if (!str_eq(config->media_type, MEDIA_OCI_CONFIG) &&
	    !str_eq(config->media_type, MEDIA_DOCKER_CONFIG))
		return 0;
	if (read_config(source, config, &text, &len, err) < 0)
		return err_wrap(err, "'%s'", image_source_name(source));
	value = jval_parse(text, len, err);
	if (value == NULL)
		return err_wrap(err, "configuration '%s' of '%s'",
				config->digest, image_source_name(source));
	add_platform(self, image, value);
	add_created(self, value);
	return 0;
}

static int look_at_configs(struct create *self, struct create_image *image,
			   struct err *err)
{
	const struct copy_image *copy = &self->copy.image[image->copy];

	for (size_t i = 0; i < copy->nr_manifests; i++) {
		auto_manifest struct manifest manifest = { 0 };

		if (manifest_parse(&manifest, &copy->manifest[i].descriptor,
				   copy->manifest[i].bytes, err) < 0)
			return -1;
		if (!manifest.is_index && manifest.nr > 0 &&
		    look_at_config(self, image, &manifest.part[0].descriptor,
				   err) < 0)
			return -1;
	}
	return 0;
}

static int plan_image(struct create *self, const struct image_choice *choice,
		      struct err *err)
{
	bool all = self->options->all_platforms;
	struct create_image *image;
	int64_t number;

	self->image = mem_resize(self->image, self->nr_images + 1,
				 sizeof(*self->image));
	image = &self->image[self->nr_images++];
	memset(image, 0, sizeof(*image));
	image->choice = choice;
	number = add_copy(self, choice->source, choice->reference, all, err);
	if (number < 0)
		return -1;
	image->copy = (size_t)number;
	if (look_at_configs(self, image, err) < 0 ||
	    find_artifacts(self, image, err) < 0 ||
	    (!all && warn_of_list(image, err) < 0))
		return -1;
	return add_artifacts(self, image, err);
}

/* Releases that have an image in common name one source for it. */
static size_t find_image(const struct create *self,
			 const struct image_choice *choice)
{
	size_t i;

	for (i = 0; i < self->nr_images; i++)
		if (self->image[i].choice->source == choice->source &&
		    str_eq(self->image[i].choice->reference, choice->reference))
			break;
	return i;
}

static int plan_input(struct create *self, size_t input, struct err *err)
{
	const struct bundle_input *from = &self->options->input[input];
	size_t nr = from->release->nr_images;

	self->image_of[input] = mem_array(nr, sizeof(**self->image_of));
	for (size_t i = 0; i < nr; i++) {
		size_t found = find_image(self, &from->image[i]);

		if (found == self->nr_images &&
		    plan_image(self, &from->image[i], err) < 0)
			return -1;
		self->image_of[input][i] = found;
	}
	return 0;
}

int create_plan_images(struct create *self, struct err *err)
{
	struct progress_item *item =
		progress_add(self->options->progress, PROGRESS_STEPS,
			     self->options->nr_inputs, "manifests");

	for (size_t i = 0; i < self->options->nr_inputs; i++) {
		if (plan_input(self, i, err) < 0) {
			progress_end(item, PROGRESS_FAILED, NULL);
			return -1;
		}
		progress_advance(item, 1);
	}
	progress_end(item, PROGRESS_DONE, NULL);
	for (size_t i = 0; i < self->copy.nr_images; i++)
		if (copy_add_blobs(&self->copy, i, err) < 0)
			return -1;
	copy_sort(&self->copy);
	strs_sort(&self->platforms);
	/* Who builds anew means it to be newer, be the images from 1970. */
	if (self->options->created_s < 0 && self->created_s < version_built())
		self->created_s = version_built();
	return 0;
}
