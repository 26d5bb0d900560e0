/*
 * lease_object - what the Lease of lease.h says, and how it is told.
 *
 * Pure but for lease_alive, which looks at this host's processes.
 */
#ifndef TXN_LEASE_OBJECT_H
#define TXN_LEASE_OBJECT_H

#include "format/jval.h"
#include "txn/lease.h"
#include "txn/names.h"

#define LEASES_PATH \
	"/apis/coordination.k8s.io/v1/namespaces/" DWS_NAMESPACE "/leases"
#define LEASE_PATH LEASES_PATH "/" LEASE_NAME

/* One that we hold, not yet in the cluster; the caller's. */
struct jval *lease_object(const char *operation) must_check;

/* Set spec.`field` to now (a MicroTime). */
void lease_stamp(struct jval *object, const char *field);

/* Make `object` the one that comes after `held` (NULL = none). */
void lease_succeed(struct jval *object, const struct jval *held);

bool lease_is_held(const struct jval *object); /* NULL: no */
bool lease_same_holder(const struct jval *a, const struct jval *b);

/* Not renewed in between. */
bool lease_same_renewal(const struct jval *a, const struct jval *b);

/* How long it has to be watched. */
int64_t lease_duration_ms(const struct jval *object);

/* Whether its holder's process lives: 1, 0, -1 = cannot be told here. */
int lease_alive(const struct jval *object);

/* ERR_LOCKED: held by one who lives, perhaps; by one who is dead. */
int lease_refuse(const struct jval *object, struct err *err);
int lease_refuse_dead(const struct jval *object, struct err *err);

/* "'upgrade' of user 'ann' on 'ncn-m001' (pid 77) since ..."; the caller's. */
char *lease_text(const struct jval *object) must_check;

/* As lease_look gives it; the caller's. */
struct jval *lease_describe(const struct jval *object) must_check;

/* Body of a DELETE of just this one; the caller's. */
struct jval *lease_delete_options(const struct jval *object) must_check;

#endif
