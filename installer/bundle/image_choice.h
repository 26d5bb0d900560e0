/*
 * image_choice - which source each image of a release is taken from.
 *
 * Sources are named by the user as "SPEC", or as "NAME=SPEC" where the source
 * calls the image something else; or they are upstream's registries, in the
 * order of the catalogue. A source is opened once for all images, so that
 * blobs which images share are seen to be the same.
 */
#ifndef BUNDLE_IMAGE_CHOICE_H
#define BUNDLE_IMAGE_CHOICE_H

#include "bundle/catalogue.h"
#include "registry/image.h"

struct image_chooser;

struct image_choice {
	struct image_source *source; /* the chooser's */
	char *reference;	     /* in the source, or NULL; owned */
};

/* `from` (NULL = none) and what `options` points to are borrowed. */
struct image_chooser *
image_chooser_new(const struct strs *from,
		  const struct image_source_options *options) must_check;
void image_chooser_free(struct image_chooser *chooser);
void image_choice_release(struct image_choice *choice);

/* ERR_USAGE for a "NAME=SPEC" whose name is no image of the `nr` releases. */
int image_chooser_check(const struct image_chooser *chooser,
			const struct release *const *releases, size_t nr,
			struct err *err) must_check;

/* Among the sources that the user named: 1 = found, 0 = none has it. */
int image_choose_named(struct image_chooser *chooser,
		       const struct release_image *image,
		       struct image_choice *choice, struct err *err) must_check;

/* The error for that 0: -1. */
int image_choose_missing(const struct image_chooser *chooser,
			 const struct release_image *image, struct err *err)
	must_check;

/* The first of upstream's registries that has it. */
int image_choose_upstream(struct image_chooser *chooser,
			  const struct release_image *image,
			  struct image_choice *choice, struct err *err)
	must_check;

static inline void image_chooser_autofree(struct image_chooser **chooser)
{
	image_chooser_free(*chooser);
}

#define autochooser __attribute__((cleanup(image_chooser_autofree)))

#endif
