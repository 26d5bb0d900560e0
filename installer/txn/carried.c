#include "txn/carried.h"

#include "base/strs.h"
#include "bundle/bundle.h"

static bool is_listed(void *ctx, const struct bundle_file *file)
{
	return strs_has(ctx, file->digest) && str_starts(file->path, "blobs/");
}

/* Before the first upload: all that will be sent, on all processors. */
static int verify_carried(void *ctx, const struct strs *digests,
			  struct err *err)
{
	const struct images_options *options = ctx;
	const struct bundle_verify verify = {
		.wanted = is_listed,
		.ctx = (void *)digests,
		.progress = options->progress,
	};

	return bundle_verify(options->release->bundle, &verify, err);
}

size_t carried_artifacts(const struct release_image *image,
			 struct push_item *items, size_t of)
{
	const struct bundle_image *carried = image->carried;
	size_t nr = 0;

	for (; carried && nr < carried->nr_artifacts; nr++)
		items[of + 1 + nr] = (struct push_item){
			.source = items[of].source,
			.reference = carried->artifact[nr].digest,
			.repository = items[of].repository,
			.tag = carried->artifact[nr].tag,
			.artifact = true,
			.of = of,
		};
	return nr;
}

size_t carried_count(const struct release *release)
{
	size_t nr = 0;

	for (size_t i = 0; i < release->nr_images; i++)
		if (release->image[i].carried)
			nr += release->image[i].carried->nr_artifacts;
	return nr;
}

bool carried_whole(const struct images_options *options)
{
	return options->release->bundle && options->platform == NULL;
}

void carried_push(const struct images_options *options,
		  struct push_options *push)
{
	push->all_platforms |= carried_whole(options);
	push->verify = verify_carried;
	push->verify_ctx = (void *)options;
}
