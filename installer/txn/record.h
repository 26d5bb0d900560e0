/*
 * record - what was installed, kept in the cluster: one Secret a revision.
 *
 * A record is a JSON object, gzipped into Secret dws-csm.release.v<N> of
 * dws-system:
 *
 *	{revision, version, status, operation, started, finished, host, user,
 *	 installer, registry, images: [{name, reference, digest}],
 *	 bundle: {digest, created, signer}, pinned,
 *	 notes: [...], objects: [...], transaction, failure}
 *
 * `status` is "installing" (under way, whatever the operation), "deployed",
 * "superseded", "failed" or "rolled-back" (given up, and what was before is
 * back); "unreadable" where a record cannot be understood. `transaction` is
 * the id of the journal; `bundle` is there where the images came out
 * of one, its signer null where nobody signed it; `pinned` is true where images
 * are named by digest since a tag got another one. Data of Secrets among
 * `objects` is left out: a record holds no key.
 */
#ifndef TXN_RECORD_H
#define TXN_RECORD_H

#include "kube/client.h"

/* All records, oldest first, an array; empty when there are none. */
struct jval *record_list(struct kube *kube, struct err *err) must_check;

/* A new record of `revision` with who, when and where filled in. */
struct jval *record_new(int64_t revision, const char *version,
			const char *operation) must_check;

/* The one of `revision`, or NULL. Borrowed. */
struct jval *record_find(const struct jval *records, int64_t revision);

/* A member of the Secrets in a record whose data was left out. */
#define RECORD_WITHHELD "dataWithheld"

/* Set `objects`, without the data of Secrets. Where the webhook's certificate
 * is one of ours, which is issued anew when the record is revived, without the
 * caBundles that belong to it. */
void record_set_objects(struct jval *record, const struct jval *objects);

/* Set status, and the time it ended unless it is "installing" or had ended
 * before. */
void record_set_status(struct jval *record, const char *status);

/* Why it failed. */
void record_set_failure(struct jval *record, const char *message);

/* Write a new one; its namespace must exist. ERR_LOCKED names the other
 * installer who is at this revision already. */
int record_create(struct kube *kube, const struct jval *record, struct err *err)
	must_check;

/* Write it anew. */
int record_save(struct kube *kube, const struct jval *record, struct err *err)
	must_check;

/* Mark older `records`: what was deployed no longer is, an installation that
 * died in its middle has failed. */
int record_supersede(struct kube *kube, const struct jval *records,
		     struct err *err) must_check;

/* Those of `records` that go where `keep` are kept: the oldest, but never the
 * newest that is deployed, the one it would roll back to, one under way, or
 * one that cannot be read. A new array. */
struct jval *record_surplus(const struct jval *records, size_t keep) must_check;

/* Delete those. */
int record_prune(struct kube *kube, const struct jval *records, size_t keep,
		 struct err *err) must_check;

/* Name of the Secret; the caller's. */
char *record_name(const struct jval *record) must_check;

#endif
