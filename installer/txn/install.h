/*
 * install - a release into a cluster where none, or the same, stands.
 *
 *	survey -> refuse or go -> images -> objects -> wait -> record
 *
 * Every check precedes the first change. Running it again converges: what
 * is right already is left alone, and when all is, nothing is written.
 */
#ifndef TXN_INSTALL_H
#define TXN_INSTALL_H

#include "bundle/render.h"
#include "kube/discovery.h"
#include "registry/registry.h"
#include "txn/certs.h"
#include "txn/images.h"
#include "txn/plan.h"
#include "txn/policy.h"

struct install_options {
	struct kube_config *config;
	struct kube *kube;
	struct discovery *discovery;
	const struct release *release;
	struct render_options render;	     /* digests are set by install */
	const struct images_options *images; /* NULL = the images are there */
	bool pin_digests;
	enum webhook_certs certs;
	enum host_time host_time;
	bool wait;
	int64_t timeout_ms;
	bool dry_run;
	struct progress *progress;
};

struct install_result {
	struct plan plan; /* what was, or with dry_run would be, done */
	int64_t revision; /* of the record; 0 = dry run */
	bool changed;	  /* anything at all */
	size_t nr_objects;
};

int install_run(const struct install_options *options,
		struct install_result *result, struct err *err) must_check;
void install_result_release(struct install_result *result);

#endif
