#include "registry/copy.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define COPY_MAX_DEPTH 4
#define COPY_MAX_MANIFESTS 512
#define COPY_PLATFORM "linux/amd64"

void copy_init(struct copy *copy, size_t nr)
{
	memset(copy, 0, sizeof(*copy));
	copy->image = mem_array(nr, sizeof(*copy->image));
}

static void image_release(struct copy_image *image)
{
	for (size_t i = 0; i < image->nr_manifests; i++) {
		descriptor_release(&image->manifest[i].descriptor);
		free(image->manifest[i].bytes);
	}
	free(image->manifest);
	free(image->blob);
}

void copy_release(struct copy *copy)
{
	for (size_t i = 0; i < copy->nr_images; i++)
		image_release(&copy->image[i]);
	for (size_t i = 0; i < copy->nr_blobs; i++) {
		descriptor_release(&copy->blob[i].descriptor);
		free(copy->blob[i].image);
	}
	free(copy->image);
	free(copy->blob);
}

const struct copy_manifest *copy_root(const struct copy_image *image)
{
	return &image->manifest[image->nr_manifests - 1];
}

struct walk {
	struct copy_image *image;
	const char *platform; /* NULL = all */
};

/* Takes what is in `found`. */
static void keep_manifest(struct copy_image *image, struct copy_manifest *found)
{
	image->manifest = mem_resize(image->manifest, image->nr_manifests + 1,
				     sizeof(*image->manifest));
	image->manifest[image->nr_manifests++] = *found;
	memset(found, 0, sizeof(*found));
}

static bool has_manifest(const struct copy_image *image, const char *digest)
{
	for (size_t i = 0; i < image->nr_manifests; i++)
		if (str_eq(image->manifest[i].descriptor.digest, digest))
			return true;
	return false;
}

static int walk_manifest(struct walk *walk, const char *reference,
			 unsigned int depth, struct err *err);

static int walk_index(struct walk *walk, const struct manifest *index,
		      unsigned int depth, struct err *err)
{
	const struct manifest_part *part;

	if (depth >= COPY_MAX_DEPTH)
		return err_set(err, ERR_INVALID,
			       "an index within an index "
			       "within an index");
	if (walk->platform) {
		part = manifest_for_platform(index, walk->platform, err);
		return part ? walk_manifest(walk, part->descriptor.digest,
					    depth + 1, err) :
			      -1;
	}
	for (size_t i = 0; i < index->nr; i++) {
		const char *digest = index->part[i].descriptor.digest;

		if (!has_manifest(walk->image, digest) &&
		    walk_manifest(walk, digest, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

static int walk_found(struct walk *walk, struct copy_manifest *found,
		      unsigned int depth, struct err *err)
{
	auto_manifest struct manifest manifest = { 0 };

	if (walk->image->nr_manifests >= COPY_MAX_MANIFESTS)
		return err_set(err, ERR_INVALID, "more than %d manifests",
			       COPY_MAX_MANIFESTS);
	if (manifest_parse(&manifest, &found->descriptor, found->bytes, err) <
	    0)
		return -1;
	if (manifest.is_index) {
		if (walk_index(walk, &manifest, depth, err) < 0)
			return -1;
		if (walk->platform)
			return 0;
	}
	keep_manifest(walk->image, found);
	return 0;
}

static int walk_manifest(struct walk *walk, const char *reference,
			 unsigned int depth, struct err *err)
{
	struct copy_manifest found = { 0 };
	int result;

	if (image_source_manifest(walk->image->source, reference,
				  &found.descriptor, &found.bytes, err) < 0)
		return -1;
	result = walk_found(walk, &found, depth, err);
	descriptor_release(&found.descriptor);
	free(found.bytes);
	return result;
}

static bool has_blob(const struct copy *copy, const struct copy_image *image,
		     const char *digest)
{
	for (size_t i = 0; i < image->nr_blobs; i++)
		if (str_eq(copy->blob[image->blob[i]].descriptor.digest,
			   digest))
			return true;
	return false;
}

static size_t find_blob(struct copy *copy, const struct descriptor *wanted)
{
	struct copy_blob *blob;

	for (size_t i = 0; i < copy->nr_blobs; i++)
		if (str_eq(copy->blob[i].descriptor.digest, wanted->digest))
			return i;
	copy->blob =
		mem_resize(copy->blob, copy->nr_blobs + 1, sizeof(*copy->blob));
	blob = &copy->blob[copy->nr_blobs];
	memset(blob, 0, sizeof(*blob));
	blob->descriptor.media_type = mem_strdup(wanted->media_type);
	blob->descriptor.digest = mem_strdup(wanted->digest);
	blob->descriptor.size = wanted->size;
	return copy->nr_blobs++;
}

static void add_blob(struct copy *copy, size_t index,
		     const struct descriptor *wanted)
{
	struct copy_image *image = &copy->image[index];
	struct copy_blob *blob;
	size_t number;

	if (has_blob(copy, image, wanted->digest))
		return;
	number = find_blob(copy, wanted);
	blob = &copy->blob[number];
	blob->image = mem_resize(blob->image, blob->nr_images + 1,
				 sizeof(*blob->image));
	blob->image[blob->nr_images++] = index;
	image->blob = mem_resize(image->blob, image->nr_blobs + 1,
				 sizeof(*image->blob));
	image->blob[image->nr_blobs++] = number;
	atomic_fetch_add(&image->blobs_left, 1);
}

static int each_manifest(struct copy *copy, size_t index,
			 void (*use)(struct copy *copy, size_t index,
				     const struct descriptor *blob),
			 struct err *err)
{
	struct copy_image *image = &copy->image[index];

	for (size_t i = 0; i < image->nr_manifests; i++) {
		auto_manifest struct manifest manifest = { 0 };

		if (manifest_parse(&manifest, &image->manifest[i].descriptor,
				   image->manifest[i].bytes, err) < 0)
			return -1;
		for (size_t k = 0; !manifest.is_index && k < manifest.nr; k++)
			use(copy, index, &manifest.part[k].descriptor);
	}
	return 0;
}

static void count_blob(struct copy *copy, size_t index,
		       const struct descriptor *blob)
{
	copy->image[index].bytes += blob->size;
}

int copy_add(struct copy *copy, struct image_source *source,
	     const char *reference, const char *platform, bool all_platforms,
	     struct err *err)
{
	size_t index = copy->nr_images++;
	struct copy_image *image = &copy->image[index];
	struct walk walk = {
		.image = image,
		.platform = all_platforms ? NULL :
			    platform	  ? platform :
					    COPY_PLATFORM,
	};

	image->source = source;
	if (walk_manifest(&walk, reference, 0, err) < 0 ||
	    each_manifest(copy, index, count_blob, err) < 0)
		return err_wrap(err, "image '%s' of '%s'",
				reference ? reference : "",
				image_source_name(source));
	return 0;
}

int copy_add_blobs(struct copy *copy, size_t index, struct err *err)
{
	struct copy_image *image = &copy->image[index];

	if (each_manifest(copy, index, add_blob, err) < 0)
		return -1;
	/* Now each blob counts once. */
	image->bytes = 0;
	for (size_t i = 0; i < image->nr_blobs; i++)
		image->bytes += copy->blob[image->blob[i]].descriptor.size;
	return 0;
}

static int larger_first(const void *a, const void *b)
{
	uint64_t one = ((const struct copy_blob *)a)->descriptor.size;
	uint64_t other = ((const struct copy_blob *)b)->descriptor.size;

	return one < other ? 1 : one > other ? -1 : 0;
}

void copy_sort(struct copy *copy)
{
	if (copy->nr_blobs > 1)
		qsort(copy->blob, copy->nr_blobs, sizeof(*copy->blob),
		      larger_first);
	for (size_t i = 0; i < copy->nr_images; i++)
		copy->image[i].nr_blobs = 0;
	for (size_t i = 0; i < copy->nr_blobs; i++)
		for (size_t k = 0; k < copy->blob[i].nr_images; k++) {
			struct copy_image *image =
				&copy->image[copy->blob[i].image[k]];

			image->blob[image->nr_blobs++] = i;
		}
}

void copy_advance(struct copy_image *image, uint64_t bytes)
{
	atomic_fetch_add(&image->done, bytes);
	progress_advance(image->progress, bytes);
}

void copy_take_back(struct copy_image *image, uint64_t bytes)
{
	if (bytes > 0)
		progress_reset(image->progress,
			       atomic_fetch_sub(&image->done, bytes) - bytes);
}

int copy_meter_seen(void *ctx, size_t len, struct err *err)
{
	struct copy_meter *self = ctx;

	if (workers_cancelled(self->workers))
		return err_set(err, ERR_INTERRUPTED, "cancelled");
	if (clock_check_interrupt(err) < 0)
		return -1;
	copy_advance(self->image, len);
	self->counted += len;
	return 0;
}

void copy_meter_back(struct copy_meter *meter)
{
	copy_take_back(meter->image, meter->counted);
	meter->counted = 0;
}
