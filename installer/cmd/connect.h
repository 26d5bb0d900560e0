/*
 * connect - from settings to an open cluster and an open registry.
 */
#ifndef CMD_CONNECT_H
#define CMD_CONNECT_H

#include "cmd/settings.h"
#include "kube/client.h"
#include "kube/discovery.h"
#include "registry/registry.h"

struct cluster {
	struct kube_config *config;
	struct kube *kube;
	struct discovery *discovery;
};

int cluster_open(struct cluster *cluster, const struct settings *settings,
		 struct err *err) must_check;
void cluster_close(struct cluster *cluster);

#define auto_cluster __attribute__((cleanup(cluster_close)))

/* CA certificates besides the host's, for registries: --registry-ca and the
 * NCN's platform CA where it exists. */
struct site_ca {
	struct buf pem;
	const char *name; /* of the file, for messages; borrowed */
};

int site_ca_load(const struct settings *settings, struct site_ca *ca,
		 struct err *err) must_check;
void site_ca_release(struct site_ca *ca);

/* The text, or NULL when there is none besides the host's. */
static inline const char *site_ca_pem(const struct site_ca *ca)
{
	return ca->pem.len > 0 ? buf_str(&ca->pem) : NULL;
}

#define auto_site_ca __attribute__((cleanup(site_ca_release)))

/*
 * The site's registry. Credentials: --registry-username, else --authfile,
 * else Secret nexus/nexus-admin-credential of `cluster`; where that is NULL
 * or has none, the default auth files. Trusts `ca` and the host's CAs.
 */
struct registry *site_registry_open(const struct settings *settings,
				    const struct site_ca *ca,
				    struct cluster *cluster, struct err *err)
	must_check;

#endif
