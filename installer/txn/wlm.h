/*
 * wlm - what the workload manager may do: its role and its binding.
 *
 * User slurm-dws, bound by ClusterRoleBinding slurm-dws-viewer to the role
 * that the release has for workload managers. The binding remembers, in
 * annotations, until when the credential is valid that was made last
 * (dws-csm.io/credential-until), and the one that lives longest
 * (dws-csm.io/credential-latest).
 */
#ifndef TXN_WLM_H
#define TXN_WLM_H

#include <time.h>

#include "bundle/catalogue.h"
#include "kube/client.h"
#include "kube/discovery.h"
#include "txn/wlm_binding.h"

struct wlm_grant {
	char *role; /* bound to */
	/* What was changed, as the server answered; NULL = nothing. */
	struct jval *role_made;
	struct jval *binding_made;
	struct jval *binding_was; /* that one took the place of */
	bool user_added;	  /* the user was not bound before */
};

/*
 * See to it that the user is bound to a role that is there. A binding that
 * works is left as it is, other subjects of it are kept; the role is that of
 * the release that stands, else another release's, else it is made as the
 * catalogue has it. ERR_BLOCKED where the binding is to a role of somebody
 * else. Where it fails, `grant` tells what was changed before.
 */
int wlm_grant(struct wlm_grant *grant, struct kube *kube,
	      struct discovery *discovery, const struct catalogue *catalogue,
	      struct err *err) must_check;

/* Before a release is put there: whether the binding stands in the way
 * (ERR_BLOCKED), and whether the user is a subject of it. */
int wlm_may_grant(bool *bound, struct kube *kube, struct err *err) must_check;

/* Have it as it was. */
int wlm_take_back(const struct wlm_grant *grant, struct kube *kube,
		  struct err *err) must_check;
void wlm_grant_release(struct wlm_grant *grant);

/* Remember in the binding that a credential ends at `until`. */
int wlm_note(struct kube *kube, time_t until, struct err *err) must_check;

struct wlm_revoked {
	bool found;   /* the user was bound */
	bool others;  /* the binding stays, for other subjects */
	time_t until; /* of the certificate that lives longest; 0 = unknown */
};

/* Take the user's rights away; that there are none is no error. */
int wlm_revoke(struct wlm_revoked *revoked, struct kube *kube, struct err *err)
	must_check;

/* {user, role, roleFound, until, daysLeft}: the last two null where no
 * credential was noted; {error} where nobody may look; null where the user is
 * not bound. */
struct jval *wlm_value(struct kube *kube) must_check;

#define auto_wlm_grant __attribute__((cleanup(wlm_grant_release)))

#endif
