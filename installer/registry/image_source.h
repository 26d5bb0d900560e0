/*
 * image_source - what the transports of images share; for image_*.c only.
 *
 * A transport is an open function and a table of operations. Archives and
 * layouts hold entries (images), each with names; image_pick finds the one
 * that is meant.
 */
#ifndef REGISTRY_IMAGE_SOURCE_H
#define REGISTRY_IMAGE_SOURCE_H

#include <stdbool.h>

#include "base/io.h"
#include "format/tar.h"
#include "net/http.h"
#include "registry/image.h"
#include "registry/registry.h"

struct image_source_ops {
	int (*manifest)(struct image_source *source, const char *reference,
			struct descriptor *descriptor, char **bytes,
			struct err *err);
	/* Sets blob->source and whatever close needs. */
	int (*open)(struct image_source *source,
		    const struct descriptor *descriptor,
		    struct image_blob *blob, struct err *err);
	void (*close)(struct image_source *source, struct image_blob *blob);
	void (*free)(struct image_source *source);

	/* For artifacts.h; both are NULL where a transport knows no such
	 * thing. The manifest called `tag` beside the image, and an index of
	 * the manifests whose subject is `digest`: ERR_NOT_FOUND. */
	int (*tagged)(struct image_source *source, const char *tag,
		      struct descriptor *descriptor, char **bytes,
		      struct err *err);
	int (*referrers)(struct image_source *source, const char *digest,
			 struct jval **index, struct err *err);
};

struct image_source {
	const struct image_source_ops *ops;
	char *name; /* the spec */
	struct strs names;
	size_t *entry_of; /* for each name */
	size_t nr_entries;
	size_t only; /* the entry that the spec names, or SIZE_MAX */
	bool (*cancelled)(void *ctx); /* or NULL */
	void *cancel_ctx;
};

struct image_blob {
	struct image_source *from;
	struct source *source;
	struct source_file file;
	struct source_volume part; /* of an archive */
	int fd;			   /* to be closed, or -1 */
	struct registry_session *session;
	struct http_stream *stream;
};

void image_source_init(struct image_source *source,
		       const struct image_source_ops *ops, const char *spec);

/* Name entry number `entry`; a name that is there already is left out. */
void image_add_name(struct image_source *source, const char *name,
		    size_t entry);

/* Restrict to the entry called `tag`, which may be NULL. */
int image_restrict(struct image_source *source, const char *tag,
		   struct err *err) must_check;

/*
 * Which entry `reference` means; NULL = the only one. In this order: the
 * same name; the same repository and tag on another host; the same last part
 * and tag ("dws:0.0.20"); the same tag. ERR_NOT_FOUND or ERR_INVALID (several
 * fit) with the names there are.
 */
int image_pick(const struct image_source *source, const char *reference,
	       size_t *entry, struct err *err) must_check;

/* The transports. `tag` may be NULL. */
struct image_source *image_oci_open(const char *spec, const char *path,
				    bool archive, const char *tag,
				    struct err *err) must_check;
struct image_source *image_docker_open(const char *spec, const char *path,
				       const char *tag, struct err *err)
	must_check;
struct image_source *image_dir_open(const char *spec, const char *path,
				    struct err *err) must_check;
struct image_source *
image_registry_open(const char *spec, const char *name,
		    const struct image_source_options *options, struct err *err)
	must_check;

/* Files by name in a directory or in a tar. */
struct image_files {
	int fd; /* of the directory, or -1 */
	const struct volume *volume;
	struct volume *own; /* the same, to be freed, or NULL */
	struct tar *tar;
	char *path;
};

/* An archive may lie in parts, or behind an executable. */
int image_files_open(struct image_files *files, const char *path, bool archive,
		     struct err *err) must_check;
/* The archive in [start, start + len) of `volume`, which is borrowed. */
int image_files_open_volume(struct image_files *files,
			    const struct volume *volume, uint64_t start,
			    uint64_t len, struct err *err) must_check;
void image_files_close(struct image_files *files);

/* A small file as text, owned. ERR_NOT_FOUND. */
int image_files_read(const struct image_files *files, const char *name,
		     size_t max_bytes, char **text, size_t *len,
		     struct err *err) must_check;

/* Open one for reading as blob->source; its size. */
int image_files_blob(const struct image_files *files, const char *name,
		     struct image_blob *blob, uint64_t *size, struct err *err)
	must_check;

/* ops->close for blobs out of files. */
void image_files_close_blob(struct image_source *source,
			    struct image_blob *blob);

/* ERR_VERIFY unless the sizes are the same: a blob that was cut off. */
int image_check_size(const struct descriptor *descriptor, uint64_t size,
		     struct err *err) must_check;

#endif
