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

#include <stdint.h>

#include "base/err.h"
#include "base/strs.h"

struct kube_config; /* shared by threads; refreshes tokens under a lock */

struct kube_config_options {
	const char *kubeconfig; /* --kubeconfig, or NULL */
	const char *context;	/* --context, or NULL */
	const char *server;	/* --server, or NULL */
};

struct kube_config *kube_config_load(const struct kube_config_options *options,
				     struct err *err) must_check;
void kube_config_free(struct kube_config *config);

const char *kube_config_server(const struct kube_config *config);
const char *kube_config_context(const struct kube_config *config);
const char *kube_config_cluster(const struct kube_config *config);
/* The namespace of the context, or NULL. */
const char *kube_config_namespace(const struct kube_config *config);
const char *kube_config_user(const struct kube_config *config);

#endif
