/*
 * ref - names of images: HOST[:PORT]/REPOSITORY[:TAG][@DIGEST].
 *
 * Source: distribution/reference grammar, OCI distribution-spec "Pulling
 * manifests" (name and tag patterns). A name without a host is Docker Hub's
 * ("docker.io/library/..."), as podman, docker and containerd read it.
 */
#ifndef FORMAT_REF_H
#define FORMAT_REF_H

#include "base/err.h"

struct ref {
	char *host;	  /* "registry.local", "127.0.0.1:5000" */
	char *repository; /* "dws", "kubebuilder/kube-rbac-proxy" */
	char *tag;	  /* or NULL */
	char *digest;	  /* "sha256:...", or NULL */
};

/* ERR_INVALID names the text and what is wrong with it. */
int ref_parse(struct ref *ref, const char *text, struct err *err) must_check;
void ref_release(struct ref *ref);

/* Full text, owned by the caller. */
char *ref_text(const struct ref *ref) must_check;

/* "repository:tag" or "repository@digest", without host. */
char *ref_short(const struct ref *ref) must_check;

/* What to ask the registry for: the digest if there is one, else the tag,
 * else "latest". Borrowed. */
const char *ref_reference(const struct ref *ref);

#define autoref __attribute__((cleanup(ref_release)))

#endif
