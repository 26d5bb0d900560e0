/*
 * journal - what is under way, durable in the cluster before it is done.
 *
 * Secret dws-csm.journal in dws-system, one JSON object, gzip; a copy is
 * fsynced as journal.json in the state directory. There is one while a
 * transaction is open; it is deleted when it ended, whole, one way or the
 * other.
 *
 *	{id, operation, direction: "forward"|"back", step,
 *	 revision, from, version, fromVersion, inPlace, backup, failure,
 *	 started, user, host, pid, installer, writer, writes, ...}
 *
 * `operation` is install, upgrade, rollback or uninstall; `step` the one that
 * was begun last: it may be done wholly, in part or not at all. The record of
 * `revision` holds what is to be, that of `from` what was (0 = nothing).
 * `writer` is who wrote it last and `writes` how often it was: no two writes
 * are the same.
 *
 * Each write is a PUT with the resourceVersion of the one before: whoever was
 * overtaken by a second installer hears of it (ERR_LOCKED) before the deed.
 */
#ifndef TXN_JOURNAL_H
#define TXN_JOURNAL_H

#include "kube/client.h"
#include "txn/state.h"

#define JOURNAL_NAME "dws-csm.journal"

struct journal {
	struct jval *value;	/* NULL = none is open */
	char *resource_version; /* NULL = not in the cluster, as far as we know */
	char *writer;		/* us, from the first write on */
};

#define JOURNAL_INIT          \
	{                     \
		.value = NULL \
	}

void journal_release(struct journal *journal);

/* Read it: 1, or 0 where none is open. */
int journal_load(struct journal *journal, struct kube *kube, struct err *err)
	must_check;

/* A new one: value with id, started, user, host, pid and installer; other
 * fields are the caller's. Not written yet. */
void journal_init(struct journal *journal, const char *operation);

/* Write it, in the cluster and then here; the first time creates it
 * (ERR_LOCKED when one is there that is not ours). An answer that got lost is
 * not a conflict: what is there is compared. A first write must succeed in
 * both places, or there is none; later on the cluster's counts, and what
 * cannot be written here is a warning. `state` NULL = only in the cluster. */
int journal_write(struct journal *journal, struct kube *kube,
		  const struct state *state, struct err *err) must_check;

/* Set `step` and write. */
int journal_step(struct journal *journal, struct kube *kube,
		 const struct state *state, const char *step, struct err *err)
	must_check;

/* Delete it in the cluster and here. Fine when it is gone; ERR_LOCKED when it
 * is another's by now. The value can still be read. */
int journal_close(struct journal *journal, struct kube *kube,
		  const struct state *state, struct err *err) must_check;

/* The copy on this host, or NULL where there is none. */
struct jval *journal_local(const struct state *state) must_check;

#define auto_journal __attribute__((cleanup(journal_release)))

#endif
