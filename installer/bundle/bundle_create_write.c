#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "bundle/bundle_create_part.h"
#include "format/tar_header.h"

#define WRITE_JOBS 6
#define FETCH_TRIES 3
#define FETCH_PAUSE_MS 500
#define FETCH_PAUSE_MAX_MS 5000
#define FETCH_SLICE_MS 100

/* --- what is small -------------------------------------------------------- */

static int write_header(struct create *self, const char *path, uint64_t size,
			uint64_t content, struct err *err)
{
	unsigned char header[TAR_HEADER_SIZE];

	if (tar_header_make(header, path, size, self->meta.created_s, err) < 0)
		return -1;
	return volume_writer_write(self->writer,
				   self->start + content - TAR_HEADER_SIZE,
				   header, sizeof(header), err);
}

static int write_text(struct create *self, const char *path, uint64_t content,
		      const char *text, size_t len, struct err *err)
{
	if (write_header(self, path, len, content, err) < 0)
		return -1;
	return volume_writer_write(self->writer, self->start + content, text,
				   len, err);
}

static int write_signature(struct create *self, struct err *err)
{
	const struct sign_key *key = self->options->key;
	autofree char *line = mem_strdup(BUNDLE_UNSIGNED);
	char text[SIGN_MAX_TEXT];

	if (key) {
		if (sign_text(key, self->json, self->json_len, text, err) < 0)
			return -1;
		free(line);
		line = mem_printf("%s\n", text);
	}
	return write_text(self, "bundle.json.sig",
			  self->meta.sig_offset + TAR_HEADER_SIZE, line,
			  strlen(line), err);
}

static int write_small(struct create *self, struct err *err)
{
	if (write_text(self, "bundle.json", TAR_HEADER_SIZE, self->json,
		       self->json_len, err) < 0 ||
	    write_signature(self, err) < 0)
		return -1;
	for (size_t i = 0; i < self->nr_files; i++) {
		const struct create_file *file = &self->file[i];
		uint64_t at = self->meta.file[i].offset;

		if (write_header(self, file->path, file->size, at, err) < 0)
			return -1;
		if (file->text &&
		    volume_writer_write(self->writer, self->start + at,
					file->text, (size_t)file->size,
					err) < 0)
			return -1;
	}
	return 0;
}

/* --- what is large -------------------------------------------------------- */

static bool create_cancelled(void *ctx)
{
	struct create *self = ctx;

	return workers_cancelled(self->workers);
}

/* Check what flows to its place. */
static int flow(struct create *self, struct source *from, const char *digest,
		uint64_t size, uint64_t at, struct copy_meter *meter,
		struct err *err)
{
	struct source_verify verify;
	struct source_count count;
	int64_t n;

	source_verify_init(&verify, from, digest, size);
	source_count_init(&count, &verify.source, copy_meter_seen, meter);
	n = volume_writer_copy(self->writer, at, &count.source, err);
	source_verify_release(&verify);
	return n < 0 ? -1 : 0;
}

static int fetch_once(struct create *self, const struct create_file *file,
		      uint64_t at, struct copy_meter *meter, struct err *err)
{
	struct image_blob *blob = image_source_blob(
		meter->image->source, &file->blob->descriptor, err);
	int result;

	if (blob == NULL)
		return -1;
	result = flow(self, image_blob_source(blob), file->digest, file->size,
		      at, meter, err);
	image_blob_close(blob);
	return result;
}

static int fetch_pause(struct create *self, unsigned int attempt,
		       struct err *err)
{
	int64_t deadline = deadline_in_ms(
		clock_backoff_ms(attempt, FETCH_PAUSE_MS, FETCH_PAUSE_MAX_MS));

	while (deadline_left_ms(deadline) > 0) {
		if (create_cancelled(self))
			return err_set(err, ERR_INTERRUPTED, "cancelled");
		if (clock_sleep(FETCH_SLICE_MS, err) < 0)
			return -1;
	}
	return 0;
}

static int fetch(struct create *self, const struct create_file *file,
		 uint64_t at, struct copy_meter *meter, struct err *err)
{
	for (unsigned int attempt = 1;; attempt++) {
		if (fetch_once(self, file, at, meter, err) == 0)
			return 0;
		if (!err->transient || attempt == FETCH_TRIES)
			break;
		log_verbose("%s; trying again (%u of %u)", err->msg, attempt,
			    FETCH_TRIES - 1);
		err_clear(err);
		copy_meter_back(meter);
		if (fetch_pause(self, attempt, err) < 0)
			return -1;
	}
	if (err->kind == ERR_VERIFY)
		err_hint(err, "the source is damaged: get it anew");
	return err_wrap(err, "from '%s'",
			image_source_name(meter->image->source));
}

static int write_blob(struct create *self, const struct create_file *file,
		      uint64_t at, struct err *err)
{
	const struct copy_blob *blob = file->blob;
	struct copy_meter meter = {
		.image = &self->copy.image[blob->image[0]],
		.workers = self->workers,
	};

	if (fetch(self, file, at, &meter, err) < 0)
		return -1;
	for (size_t i = 0; i < blob->nr_images; i++) {
		struct copy_image *image = &self->copy.image[blob->image[i]];

		if (atomic_fetch_sub(&image->blobs_left, 1) == 1)
			progress_end(image->progress, PROGRESS_DONE, "fetched");
	}
	return 0;
}

static int write_outside(struct create *self, const struct create_file *file,
			 uint64_t at, struct err *err)
{
	autoclose int fd = file_open(AT_FDCWD, file->from, O_RDONLY, 0, err);
	struct copy_image nobody = { .nr_blobs = 0 };
	struct copy_meter meter = { .image = &nobody,
				    .workers = self->workers };
	struct source_file source;

	if (fd < 0)
		return -1;
	source_file_init(&source, fd, 0, file->size);
	if (flow(self, &source.source, file->digest, file->size, at, &meter,
		 err) == 0)
		return 0;
	return err_wrap(err,
			err->kind == ERR_VERIFY ?
				"'%s' changed while it was read" :
				"'%s'",
			file->from);
}

static int write_executable(struct create *self, struct err *err)
{
	struct copy_image nobody = { .nr_blobs = 0 };
	struct copy_meter meter = { .image = &nobody,
				    .workers = self->workers };
	struct source_volume source;

	source_volume_init(&source, self->executable, 0, self->executable_size);
	return flow(self, &source.source, self->executable_digest,
		    self->executable_size, 0, &meter, err);
}

/* The files, largest first, and then the executable. */
static int write_job(void *ctx, void *own, size_t job, struct err *err)
{
	struct create *self = ctx;
	const struct create_file *file;
	uint64_t at;

	(void)own;
	if (job == self->nr_files)
		return write_executable(self, err);
	file = self->order[job];
	at = self->start + self->meta.file[file - self->file].offset;
	if (file->blob)
		return write_blob(self, file, at, err);
	return file->from ? write_outside(self, file, at, err) : 0;
}

static int larger_first(const void *a, const void *b)
{
	const struct create_file *const *x = a, *const *y = b;

	return (*x)->size < (*y)->size ? 1 : (*x)->size > (*y)->size ? -1 : 0;
}

static void order_files(struct create *self)
{
	self->order = mem_array(self->nr_files, sizeof(*self->order));
	for (size_t i = 0; i < self->nr_files; i++)
		self->order[i] = &self->file[i];
	qsort(self->order, self->nr_files, sizeof(*self->order), larger_first);
}

/* A blob that several images have is fetched for the first of them. */
static void begin_progress(struct create *self)
{
	autofree uint64_t *bytes =
		mem_array(self->copy.nr_images, sizeof(*bytes));

	for (size_t i = 0; i < self->copy.nr_blobs; i++)
		bytes[self->copy.blob[i].image[0]] +=
			self->copy.blob[i].descriptor.size;
	for (size_t i = 0; i < self->nr_images; i++) {
		const struct image_choice *choice = self->image[i].choice;
		size_t number = self->image[i].copy;

		self->copy.image[number].progress = progress_add(
			self->options->progress, PROGRESS_BYTES, bytes[number],
			"%s",
			choice->reference ? choice->reference :
					    image_source_name(choice->source));
	}
}

static void end_progress(struct create *self)
{
	for (size_t i = 0; i < self->nr_images; i++) {
		struct copy_image *image =
			&self->copy.image[self->image[i].copy];

		if (atomic_load(&image->blobs_left) > 0)
			progress_end(image->progress, PROGRESS_FAILED, NULL);
	}
}

static void cancel_by(struct create *self, bool (*cancelled)(void *ctx))
{
	for (size_t i = 0; i < self->copy.nr_images; i++)
		image_source_cancel_by(self->copy.image[i].source, cancelled,
				       self);
}

static int write_large(struct create *self, struct err *err)
{
	unsigned int jobs = self->options->jobs;
	const struct workers_options workers = {
		.nr_jobs = self->nr_files + (self->executable ? 1 : 0),
		.threads = jobs ? jobs : WRITE_JOBS,
		.ctx = self,
		.handle = &self->workers,
		.run = write_job,
	};
	int result;

	order_files(self);
	begin_progress(self);
	cancel_by(self, create_cancelled);
	result = workers_run(&workers, err);
	cancel_by(self, NULL);
	end_progress(self);
	return result;
}

int create_write(struct create *self, struct err *err)
{
	const struct bundle_create *options = self->options;

	self->writer =
		volume_writer_new(options->path, self->start + self->meta.total,
				  options->part_bytes,
				  options->self_contained ? 0755 : 0644, err);
	if (self->writer == NULL || write_small(self, err) < 0 ||
	    write_large(self, err) < 0)
		return -1;
	return volume_writer_commit(self->writer, err);
}
