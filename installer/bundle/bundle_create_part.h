/*
 * bundle_create_part - what the files of bundle_create share; for
 * bundle_create*.c only.
 *
 *	create_plan_images	manifests are read: every blob is known
 *	create_list_files	every file, with size and digest, in order
 *	create_describe		bundle.json, and by it the places of all
 *	create_write		all of it to its place
 */
#ifndef BUNDLE_BUNDLE_CREATE_PART_H
#define BUNDLE_BUNDLE_CREATE_PART_H

#include "base/volume_writer.h"
#include "bundle/bundle_create.h"
#include "bundle/bundle_meta.h"
#include "registry/artifacts.h"
#include "registry/copy.h"

/* An image as a source gives it; releases may share it. */
struct create_image {
	const struct image_choice *choice;
	size_t copy;	       /* its number in copy.image */
	struct jval *platform; /* of its one manifest, or NULL */
	struct artifacts artifacts;
	size_t *artifact_copy;
};

/* A file of the bundle: what it holds is text here, a file, or a blob. */
struct create_file {
	char *path;
	char digest[DIGEST_SIZE];
	uint64_t size;
	const char *text; /* or NULL */
	char *own;	  /* the text, where it is to be freed */
	const char *from; /* path of a file, or NULL */
	const struct copy_blob *blob;
};

struct create {
	const struct bundle_create *options;
	struct copy copy; /* images and artifacts */
	struct create_image *image;
	size_t nr_images;
	size_t **image_of;    /* numbers in `image`, for each input and image */
	struct strs wrappers; /* indexes around images of Docker's types */
	struct strs platforms;
	int64_t created_s;

	struct create_file *file;
	size_t nr_files;
	const struct create_file **order; /* largest first */

	struct volume *executable; /* our own, or NULL */
	uint64_t executable_size;
	char executable_digest[DIGEST_SIZE];

	char *json;
	size_t json_len;
	struct bundle_meta meta;

	uint64_t start; /* of the archive in the file */
	struct volume_writer *writer;
	struct workers *workers;
};

const struct create_image *create_image_at(const struct create *self,
					   size_t input, size_t image);

int create_plan_images(struct create *self, struct err *err) must_check;
int create_list_files(struct create *self, struct err *err) must_check;
int create_describe(struct create *self, struct err *err) must_check;
int create_write(struct create *self, struct err *err) must_check;

#endif
