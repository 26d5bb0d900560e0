/*
 * wlm_follow - the workload manager's binding goes with the release.
 *
 * Releases differ in the name of their role for workload managers. A binding
 * slurm-dws-viewer to one of those names, whoever made it, gets the role of the
 * release that is put there, so that a credential works after an upgrade or a
 * rollback as before. A binding to a role of the site is left alone.
 */
#ifndef TXN_WLM_FOLLOW_H
#define TXN_WLM_FOLLOW_H

#include "bundle/catalogue.h"
#include "kube/client.h"
#include "txn/plan.h"

/* What will stand, or does. */
struct wlm_release {
	const struct catalogue *catalogue;
	const char *version;
	const struct jval *objects;
};

/* Bind to the role of `release`, whose objects stand: 1, or 0 where it is so
 * or nobody is bound. Safe to run again. */
int wlm_follow(struct kube *kube, const struct wlm_release *release,
	       struct err *err) must_check;

/* Append the names of other ClusterRoleBindings, of the site, to roles that
 * some release has for workload managers and that are gone now: nobody moves
 * those. */
int wlm_stranded(struct kube *kube, const struct wlm_release *release,
		 struct strs *names, struct err *err) must_check;

/* Add to the plan what wlm_follow would do. */
int wlm_foresee(struct kube *kube, const struct wlm_release *release,
		struct plan *plan, struct err *err) must_check;

#endif
