/*
 * bundle - a file that carries releases, images and RPMs into the air gap.
 *
 * One plain tar, which is an OCI image layout as well (skopeo reads it as
 * oci-archive:), alone, in parts (base/volume.h), or behind the executable:
 * there it begins at the next multiple of 512 bytes after the end that the
 * ELF header tells.
 *
 * Every byte of a bundle follows from bundle.json, its signature and the
 * files: opening one makes each tar header again and compares, so that
 * nothing in it is unaccounted for. Nothing is unpacked; files are read where
 * they lie.
 *
 *	bundle = bundle_open(path, err);	layout is checked
 *	bundle_trust(bundle, &trust, err);	signature is checked
 *	bundle_verify(bundle, &options, err);	digests, by all processors
 *	... bundle_text, bundle_images
 *
 * Nothing is handed out before bundle_trust said yes.
 */
#ifndef BUNDLE_BUNDLE_H
#define BUNDLE_BUNDLE_H

#include <stdbool.h>

#include "base/progress.h"
#include "base/volume.h"
#include "bundle/bundle_meta.h"
#include "registry/image.h"

struct bundle;

/* ERR_NOT_FOUND; ERR_INVALID for what is no bundle (says what it is, if
 * that can be told); ERR_VERIFY for one that is truncated or altered. */
struct bundle *bundle_open(const char *path, struct err *err) must_check;

/* That of this very executable: NULL and err->kind ERR_NONE when it carries
 * none. */
struct bundle *bundle_open_self(struct err *err) must_check;
void bundle_free(struct bundle *bundle);

const char *bundle_name(const struct bundle *bundle); /* for messages */
const struct bundle_meta *bundle_meta(const struct bundle *bundle);
/* "sha256:<hex>" of bundle.json: the bundle's identity. */
const char *bundle_digest(const struct bundle *bundle);
/* bundle.json as it stands, bundle_meta()->json_len bytes; and where the
 * archive begins in its file. For those who sign it. */
const char *bundle_json(const struct bundle *bundle);
uint64_t bundle_start(const struct bundle *bundle);
const struct volume *bundle_volume(const struct bundle *bundle);

struct bundle_trust {
	const struct strs *keys; /* files and directories of public keys;
				    empty or NULL = BUNDLE_TRUST_DIR */
	bool allow_unsigned;
};

#define BUNDLE_TRUST_DIR "/etc/dws-csm/trust.d"

struct bundle_signer {
	char *key; /* file of the key, or NULL: unsigned, and allowed */
	char fingerprint[DIGEST_SIZE];
};

/*
 * Decide whether bundle.json may be believed. Of a directory all *.pub are
 * taken. ERR_VERIFY: unsigned (unless allowed, then with a warning), signed
 * by none of the trusted keys (all are named), no trusted key at all (says
 * how one is put there). `signer` may be NULL.
 */
int bundle_trust(struct bundle *bundle, const struct bundle_trust *trust,
		 struct bundle_signer *signer, struct err *err) must_check;
void bundle_signer_release(struct bundle_signer *signer);

struct bundle_verify {
	/* Which files; NULL = all, and the executable in front. */
	bool (*wanted)(void *ctx, const struct bundle_file *file);
	void *ctx;
	bool executable;      /* where `wanted` is set: the executable, too */
	unsigned int threads; /* 0 = one a processor */
	struct progress *progress;
};

/* Digests of files, each hashed once, largest first, on several threads.
 * ERR_VERIFY names the file. What was verified is remembered. */
int bundle_verify(struct bundle *bundle, const struct bundle_verify *options,
		  struct err *err) must_check;

/* A file as text, owned; verified. */
int bundle_text(struct bundle *bundle, const char *path, size_t max_bytes,
		char **text, size_t *len, struct err *err) must_check;

/* A file as a source; its digest is the caller's matter (or bundle_verify's). */
void bundle_source(const struct bundle *bundle, const struct bundle_file *file,
		   struct source_volume *source);

/* Its images: references are digests or names; borrowed. */
struct image_source *bundle_images(struct bundle *bundle, struct err *err)
	must_check;

/* ERR_VERIFY when it was changed on disk since it was opened. */
int bundle_unchanged(const struct bundle *bundle, struct err *err) must_check;

static inline void bundle_autofree(struct bundle **bundle)
{
	bundle_free(*bundle);
}

#define autobundle __attribute__((cleanup(bundle_autofree)))

#endif
