/*
 * carried - the images of a release that a bundle carries, as a push takes
 * them; for images.c only.
 */
#ifndef TXN_CARRIED_H
#define TXN_CARRIED_H

#include "txn/images.h"

/* How many artifacts its images have, all together. */
size_t carried_count(const struct release *release);

/* Signatures and the like go beside their image, which is item number `of`:
 * items for them behind it, and how many. */
size_t carried_artifacts(const struct release_image *image,
			 struct push_item *items, size_t of);

/* What a bundle holds goes as it is, unless one platform is asked for. */
bool carried_whole(const struct images_options *options);

/* What holds for all of them: whole, and verified before the first upload;
 * `options` must outlive the push. */
void carried_push(const struct images_options *options,
		  struct push_options *push);

#endif
