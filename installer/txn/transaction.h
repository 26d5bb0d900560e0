/*
 * transaction - a cluster from one release to another, or to none, whole.
 *
 *	install    nothing, or the same release -> a release
 *	upgrade    a release -> another
 *	rollback   a release -> one that a record tells
 *	uninstall  a release -> nothing
 *
 * All are one machine. What stands and what shall be are records; the steps
 * between them are few, each safe to run again, and the journal says which one
 * was begun:
 *
 *	check all, lock, images, hooks | gate, backup, remove, deploy, wait,
 *	restore, probe, commit, finish | hooks
 *
 * Before the bar nothing that stands is touched. Behind it whoever dies leaves
 * a journal, by which `resume` goes on and `rollback` goes back, from any
 * host. A failure goes back by itself unless no_rollback is set; the way back
 * is the same steps towards the record of what stood. The commit is where
 * there is no way back any more: the gate opens only then, so that no Workflow
 * begins on a release that may go again.
 *
 * Where both are the same release, and where nothing stood, the steps that
 * would destroy something are left out: gate, backup, remove, restore.
 */
#ifndef TXN_TRANSACTION_H
#define TXN_TRANSACTION_H

#include "bundle/render.h"
#include "kube/discovery.h"
#include "txn/certs.h"
#include "txn/hooks.h"
#include "txn/images.h"
#include "txn/plan.h"
#include "txn/policy.h"
#include "txn/restore.h"
#include "txn/state.h"

#define TXN_TIMEOUT_MS 120000 /* where nobody tells another */

struct txn_options {
	struct kube_config *config;
	struct kube *kube;
	struct discovery *discovery;
	const struct catalogue *catalogue;
	const struct state *state;
	struct hooks hooks;
	int64_t keep;	    /* revisions */
	int64_t timeout_ms; /* of each wait; see engine_timeout_ms */
	bool dry_run;
	bool no_rollback;
	struct progress *progress;

	/* install and upgrade */
	const struct release *release;
	struct render_options render;	     /* digests are set here */
	const struct images_options *images; /* NULL = the images are there */
	bool pin_digests;
	enum webhook_certs certs;
	enum host_time host_time;
	bool wait; /* install only */
	/* {digest, created, signer} of the bundle that the release is out of,
	 * for the record; or NULL. */
	const struct jval *bundle;
	bool allow_downgrade;

	/* upgrade and rollback */
	struct registry *registry; /* for the way back; NULL = not asked */
	const char *place;	   /* its name, as --registry has it */
	const struct strs *abandon;

	/* rollback: the record to go back to; 0 = the one before */
	int64_t revision;

	/* uninstall: custom resources other than Workflows may be destroyed;
	 * else they are ERR_BLOCKED, and in the result, for a question. */
	bool destroy_resources;
	bool delete_namespace;
};

struct txn_result {
	struct plan plan;   /* what was, or with dry_run would be, done */
	int64_t revision;   /* of the new record; 0 = none */
	bool changed;	    /* anything at all */
	size_t nr_objects;  /* of the release that is to be */
	size_t removed;	    /* objects taken away */
	char *from_version; /* of what stood, or NULL */
	char *version;	    /* of what is to be, or NULL = none */
	char *operation;    /* what resume or rollback went on with, or NULL */
	char *backup;	    /* id of one that holds anything, or NULL */
	struct restore_result restored;
	struct jval *workflows; /* those in the way, with ERR_BLOCKED */
	struct jval *resources; /* custom resources that go, or are in the way:
				   [{kind, count}] */
};

/*
 * Kinds of error besides those of the cause: ERR_BLOCKED where something
 * stands in the way, before any change; ERR_LOCKED; ERR_ROLLED_BACK: it
 * failed, and what stood stands again; ERR_ROLLBACK_INCOMPLETE;
 * ERR_INTERRUPTED: to be resumed or rolled back.
 */
int txn_install(const struct txn_options *options, struct txn_result *result,
		struct err *err) must_check;
int txn_upgrade(const struct txn_options *options, struct txn_result *result,
		struct err *err) must_check;
int txn_uninstall(const struct txn_options *options, struct txn_result *result,
		  struct err *err) must_check;

/* An open transaction goes back; where none is open, a new one to a record. */
int txn_rollback(const struct txn_options *options, struct txn_result *result,
		 struct err *err) must_check;

/* An open transaction goes on the way it went; fine when none is open. */
int txn_resume(const struct txn_options *options, struct txn_result *result,
	       struct err *err) must_check;

void txn_result_release(struct txn_result *result);

#endif
