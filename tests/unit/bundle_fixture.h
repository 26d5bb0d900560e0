/*
 * bundle_fixture - a small bundle, made without the code that makes bundles.
 */
#ifndef BUNDLE_FIXTURE_H
#define BUNDLE_FIXTURE_H

#include "layout_fixture.h"

#include "base/buf.h"
#include "base/sign.h"
#include "base/strs.h"
#include "bundle/bundle.h"
#include "format/tar_header.h"

#define CREATED "2026-11-23T07:00:00Z"
#define MANIFEST_TEXT                         \
	"{\"schemaVersion\":2,\"mediaType\":" \
	"\"application/vnd.oci.image.manifest.v1+json\",\"layers\":[]}"

struct fixture_file {
	char *path;
	const char *text;
	size_t len;
};

struct fixture {
	struct fixture_file file[8];
	size_t nr;
	struct jval *root;
	char manifest[DIGEST_SIZE];
	struct buf tar;
};

static inline void fixture_add(struct fixture *f, char *path, const char *text,
			       size_t len)
{
	struct jval *files = jval_get(f->root, "files");
	char digest[DIGEST_SIZE];

	digest_of(text, len, digest);
	f->file[f->nr++] = (struct fixture_file){ path, text, len };
	jval_append(files, jval_pack("{s:s, s:I, s:s}", "path", path, "size",
				     (int64_t)len, "digest", digest));
}

/* bundle.json as an object, with the files it names. */
static inline void fixture_init(struct fixture *f)
{
	static const char index[] =
		"{\"manifests\":[{\"digest\":\"%s\",\"size\":%zu,"
		"\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
		"\"annotations\":{\"org.opencontainers.image.ref.name\":"
		"\"registry.local/dws:0.1.17\"}}]}";
	static char text[1000];

	memset(f, 0, sizeof(*f));
	f->tar = (struct buf)BUF_INIT((size_t)8 << 20);
	digest_of(MANIFEST_TEXT, strlen(MANIFEST_TEXT), f->manifest);
	snprintf(text, sizeof(text), index, f->manifest, strlen(MANIFEST_TEXT));
	f->root = jval_pack(
		"{s:s, s:s, s:[s], s:[], s:[{s:s, s:s, s:s, s:s, s:{}, "
		"s:[{s:s, s:s, s:s, s:s, s:s}]}]}",
		"format", BUNDLE_FORMAT, "created", CREATED, "platforms",
		"linux/amd64", "files", "releases", "version", "0.1.17",
		"manifests", "manifests/0.1.17.yaml", "storageVersion",
		"v1alpha7", "workloadManagerRole", "role", "source", "images",
		"name", "dws", "repository", "ghcr.io/x/dws", "tag", "0.1.17",
		"digest", f->manifest, "mediaType",
		"application/vnd.oci.image.manifest.v1+json");
	fixture_add(f, mem_strdup("oci-layout"), "{}", 2);
	fixture_add(f, mem_strdup("index.json"), text, strlen(text));
	fixture_add(f, mem_strdup("manifests/0.1.17.yaml"), "kind: x\n", 8);
	fixture_add(f, mem_printf("blobs/sha256/%s", digest_hex(f->manifest)),
		    MANIFEST_TEXT, strlen(MANIFEST_TEXT));
}

static inline void fixture_release(struct fixture *f)
{
	for (size_t i = 0; i < f->nr; i++)
		free(f->file[i].path);
	jval_free(f->root);
	buf_release(&f->tar);
}

static inline void fixture_put(struct buf *tar, const char *path,
			       const char *text, size_t len)
{
	static const char zeros[TAR_HEADER_SIZE];
	unsigned char header[TAR_HEADER_SIZE];
	struct err err = ERR_INIT;

	assert_done(tar_header_make(header, path, len, 1795417200, &err) == 0,
		    &err);
	buf_add(tar, header, sizeof(header));
	buf_add(tar, text, len);
	buf_add(tar, zeros, tar_padded(len) - len);
}

/* The content of bundle.json.sig by a key in PEM. Owned. */
static inline char *fixture_sign(const struct fixture *f, const char *pem)
{
	char signature[SIGN_MAX_TEXT];
	size_t len;
	autofree char *text = bundle_meta_text(f->root, &len);
	struct err err = ERR_INIT;
	struct sign_key *key = sign_key_parse(pem, NULL, &err);

	assert_done(key && sign_text(key, text, len, signature, &err) == 0,
		    &err);
	sign_key_free(key);
	return mem_printf("%s\n", signature);
}

/* The archive behind what is in f->tar already. */
static inline void fixture_write(struct fixture *f, const char *signature)
{
	static const char zeros[TAR_END_SIZE];
	size_t len;
	autofree char *text = bundle_meta_text(f->root, &len);

	fixture_put(&f->tar, "bundle.json", text, len);
	fixture_put(&f->tar, "bundle.json.sig", signature, strlen(signature));
	for (size_t i = 0; i < f->nr; i++)
		fixture_put(&f->tar, f->file[i].path, f->file[i].text,
			    f->file[i].len);
	buf_add(&f->tar, zeros, sizeof(zeros));
}

static char *secret, *public_key; /* PEM; the other is at "k.pub" */

static inline char *in_dir(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static inline void put_bytes(const char *name, const void *data, size_t len)
{
	autofree char *path = in_dir(name);
	struct err err = ERR_INIT;

	assert_done(file_replace(AT_FDCWD, path, 0644, data, len, &err) == 0,
		    &err);
}

static inline void write_signed(struct fixture *f)
{
	autofree char *signature = fixture_sign(f, secret);

	fixture_write(f, signature);
}

/* The bundle of the fixture, signed, at "b". */
static inline void given_bundle(struct fixture *f)
{
	fixture_init(f);
	write_signed(f);
	put_bytes("b", f->tar.data, f->tar.len);
}

static inline struct bundle *opened(const char *name)
{
	autofree char *path = in_dir(name);
	struct err err = ERR_INIT;
	struct bundle *bundle = bundle_open(path, &err);

	assert_done(bundle != NULL, &err);
	return bundle;
}

static inline int trust(struct bundle *bundle, const char *name,
			bool allow_unsigned, struct bundle_signer *signer,
			struct err *err)
{
	auto_strs struct strs keys = STRS_INIT;
	struct bundle_trust options = { &keys, allow_unsigned };

	strs_addf(&keys, "%s/%s", dir, name);
	return bundle_trust(bundle, &options, signer, err);
}

static inline struct bundle *trusted(const char *name)
{
	struct bundle *bundle = opened(name);
	struct err err = ERR_INIT;

	assert_done(trust(bundle, "k.pub", false, NULL, &err) == 0, &err);
	return bundle;
}

static inline int make_keys(void **state)
{
	struct err err = ERR_INIT;

	if (make_dir(state) < 0 ||
	    sign_keygen(NULL, &secret, &public_key, &err) < 0)
		return -1;
	put("k.pub", public_key);
	return 0;
}

static inline int drop_keys(void **state)
{
	free(secret);
	free(public_key);
	return drop_dir(state);
}

#define auto_fixture __attribute__((cleanup(fixture_release)))

#endif
