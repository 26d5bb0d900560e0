/*
 * bundle_meta - what bundle.json says: the one thing that is signed.
 *
 *	{"format": "dws-csm.io/bundle/v1",
 *	 "created": "2026-11-23T07:00:00Z",
 *	 "builder": {"name": "dws-csm", "version": "0.1.0", "commit": "..."},
 *	 "platforms": ["linux/amd64"],
 *	 "libraries": [{"name": "openssl", "version": "3.0.15"}, ...],
 *	 "releases": [{
 *	   "version": "0.1.17", "manifests": "manifests/0.1.17.yaml",
 *	   "storageVersion": "v1alpha7", "workloadManagerRole": "...",
 *	   "source": {"type": "embedded"|"source"|"manifests", "commit": "...",
 *	              "name": "...", "digest": "sha256:..."},
 *	   "images": [{
 *	     "name": "dws", "repository": "ghcr.io/...", "tag": "0.1.17",
 *	     "digest": "sha256:...", "mediaType": "...",
 *	     "source": "docker://ghcr.io/...",
 *	     "artifacts": [{"tag": "sha256-....sig"|null, "digest": "sha256:...",
 *	                    "mediaType": "...", "artifactType": "..."|null}]}]}],
 *	 "executable": {"digest": "sha256:...", "size": N},  when self-contained
 *	 "files": [{"path": "oci-layout", "size": 30, "digest": "sha256:..."},
 *	           ...]}
 *
 * `files` has every file of the bundle but bundle.json and bundle.json.sig,
 * in the order in which they lie in it; "blobs/sha256/<hex>" are the blobs,
 * "rpms/NAME", "docs/NAME", "manifests/VERSION.yaml" the rest. Members that
 * are not known are ignored, another format is refused. `executable` is the
 * ELF file without the zeros between it and the archive.
 *
 * Printed in one form only, members sorted, no blanks, a newline at the end:
 * equal contents are equal bytes. A reader takes any JSON text: it is the
 * signature that tells.
 */
#ifndef BUNDLE_BUNDLE_META_H
#define BUNDLE_BUNDLE_META_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strs.h"
#include "format/jval.h"

#define BUNDLE_FORMAT "dws-csm.io/bundle/v1"
/* Some thousand files; it is parsed before its signature is known. */
#define BUNDLE_META_MAX_BYTES ((size_t)1 << 20)

struct bundle_artifact {
	const char *tag; /* or NULL: it goes by its digest, as a referrer */
	const char *digest;
	const char *media_type;
	const char *artifact_type; /* or NULL */
};

struct bundle_image {
	const char *name;
	const char *repository;
	const char *tag;
	const char *digest;
	const char *media_type;
	const char *source; /* or NULL */
	struct bundle_artifact *artifact;
	size_t nr_artifacts;
};

struct bundle_release {
	const char *version;
	const char *manifests; /* path of the file */
	const char *storage_version;
	const char *workload_manager_role;
	const struct jval *source;
	struct bundle_image *image;
	size_t nr_images;
};

struct bundle_file {
	const char *path;
	const char *digest;
	uint64_t size;
	uint64_t offset; /* of the content, from the start of the bundle */
};

struct bundle_meta {
	struct jval *root; /* owns all texts */
	const char *created;
	int64_t created_s; /* since 1970: the time of all tar headers */
	struct strs platforms;
	struct bundle_release *release; /* oldest first */
	size_t nr_releases;
	struct bundle_file *file;
	size_t nr_files;
	const struct bundle_file **by_path; /* for bundle_meta_file */
	const char *executable_digest;	    /* or NULL */
	uint64_t executable_size;
	size_t json_len;     /* of bundle.json itself */
	uint64_t sig_offset; /* of the header of bundle.json.sig */
	uint64_t total;	     /* of the whole tar */
};

/*
 * Parse bundle.json of `len` bytes and lay the archive out: offsets follow
 * from sizes (bundle_layout below). Checks all that a reader relies upon:
 * digests are digests, paths are relative, clean and different, sizes add up
 * without overflow, each image's manifest is among the files, a release's
 * manifests too; names, tags and versions may be put into references and
 * paths. ERR_INVALID, with the member's name.
 */
int bundle_meta_parse(struct bundle_meta *meta, const char *text, size_t len,
		      struct err *err) must_check;
void bundle_meta_release(struct bundle_meta *meta);

/* bundle.json as it is written: of a value with the members above. */
char *bundle_meta_text(const struct jval *root, size_t *len) must_check;

/* The file at `path`, or NULL. */
const struct bundle_file *bundle_meta_file(const struct bundle_meta *meta,
					   const char *path);

/*
 * The archive: header and content of bundle.json, of bundle.json.sig, of each
 * file in order, each padded to 512 bytes, and two blocks of zeros. The
 * signature has one block whatever it is: base64 on one line (base/sign.h)
 * with its newline; of an unsigned bundle it is BUNDLE_UNSIGNED.
 */
#define BUNDLE_UNSIGNED "unsigned\n"

#define auto_bundle_meta __attribute__((cleanup(bundle_meta_release)))

#endif
