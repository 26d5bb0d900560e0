/*
 * overlay_labels - labels and annotations put on objects, and on what these
 * make: pod templates, selectors, claims.
 *
 * Where they go by kind is what kustomize does.
 *
 * Source: kustomize docs, "commonLabels", "labels", "commonAnnotations".
 */
#ifndef BUNDLE_OVERLAY_LABELS_H
#define BUNDLE_OVERLAY_LABELS_H

#include "format/jval.h"

/* How far they go. */
enum label_reach {
	LABEL_OBJECT,	 /* metadata.labels only */
	LABEL_TEMPLATES, /* what pods and claims are made from, too */
	LABEL_SELECTORS, /* and what selects them */
	LABEL_ANNOTATIONS,
};

/* `pairs` is an object of texts. ERR_INVALID where something that is no
 * object stands in the way. */
int overlay_label(struct jval *object, const struct jval *pairs,
		  enum label_reach reach, struct err *err) must_check;

#endif
