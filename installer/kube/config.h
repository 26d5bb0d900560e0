/*
 * config - how to reach an API server, as kubectl finds it out.
 *
 * --kubeconfig, else KUBECONFIG (a list, merged: the first to name a thing
 * wins, relative paths are relative to their file), else ~/.kube/config,
 * else /etc/kubernetes/admin.conf, else the service account of the pod.
 * Client certificate, token, tokenFile, exec plugin, proxy-url, CA (file or
 * data), tls-server-name, insecure-skip-tls-verify (obeyed, with a warning).
 *
 * Source: Kubernetes docs, "Organizing Cluster Access Using kubeconfig
 * Files"; client.authentication.k8s.io (v1, v1beta1) ExecCredential.
 */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strs.h"
#include "net/http.h"

struct kube_config; /* shared by threads; refreshes tokens under a lock */

struct kube_config_options {
	const char *kubeconfig; /* --kubeconfig, or NULL */
	const char *context;	/* --context, or NULL */
	const char *server;	/* --server, or NULL */
};

struct kube_config *kube_config_load(const struct kube_config_options *options,
				     struct err *err) must_check;

/* Out of what a kubeconfig would be written with, all of it copied: no file is
 * read and no program run, now or later. */
struct kubeconfig_parts;
struct kube_config *kube_config_of_parts(const struct kubeconfig_parts *parts,
					 const char *origin) must_check;
void kube_config_free(struct kube_config *config);

const char *kube_config_server(const struct kube_config *config);
const char *kube_config_context(const struct kube_config *config);
const char *kube_config_cluster(const struct kube_config *config);
/* The namespace of the context, or NULL. */
const char *kube_config_namespace(const struct kube_config *config);
const char *kube_config_user(const struct kube_config *config);
/* Where it is from, for messages: "'/etc/kubernetes/admin.conf'". */
const char *kube_config_origin(const struct kube_config *config);
/* "Impersonate-User: x" and its like. */
const struct strs *kube_config_headers(const struct kube_config *config);

/*
 * For client.c: what to connect with at this moment. It may take a while:
 * an exec plugin may have to run.
 */
struct kube_access {
	/* Lives as long as the configuration; another address once the client
	 * certificate is another one. */
	const struct http_config *http;
	char *authorization; /* secret, or NULL */
	unsigned int serial; /* of the credential */
};

int kube_config_access(struct kube_config *config, struct kube_access *access,
		       struct err *err) must_check;
void kube_access_release(struct kube_access *access);

/* The server answered 401 to credential `serial`: whether asking again for
 * one may give another. */
bool kube_config_refused(struct kube_config *config, unsigned int serial);

/* How long calls of a `struct kube` made from now on are retried while the
 * server is away (see kube_set_patience); default 30 s. */
void kube_config_set_patience(struct kube_config *config, int64_t ms);
int64_t kube_config_patience(const struct kube_config *config);

/* Whether the server was reached once: then it is worth waiting for. */
bool kube_config_reached(const struct kube_config *config);
void kube_config_set_reached(struct kube_config *config);

/* Ask `guard` before each try of a change (all but GET), in the thread that
 * makes it; a negative answer is that of the call. NULL = nobody is asked. Set
 * while no other thread calls. */
void kube_config_set_guard(struct kube_config *config,
			   int (*guard)(void *ctx, struct err *err), void *ctx);
int kube_config_guard(struct kube_config *config, struct err *err) must_check;

static inline void kube_config_autofree(struct kube_config **config)
{
	kube_config_free(*config);
}

#define autokube_config __attribute__((cleanup(kube_config_autofree)))
#define auto_access __attribute__((cleanup(kube_access_release)))

#endif
