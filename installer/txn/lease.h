/*
 * lease - one installer at a time.
 *
 * Lease dws-csm in dws-system (whose Namespace must exist): holder is
 * "USER@HOST pid PID nonce", annotations tell operation, host, pid, start
 * time of the process and boot id. A thread of its own, with its own
 * connection, renews it until lease_release.
 *
 * While it is held, each change through the same configuration asks it first.
 *
 * A holder is dead when it was on this host and its process is gone, or when
 * nobody renewed the Lease while we watched it for its whole duration: never
 * by comparing clocks of two hosts.
 *
 * Source: Kubernetes API, coordination.k8s.io/v1 Lease.
 */
#ifndef TXN_LEASE_H
#define TXN_LEASE_H

#include "base/progress.h"
#include "kube/client.h"

#define LEASE_NAME "dws-csm"
#define LEASE_DURATION_S 15

struct lease;

/*
 * Take it for `operation` ("upgrade"). ERR_LOCKED when another holds it: who,
 * on which host, with which pid, doing what, since when. A dead holder's is
 * ERR_LOCKED as well, with the advice to run resume or rollback, unless
 * `recover` is true: then it is taken over. (Whether anything is to be
 * recovered says the journal: a caller that sees none open may take over.)
 * With `recover`, a living holder is ERR_LOCKED after the watch that proves
 * it; without, nothing is watched: a Lease not released is held, but for a
 * holder of this host that is gone.
 */
struct lease *lease_take(struct kube_config *config, const char *operation,
			 bool recover, struct err *err) must_check;

/* ERR_LOCKED when somebody else took it over, and every call after that. */
int lease_check(struct lease *lease, struct err *err) must_check;

/* End the renewal and give it back (delete it, if it is still ours). NULL is
 * fine. What fails is a warning: the Lease ends by itself. */
void lease_release(struct lease *lease);

/* Who holds it, for `status`: {user, host, pid, operation, since, renewed,
 * dead: bool or null when unknown}, NULL with *none true where there is
 * none. */
struct jval *lease_look(struct kube *kube, bool *none, struct err *err)
	must_check;

static inline void lease_autorelease(struct lease **lease)
{
	lease_release(*lease);
}

#define autolease __attribute__((cleanup(lease_autorelease)))

#endif
