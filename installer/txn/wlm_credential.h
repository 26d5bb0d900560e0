/*
 * wlm_credential - the kubeconfig of the workload manager: made, proven, read.
 *
 * A client certificate of user slurm-dws (no groups), signed by the cluster's
 * CA or through its certificates API. The file is written beside its place
 * (PATH.new, mode 0600 from the beginning), tried there, and takes its place
 * by one rename: who reads it finds the old credential or the new one, both of
 * which work. Nothing of what stood is touched where anything fails.
 */
#ifndef TXN_WLM_CREDENTIAL_H
#define TXN_WLM_CREDENTIAL_H

#include <stdbool.h>
#include <time.h>

#include "base/x509.h"
#include "kube/client.h"

/* Where slurmctld's plugin looks for it. */
#define WLM_FILE "/etc/slurm/slurm-dws.kubeconfig"

struct wlm_issue {
	const char *path;
	struct kube *kube; /* of an administrator; for `via_csr` only */
	/* Its cluster, server and CA go into the file. */
	struct kube_config *place;
	const char *server; /* instead of its server, or NULL */
	const char *ns;	    /* where Workflows go */
	enum x509_key_type key_type;
	int days;
	bool via_csr;	     /* else signed with: */
	const char *ca_cert; /* files */
	const char *ca_key;
};

struct wlm_issued {
	time_t until;
	bool shorter; /* than `days` */
	bool heard;   /* of `via_csr`: the server knows wishes for it */
	bool no_dws;  /* no Workflows are served yet */
};

/* ERR_API where the server refuses the new certificate (http 401), or the
 * rights have not come in 15 s (http 403); ERR_BLOCKED where it may more than
 * it should. */
int wlm_issue(const struct wlm_issue *issue, struct wlm_issued *issued,
	      struct err *err) must_check;

/* What a file holds. */
struct wlm_file {
	struct x509_pair pair;
	enum x509_key_type key_type;
	char *user; /* of the certificate: "CN=slurm-dws" */
	time_t until;
	unsigned int mode; /* of the file: 0600 */
	struct kube_config *config;
};

/* ERR_NOT_FOUND, ERR_INVALID. */
int wlm_file_read(struct wlm_file *file, const char *path, struct err *err)
	must_check;
void wlm_file_release(struct wlm_file *file);

/*
 * Try what a credential may do: it must list Workflows in all namespaces and
 * must not read Secrets. Rights that were given just now are waited for, for
 * `patience_ms`. 1, or 0 where the server serves no Workflows; errors as those
 * of wlm_issue.
 */
int wlm_prove(struct kube_config *config, int64_t patience_ms, struct err *err)
	must_check;

#define auto_wlm_file __attribute__((cleanup(wlm_file_release)))

#endif
