/*
 * wlm_credential - the kubeconfig of the workload manager: made, proven,
 * written.
 *
 * A client certificate of user slurm-dws (no groups), signed by the cluster's
 * CA or through its certificates API. It is tried before a byte of it is
 * written, out of memory: the folder may be one that others write to. The file
 * is written beside its place, under a name that nobody has (mode 0600 from
 * the beginning), and takes its place by one rename: who reads it finds the
 * old credential or the new one, both of which work. Nothing of what stood is
 * touched where anything fails.
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
	struct x509_pair pair;
	time_t until;
	bool shorter; /* than `days` */
	bool heard;   /* of `via_csr`: the server knows wishes for it */
	bool no_dws;  /* no Workflows are served yet */
};

/* A new key and its certificate; nothing is written. */
int wlm_sign(const struct wlm_issue *issue, struct wlm_issued *issued,
	     struct err *err) must_check;

/*
 * Before anybody is bound: whether the server takes what was signed. ERR_API
 * (http 401) where it does not know the CA; ERR_BLOCKED where the user may read
 * Secrets already.
 */
int wlm_try(const struct wlm_issue *issue, const struct wlm_issued *issued,
	    struct err *err) must_check;

/*
 * Try what was signed, and put it into its place. ERR_API where the server
 * refuses the new certificate (http 401), or the rights have not come in 15 s
 * (http 403); ERR_BLOCKED where it may more than it should.
 */
int wlm_place(const struct wlm_issue *issue, struct wlm_issued *issued,
	      struct err *err) must_check;
void wlm_issued_release(struct wlm_issued *issued);

/*
 * Try what a credential may do: it must list Workflows in all namespaces and
 * must not read Secrets. Rights that were given just now are waited for, for
 * `patience_ms`. 1, or 0 where the server serves no Workflows; errors as those
 * of wlm_place.
 */
int wlm_prove(struct kube_config *config, int64_t patience_ms, struct err *err)
	must_check;

/* The same for a credential that is there. */
int wlm_recognised(struct kube_config *config, struct err *err) must_check;

#define auto_wlm_issued __attribute__((cleanup(wlm_issued_release)))

#endif
