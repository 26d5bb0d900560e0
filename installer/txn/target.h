/*
 * target - the objects of a release as they shall stand in this cluster.
 *
 *	rendered (overlays, registry) -> policies, nodes -> certificates
 */
#ifndef TXN_TARGET_H
#define TXN_TARGET_H

#include "txn/survey.h"
#include "txn/transaction.h"

struct target {
	struct image_result *images; /* NULL until they were pushed */
	struct jval *objects;
	/* Name images by digest, whether asked for or not: a tag has got, or
	 * got before, another image while the release stood, and a node that
	 * has the old one would keep it. */
	bool pin;
	const struct jval *before; /* record of what stands, of this release in
				      this registry; or NULL */
};

/* What can be refused without a change: who issues certificates, kinds. */
int target_check(const struct txn_options *options, const struct survey *survey,
		 struct err *err) must_check;

/* Push the images; steps go into `plan`. Nothing where they are there. */
int target_push(struct target *target, const struct txn_options *options,
		struct plan *plan, bool *changed, struct err *err) must_check;

/* For a dry run, what would be sent out of a bundle, as notes. */
void target_note_blobs(const struct target *target,
		       const struct txn_options *options, struct plan *plan);

/* Make the objects; again after target_push where digests are pinned. Notes
 * of `plan` begin anew. */
int target_make(struct target *target, const struct txn_options *options,
		const struct survey *survey, struct plan *plan, struct err *err)
	must_check;

/* Where any of `records` has the tag of an image that was pushed with another
 * digest, a node may, too: pin, true. */
bool target_compare(struct target *target, const struct txn_options *options,
		    const struct jval *records);

/* Registry, images, their bundle, notes and objects into a record. */
void target_record(const struct target *target,
		   const struct txn_options *options, const struct plan *plan,
		   struct jval *record);

void target_release(struct target *target, const struct txn_options *options);

#endif
