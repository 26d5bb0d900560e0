/*
 * discovery - which groups, versions and kinds the API server serves.
 *
 * Fetched when first asked for and kept: /api, /apis, then one group version
 * at a time. Shared by threads (locks itself). discovery_forget drops what
 * is known, after CRDs came or went.
 */
#ifndef KUBE_DISCOVERY_H
#define KUBE_DISCOVERY_H

#include "kube/client.h"

struct discovery;

struct kube_resource {
	const char *api_version; /* "apps/v1", "v1" */
	const char *kind;	 /* "Deployment" */
	const char *plural;	 /* "deployments" */
	bool namespaced;
};

struct discovery *discovery_new(void) must_check;
void discovery_free(struct discovery *discovery);
void discovery_forget(struct discovery *discovery);

/* The server's version: "v1.20.2", minor as a number. */
int discovery_version(struct discovery *discovery, struct kube *kube,
		      const char **git_version, int *minor, struct err *err)
	must_check;

/* 1 and the resource (borrowed until discovery_free), 0 when it is not
 * served, -1 when the server cannot be asked. */
int discovery_find(struct discovery *discovery, struct kube *kube,
		   const char *api_version, const char *kind,
		   struct kube_resource *resource, struct err *err) must_check;

/* The versions of `group` that are served, preferred first, added to
 * `versions` ("v1", "v1alpha3"); 0 also when the group is unknown. */
int discovery_versions(struct discovery *discovery, struct kube *kube,
		       const char *group, struct strs *versions,
		       struct err *err) must_check;

/* "/apis/apps/v1/namespaces/NS/deployments/NAME"; NAME NULL = the
 * collection; NS NULL with a namespaced resource = all namespaces. The
 * caller's. */
char *kube_resource_path(const struct kube_resource *resource, const char *ns,
			 const char *name) must_check;

/* The path of `object` by its own apiVersion, kind, namespace and name;
 * ERR_API "not served" when its kind is unknown. */
char *kube_object_path(struct discovery *discovery, struct kube *kube,
		       const struct jval *object, struct err *err) must_check;

#endif
