/*
 * render - a release as it shall stand in a cluster: overlays and images.
 *
 *	release -> overlay csm -> overlays of the site -> registry, digests
 *
 * Pure but for the files of overlays: the same release and options give the
 * same objects, in the order of apply. What depends on the cluster is
 * bundle/adapt.
 *
 * An overlay may add objects, and run images that the catalogue does not
 * know: those are the site's to have in its registry.
 */
#ifndef BUNDLE_RENDER_H
#define BUNDLE_RENDER_H

#include <stdint.h>

#include "bundle/catalogue.h"

/* "registry.local", or another host with an optional prefix, in two parts. */
#define RENDER_REGISTRY "registry.local"

struct render_options {
	const struct strs *overlays; /* laid over csm in order, or NULL */
	const char *registry; /* HOST[:PORT][/PREFIX]; NULL = registry.local */
	int64_t replicas;     /* of the webhook; negative = as it is */
	/* Digest of image number i of the release, or NULL; NULL = none. */
	const char *const *digests;
};

/* The objects; those of kinds that not every cluster serves (ServiceMonitor)
 * included. ERR_USAGE for an overlay that is not there, ERR_INVALID for one
 * that cannot be laid over. */
struct jval *render_release(const struct release *release,
			    const struct render_options *options,
			    struct err *err) must_check;

/* Where image number `index` goes: "registry.local/dws:0.0.20". A digest that
 * an overlay names is left out: it is found when the image goes there. */
char *render_image(const struct release *release, size_t index,
		   const struct render_options *options, struct err *err)
	must_check;

/* Leave out what upstream applies apart and not every cluster has. */
bool render_is_service_monitor(const struct jval *object);

#endif
