#include "bundle/bundle_create.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "bundle/bundle_create_part.h"
#include "format/elf.h"
#include "format/tar_header.h"

const struct create_image *create_image_at(const struct create *self,
					   size_t input, size_t image)
{
	return &self->image[self->image_of[input][image]];
}

/* Only the program: a bundle that lies behind it does not go along. */
static int take_executable(struct create *self, struct err *err)
{
	struct source_volume source;
	int found;

	self->executable = volume_open("/proc/self/exe", err);
	if (self->executable == NULL)
		return -1;
	found = elf_end(self->executable, &self->executable_size, err);
	if (found == 0)
		return err_set(err, ERR_FAILED,
			       "this executable is no ELF file");
	if (found < 0)
		return -1;
	source_volume_init(&source, self->executable, 0, self->executable_size);
	if (source_digest(&source.source, self->executable_digest, err) < 0)
		return -1;
	self->start = tar_padded(self->executable_size);
	return 0;
}

static size_t count_artifacts(const struct create *self)
{
	size_t nr = 0;

	for (size_t i = 0; i < self->nr_images; i++)
		nr += self->image[i].artifacts.nr;
	return nr;
}

static void tell(const struct create *self, struct bundle_created *created)
{
	uint64_t part = self->options->part_bytes;

	digest_of(self->json, self->json_len, created->digest);
	created->size = self->start + self->meta.total;
	created->nr_parts = part ? (size_t)((created->size + part - 1) / part) :
				   1;
	created->nr_images = self->nr_images;
	created->nr_artifacts = count_artifacts(self);
	created->nr_files = self->nr_files;
}

static void create_release(struct create *self)
{
	for (size_t i = 0; i < self->nr_images; i++) {
		artifacts_release(&self->image[i].artifacts);
		free(self->image[i].artifact_copy);
		jval_free(self->image[i].platform);
	}
	for (size_t i = 0; i < self->options->nr_inputs; i++)
		free(self->image_of[i]);
	for (size_t i = 0; i < self->nr_files; i++) {
		free(self->file[i].path);
		free(self->file[i].own);
	}
	free(self->image_of);
	free(self->image);
	free(self->file);
	free(self->order);
	strs_release(&self->wrappers);
	strs_release(&self->platforms);
	volume_free(self->executable);
	free(self->json);
	bundle_meta_release(&self->meta);
	volume_writer_free(self->writer);
	copy_release(&self->copy);
}

int bundle_create(const struct bundle_create *options,
		  struct bundle_created *created, struct err *err)
{
	struct create self = { .options = options,
			       .created_s = options->created_s };
	int result = -1;

	copy_init(&self.copy, 0);
	self.image_of = mem_array(options->nr_inputs, sizeof(*self.image_of));
	if ((!options->self_contained || take_executable(&self, err) == 0) &&
	    create_plan_images(&self, err) == 0 &&
	    create_list_files(&self, err) == 0 &&
	    create_describe(&self, err) == 0)
		result = create_write(&self, err);
	if (result == 0)
		tell(&self, created);
	create_release(&self);
	return result < 0 ? err_wrap(err, "create '%s'", options->path) : 0;
}
