/*
 * transact - what the commands that change the cluster have in common: from
 * settings to the options of a transaction, and from its result to words.
 */
#ifndef CMD_TRANSACT_H
#define CMD_TRANSACT_H

#include "cmd/connect.h"
#include "cmd/open_bundle.h"
#include "txn/transaction.h"

struct transact {
	struct settings *settings;
	struct catalogue *catalogue; /* embedded: whatever may stand */
	struct open_bundle opened;   /* what may be put there */
	struct jval *bundle;
	struct cluster cluster;
	struct site_ca ca;
	struct registry *registry;
	struct state state;
	struct images_options images;
	struct txn_options options;
	const struct plan *more; /* steps of the command after it; or NULL */
	int64_t start_ms;
};

#define TRANSACT_INIT                   \
	{                               \
		.state = {.dirfd = -1 } \
	}

/* Cluster and state directory; with `release` the release of --version and
 * its images, with `registry` the site's registry unless --skip-images. */
int transact_open(struct transact *self, struct settings *settings,
		  bool release, bool registry, struct err *err) must_check;
void transact_close(struct transact *self);

typedef int transact_run(const struct txn_options *options,
			 struct txn_result *result, struct err *err);

/*
 * Run it and end the progress, so that the last bar is drawn before the last
 * word. With a dry run the plan is printed, also where something stands in
 * the way. What is in the way goes to standard error as a table, or is the
 * result in the format of --output.
 */
int transact_do(struct transact *self, transact_run *run,
		struct txn_result *result, struct err *err) must_check;

/* " (12.3 s)" since transact_open, into `text`. */
#define TRANSACT_TOOK_SIZE 32
void transact_took(const struct transact *self, char *text);

#define auto_transact __attribute__((cleanup(transact_close)))
#define auto_txn_result __attribute__((cleanup(txn_result_release)))

#endif
