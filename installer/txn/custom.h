/*
 * custom - the custom resources of DWS, of whatever release stands there.
 *
 * They are read at the version that the CRD stores: every other one goes
 * through the conversion webhook, which may be down just when somebody asks.
 */
#ifndef TXN_CUSTOM_H
#define TXN_CUSTOM_H

#include <time.h>

#include "base/strs.h"
#include "kube/client.h"

/* The CRDs of group dataworkflowservices.github.io, an array. */
struct jval *custom_crds(struct kube *kube, struct err *err) must_check;

/* The storage version of a CRD ("v1alpha2"). Borrowed. */
const char *custom_storage_version(const struct jval *crd);

/* The path of an object of a CRD at that version, or of all (`name` NULL) in a
 * namespace or in each (`ns` NULL); the caller's. */
char *custom_path(const struct jval *crd, const char *ns, const char *name)
	must_check;

/* All objects of a CRD, page by page: see kube_list_each. */
int custom_each(struct kube *kube, const struct jval *crd,
		const struct kube_visitor *visitor, struct err *err) must_check;

/* All objects of a CRD in all namespaces (`ns` NULL) or one. */
struct jval *custom_list(struct kube *kube, const struct jval *crd,
			 const char *ns, struct err *err) must_check;

/* Those of a CRD that have finalizers, named and no more; it may name one
 * twice. */
struct jval *custom_list_finalized(struct kube *kube, const struct jval *crd,
				   struct err *err) must_check;

/* The CRD of Workflows; ERR_API with http 404 where DWS is not. */
struct jval *workflows_crd(struct kube *kube, struct err *err) must_check;

/* All Workflows; an empty array where the CRD is not there. What cannot be
 * listed is an error: "unknown" is not "none". */
struct jval *workflows_list(struct kube *kube, const char *ns, struct err *err)
	must_check;

/* One Workflow; ERR_API with http 404 where it is not. */
struct jval *workflows_get(struct kube *kube, const char *ns, const char *name,
			   struct err *err) must_check;

/* A row of a table under workflows_heads, added to `cells`. */
void workflows_cells(const struct jval *workflow, time_t now,
		     struct strs *cells);
extern const char *const workflows_heads[];

#endif
