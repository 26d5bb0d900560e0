#include "registry/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/jval.h"
#include "registry/copy.h"
#include "registry/workers.h"

#define PULL_JOBS 6
#define PULL_TRIES 3
#define PULL_PAUSE_MS 500
#define PULL_PAUSE_MAX_MS 5000
#define PULL_SLICE_MS 100
#define LAYOUT_MAX_BYTES ((size_t)4 << 20)

struct pull {
	const struct pull_options *options;
	bool layout; /* else a dir: */
	char *dir;
	char *name; /* in the layout's index, or NULL */
	int fd;	    /* of the directory */
	struct copy copy;
	struct workers *workers;
};

/* "oci:DIR[:NAME]": the name is behind the last colon after the last slash. */
static int pull_target(struct pull *self, struct err *err)
{
	const char *to = self->options->to;
	const char *dir = str_after(to, "dir:");
	const char *slash, *colon;

	if (dir) {
		self->dir = mem_strdup(dir);
		return 0;
	}
	dir = str_after(to, "oci:");
	if (dir == NULL)
		return err_set(err, ERR_USAGE,
			       "cannot pull to '%s': write oci:DIR or dir:DIR",
			       to);
	self->layout = true;
	slash = strrchr(dir, '/');
	colon = strchr(slash ? slash : dir, ':');
	self->dir = colon ? mem_strndup(dir, (size_t)(colon - dir)) :
			    mem_strdup(dir);
	self->name = mem_strdup(colon ? colon + 1 : self->options->name);
	return 0;
}

static int pull_open_dir(struct pull *self, struct err *err)
{
	autofree char *blobs = mem_printf("%s%s", self->dir,
					  self->layout ? "/blobs/sha256" : "");

	if (*self->dir == '\0')
		return err_set(err, ERR_USAGE, "'%s' names no directory",
			       self->options->to);
	if (file_make_dirs(blobs, 0755, err) < 0)
		return -1;
	self->fd =
		file_open(AT_FDCWD, self->dir, O_RDONLY | O_DIRECTORY, 0, err);
	return self->fd < 0 ? -1 : 0;
}

static char *blob_path(const struct pull *self, const char *digest)
{
	return mem_printf("%s%s", self->layout ? "blobs/sha256/" : "",
			  digest_hex(digest));
}

struct fetch {
	struct pull *pull;
	struct copy_meter meter;
};

static bool pull_cancelled(void *ctx)
{
	struct pull *self = ctx;

	return workers_cancelled(self->workers);
}

static int read_to_end(struct source *source, struct err *err)
{
	autofree char *block = mem_alloc(SOURCE_BLOCK);
	ssize_t n;

	do {
		n = source_read(source, block, SOURCE_BLOCK, err);
	} while (n > 0);
	return n < 0 ? -1 : 0;
}

/* Check the blob as it flows to `fd`, or nowhere where that is negative. */
static int fetch_flow(struct fetch *self, const struct descriptor *blob,
		      struct source *from, int fd, struct err *err)
{
	struct source_verify verify;
	struct source_count count;
	int result;

	source_verify_init(&verify, from, blob->digest, blob->size);
	source_count_init(&count, &verify.source, copy_meter_seen,
			  &self->meter);
	if (fd < 0)
		result = read_to_end(&count.source, err);
	else
		result = source_copy_to_fd(&count.source, fd, err) < 0 ? -1 : 0;
	source_verify_release(&verify);
	return result;
}

/* 1 when it is there and whole, 0 when it must be fetched; -1 only when told
 * to stop. */
static int fetch_is_there(struct fetch *self, const struct descriptor *blob,
			  const char *path, struct err *err)
{
	struct err reason = ERR_INIT;
	autoclose int fd = file_open(self->pull->fd, path,
				     O_RDONLY | O_NONBLOCK, 0, &reason);
	struct source_file file;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size != blob->size)
		return 0;
	source_file_init(&file, fd, 0, blob->size);
	if (fetch_flow(self, blob, &file.source, -1, &reason) == 0)
		return 1;
	copy_meter_back(&self->meter);
	if (reason.kind == ERR_INTERRUPTED) {
		*err = reason;
		return -1;
	}
	log_verbose("'%s': %s; fetching it again", self->pull->dir, reason.msg);
	return 0;
}

static int fetch_to(struct fetch *self, const struct descriptor *blob, int fd,
		    struct err *err)
{
	struct image_blob *opened =
		image_source_blob(self->meter.image->source, blob, err);
	int result;

	if (opened == NULL)
		return -1;
	result = fetch_flow(self, blob, image_blob_source(opened), fd, err);
	image_blob_close(opened);
	if (result == 0 && fsync(fd) < 0)
		return err_sys(err, errno, "cannot sync '%s'", blob->digest);
	return result;
}

static int fetch_file(struct fetch *self, const struct descriptor *blob,
		      const char *path, struct err *err)
{
	const struct pull *pull = self->pull;
	autofree char *temporary =
		mem_printf("%s.%ld.part", path, (long)getpid());
	int result, fd;

	/* One of an earlier process with our number. */
	unlinkat(pull->fd, temporary, 0);
	fd = file_open(pull->fd, temporary, O_WRONLY | O_CREAT | O_EXCL, 0644,
		       err);
	if (fd < 0)
		return -1;
	result = fetch_to(self, blob, fd, err);
	if (result < 0)
		close(fd);
	else
		result = file_close(fd, temporary, err);
	if (result == 0 && renameat(pull->fd, temporary, pull->fd, path) < 0)
		result = err_sys(err, errno, "cannot rename '%s'", temporary);
	if (result < 0)
		unlinkat(pull->fd, temporary, 0);
	return result;
}

static int pull_pause(struct pull *self, unsigned int attempt, struct err *err)
{
	int64_t deadline = deadline_in_ms(
		clock_backoff_ms(attempt, PULL_PAUSE_MS, PULL_PAUSE_MAX_MS));

	while (deadline_left_ms(deadline) > 0) {
		if (pull_cancelled(self))
			return err_set(err, ERR_INTERRUPTED, "cancelled");
		if (clock_sleep(PULL_SLICE_MS, err) < 0)
			return -1;
	}
	return 0;
}

static int pull_blob(struct pull *self, const struct copy_blob *blob,
		     struct err *err)
{
	const struct descriptor *descriptor = &blob->descriptor;
	struct fetch fetch = {
		.pull = self,
		.meter = { .image = &self->copy.image[0],
			   .workers = self->workers },
	};
	autofree char *path = blob_path(self, descriptor->digest);
	int there = fetch_is_there(&fetch, descriptor, path, err);

	if (there != 0)
		return there < 0 ? -1 : 0;
	for (unsigned int attempt = 1;; attempt++) {
		if (fetch_file(&fetch, descriptor, path, err) == 0) {
			atomic_fetch_add(&fetch.meter.image->sent,
					 descriptor->size);
			return 0;
		}
		if (!err->transient || attempt == PULL_TRIES)
			return -1;
		log_verbose("%s; trying again (%u of %u)", err->msg, attempt,
			    PULL_TRIES - 1);
		err_clear(err);
		copy_meter_back(&fetch.meter);
		if (pull_pause(self, attempt, err) < 0)
			return -1;
	}
}

static int pull_run(void *ctx, void *own, size_t job, struct err *err)
{
	struct pull *self = ctx;

	(void)own;
	if (pull_blob(self, &self->copy.blob[job], err) == 0)
		return 0;
	if (err->kind == ERR_VERIFY)
		err_hint(err, "the source is damaged: get it anew");
	return err_wrap(err, "from '%s'",
			image_source_name(self->copy.image[0].source));
}

/* What was only read is there already. */
static void pull_tell(struct pull *self, int result)
{
	struct copy_image *image = &self->copy.image[0];

	if (result < 0)
		progress_end(image->progress, PROGRESS_FAILED, NULL);
	else if (atomic_load(&image->sent) > 0 || image->nr_blobs == 0)
		progress_end(image->progress, PROGRESS_DONE, "pulled");
	else
		progress_end(image->progress, PROGRESS_SKIPPED,
			     "already there");
}

static int write_manifest(const struct pull *self, size_t index,
			  struct err *err)
{
	const struct copy_image *image = &self->copy.image[0];
	const struct copy_manifest *manifest = &image->manifest[index];
	const char *digest = manifest->descriptor.digest;
	autofree char *path = NULL;

	if (self->layout)
		path = blob_path(self, digest);
	else if (index + 1 == image->nr_manifests)
		path = mem_strdup("manifest.json");
	else
		path = mem_printf("%s.manifest.json", digest_hex(digest));
	return file_replace(self->fd, path, 0644, manifest->bytes,
			    (size_t)manifest->descriptor.size, err);
}

/* The index that is there, without an entry of our name or digest. */
static struct jval *read_entries(const struct pull *self, const char *digest,
				 struct err *err)
{
	autofree char *text = NULL;
	autojval struct jval *index = NULL;
	struct jval *kept = jval_new_array();
	const struct jval *list;
	size_t len;

	if (file_read(self->fd, "index.json", LAYOUT_MAX_BYTES, &text, &len,
		      err) < 0) {
		if (err->kind == ERR_NOT_FOUND) {
			err_clear(err);
			return kept;
		}
		goto failed;
	}
	index = jval_parse(text, len, err);
	if (index == NULL)
		goto failed;
	list = jval_get(index, "manifests");
	for (size_t i = 0; i < jval_len(list); i++) {
		struct jval *entry = jval_at(list, i);
		const char *name = jval_string(
			jval_get(jval_get(entry, "annotations"),
				 "org.opencontainers.image.ref.name"));

		if (!str_eq(name, self->name) ||
		    (name == NULL &&
		     !str_eq(jval_str(entry, "digest"), digest)))
			jval_append(kept, jval_ref(entry));
	}
	return kept;
failed:
	jval_free(kept);
	err_wrap(err, "layout '%s'", self->dir);
	return NULL;
}

static int write_layout(const struct pull *self, struct err *err)
{
	static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	const struct descriptor *root =
		&copy_root(&self->copy.image[0])->descriptor;
	struct jval *entries = read_entries(self, root->digest, err);
	autojval struct jval *index = NULL;
	autofree char *text = NULL;
	struct jval *entry, *notes;

	if (entries == NULL)
		return -1;
	entry = jval_pack("{s:s, s:s, s:I}", "mediaType", root->media_type,
			  "digest", root->digest, "size", (int64_t)root->size);
	if (self->name) {
		notes = jval_new_object();
		jval_set(notes, "org.opencontainers.image.ref.name",
			 jval_new_str(self->name));
		jval_set(entry, "annotations", notes);
	}
	jval_append(entries, entry);
	index = jval_pack("{s:i, s:o}", "schemaVersion", 2, "manifests",
			  entries);
	text = jval_text(index, false);
	if (file_replace(self->fd, "oci-layout", 0644, version, strlen(version),
			 err) < 0)
		return -1;
	return file_replace(self->fd, "index.json", 0644, text, strlen(text),
			    err);
}

static int pull_write(struct pull *self, struct err *err)
{
	static const char version[] = "Directory Transport Version: 1.1\n";

	for (size_t i = 0; i < self->copy.image[0].nr_manifests; i++)
		if (write_manifest(self, i, err) < 0)
			return -1;
	if (self->layout)
		return write_layout(self, err);
	return file_replace(self->fd, "version", 0644, version, strlen(version),
			    err);
}

static int pull_copy(struct pull *self, struct err *err)
{
	const struct pull_options *options = self->options;
	struct copy_image *image = &self->copy.image[0];
	const struct workers_options workers = {
		.nr_jobs = self->copy.nr_blobs,
		.threads = options->jobs ? options->jobs : PULL_JOBS,
		.ctx = self,
		.handle = &self->workers,
		.run = pull_run,
	};
	int result;

	copy_sort(&self->copy);
	image->progress = progress_add(
		options->progress, PROGRESS_BYTES, image->bytes, "%s",
		options->reference ? options->reference :
				     image_source_name(options->source));
	image_source_cancel_by(options->source, pull_cancelled, self);
	result = workers_run(&workers, err);
	image_source_cancel_by(options->source, NULL, NULL);
	if (result == 0)
		result = pull_write(self, err);
	pull_tell(self, result);
	return result;
}

static int pull_all(struct pull *self, struct err *err)
{
	const struct pull_options *options = self->options;

	if (pull_target(self, err) < 0 ||
	    copy_add(&self->copy, options->source, options->reference,
		     options->platform, options->all_platforms, err) < 0 ||
	    copy_add_blobs(&self->copy, 0, err) < 0 ||
	    pull_open_dir(self, err) < 0)
		return -1;
	return pull_copy(self, err);
}

int pull_image(const struct pull_options *options, char **digest,
	       struct err *err)
{
	struct pull self = { .options = options, .fd = -1 };
	int result;

	copy_init(&self.copy, 1);
	result = pull_all(&self, err);
	if (result == 0 && digest)
		*digest = mem_strdup(
			copy_root(&self.copy.image[0])->descriptor.digest);
	if (self.fd >= 0)
		close(self.fd);
	copy_release(&self.copy);
	free(self.dir);
	free(self.name);
	return result < 0 ? err_wrap(err, "pull to '%s'", options->to) : 0;
}
