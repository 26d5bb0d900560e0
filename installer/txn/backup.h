/*
 * backup - all custom resources of DWS, durable in two places.
 *
 * Objects are streamed page by page at their CRD's storage version into
 * chunks: gzip members of JSON lines. Each chunk becomes a Secret
 * dws-csm.backup.<ID>.<N> (below the object limit) and is appended to
 * backup/<ID>.jsonl.gz of the state directory, which is therefore one gzip
 * file. The index, Secret dws-csm.backup.<ID> and backup/<ID>.json, is written
 * last: a backup without it does not exist.
 *
 *	{id, created, operation, version, host, user, cluster,
 *	 kinds: [{kind, apiVersion, count}], count, bytes,
 *	 chunks: [{sha256, bytes, count}]}
 *
 * Memory does not grow with the number of resources.
 */
#ifndef TXN_BACKUP_H
#define TXN_BACKUP_H

#include "base/progress.h"
#include "kube/client.h"
#include "txn/state.h"

/* Labels of its Secrets, besides RECORD_LABEL "backup". */
#define BACKUP_ID_LABEL "dws-csm.io/backup"
#define BACKUP_PART_LABEL "dws-csm.io/part" /* "index", "chunk" */

struct backup_options {
	struct kube *kube;
	const struct state *state; /* NULL = in the cluster only */
	const struct jval *crds;   /* those that stand (custom_crds) */
	const char *operation;	   /* "upgrade", "backup" */
	const char *version;	   /* of DWS that stands, or NULL */
	const char *id;		   /* NULL = made: "20261123t035500z-1a2b" */
	bool local_only;	   /* not in the cluster (it will go) */
	struct progress *progress;
};

/* Take one; the index, the caller's. Durable in both places on return. A
 * second run with the same id begins anew. Workflows are included if there
 * are any. */
struct jval *backup_take(const struct backup_options *options, struct err *err)
	must_check;

/* Indexes of all, oldest first, each with `places`: ["cluster", "/var/..."]. */
struct jval *backup_list(struct kube *kube, const struct state *state,
			 struct err *err) must_check;

/* The index of one, with `places`, from the cluster or here; ERR_NOT_FOUND
 * names those there are. */
struct jval *backup_find(struct kube *kube, const struct state *state,
			 const char *id, struct err *err) must_check;

/* Stream its objects, digests checked before use (ERR_VERIFY); from the
 * cluster, or the state directory where the cluster's is gone. The object is
 * borrowed; a negative result ends it. */
int backup_each(struct kube *kube, const struct state *state, const char *id,
		int (*object)(void *ctx, struct jval *object, struct err *err),
		void *ctx, struct err *err) must_check;

/* Remove it in the cluster, and here too if `local`. Fine when gone. */
int backup_remove(struct kube *kube, const struct state *state, const char *id,
		  bool local, struct err *err) must_check;

#endif
