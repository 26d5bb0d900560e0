/*
 * wlm_binding - the ClusterRoleBinding of the workload manager, and its roles.
 *
 * What a binding refers to can never be changed, so it is made anew. Meanwhile
 * a spare of another name gives the same rights: whoever has them keeps them,
 * and who is killed in the middle leaves a spare, which the next one who looks
 * puts in its place (wlm_binding_mend).
 */
#ifndef TXN_WLM_BINDING_H
#define TXN_WLM_BINDING_H

#include "bundle/catalogue.h"
#include "kube/client.h"

#define WLM_USER "slurm-dws"
#define WLM_BINDING "slurm-dws-viewer"
#define WLM_SPARE WLM_BINDING "-spare"

#define WLM_ROLES_PATH "/apis/rbac.authorization.k8s.io/v1/clusterroles"
#define WLM_BINDINGS_PATH \
	"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
#define WLM_BINDING_PATH WLM_BINDINGS_PATH "/" WLM_BINDING

/* The binding, the caller's: 1, or 0 where there is none. */
int wlm_binding_look(struct jval **binding, struct kube *kube, struct err *err)
	must_check;

/* The same, made whole first where somebody was killed while it was made
 * anew. */
int wlm_binding_mend(struct jval **binding, struct kube *kube, struct err *err)
	must_check;

/* As it can be made again: what the server adds is left out. */
struct jval *wlm_binding_copy(const struct jval *binding) must_check;

/* A copy of `binding` (NULL = a new one) to `role`. */
struct jval *wlm_binding_to(const struct jval *binding, const char *role)
	must_check;

/* The subjects of a binding (NULL = none) but the user, and whether that is
 * one of them. */
struct jval *wlm_binding_others(const struct jval *binding, bool *bound)
	must_check;

/* The user as a subject. */
struct jval *wlm_binding_user(void) must_check;

/* `object` takes the place of `was` (NULL = none stands); `made` is what the
 * server answers, or NULL. 409 where somebody changed `was` meanwhile. Where it
 * fails, `was` stands, or the error says that it does not. */
int wlm_binding_replace(struct kube *kube, const struct jval *was,
			const struct jval *object, struct jval **made,
			struct err *err) must_check;

/* Delete what is at `path` if it is as it was read, else 409. */
int wlm_delete_as_read(struct kube *kube, const char *path,
		       const struct jval *object, struct err *err) must_check;

/* Whether a ClusterRole has a rule about DWS. */
bool wlm_role_is_about_dws(const struct jval *role);

/* 1 when a role of this name is there and is about DWS, 0 when there is none;
 * the name may be somebody else's. */
int wlm_role_stands(struct kube *kube, const char *name, bool *foreign,
		    struct err *err) must_check;

/* The name of the `index`th role that releases have for workload managers, or
 * NULL; the newest releases' is the first. */
const char *wlm_role_name(size_t index);

/* Make the role as the release has it; `made` is what the server answers. */
int wlm_role_make(struct kube *kube, const struct release *release,
		  struct jval **made, struct err *err) must_check;

#endif
