/*
 * exec_plugin - credentials from a program of the user's choice.
 *
 * Source: Kubernetes docs, "client-go credential plugins";
 * client.authentication.k8s.io v1, v1beta1 (and v1alpha1, which kubectl up
 * to 1.23 knew), ExecCredential.
 */
#ifndef KUBE_EXEC_PLUGIN_H
#define KUBE_EXEC_PLUGIN_H

#include <time.h>

#include "base/err.h"
#include "format/jval.h"

struct exec_plugin;

/* What a plugin answered; strings are the receiver's and secret. */
struct exec_answer {
	char *token;
	char *cert_pem;
	char *key_pem;
	time_t expires; /* 0 = never told */
};

/* `exec` is the field of the user `user` in kubeconfig `file`; `cluster` is
 * what is told about the cluster where the plugin wants that. Borrowed. */
struct exec_plugin *exec_plugin_new(const struct jval *exec, const char *user,
				    const char *file,
				    const struct jval *cluster, struct err *err)
	must_check;
void exec_plugin_free(struct exec_plugin *plugin);

int exec_plugin_run(const struct exec_plugin *plugin,
		    struct exec_answer *answer, struct err *err) must_check;
void exec_answer_release(struct exec_answer *answer);

#endif
