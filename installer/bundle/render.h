/*
 * render - a release as it shall stand in a cluster: overlay and images.
 *
 * Pure: the same release and options give the same objects, in the order of
 * apply. What depends on the cluster is bundle/adapt.
 */
#ifndef BUNDLE_RENDER_H
#define BUNDLE_RENDER_H

#include <stdint.h>

#include "bundle/catalogue.h"

/* "registry.local", or another host with an optional prefix, in two parts. */
#define RENDER_REGISTRY "registry.local"

struct render_options {
	const char *overlay;  /* NULL = "csm" */
	const char *registry; /* HOST[:PORT][/PREFIX]; NULL = registry.local */
	int64_t replicas;     /* of the webhook; negative = as it is */
	/* Digest of image number i of the release, or NULL; NULL = none. */
	const char *const *digests;
};

/* The objects; those of kinds that not every cluster serves (ServiceMonitor)
 * included. */
struct jval *render_release(const struct release *release,
			    const struct render_options *options,
			    struct err *err) must_check;

/* Where image number `index` goes: "registry.local/dws:0.0.20". */
char *render_image(const struct release *release, size_t index,
		   const struct render_options *options, struct err *err)
	must_check;

/* Leave out what upstream applies apart and not every cluster has. */
bool render_is_service_monitor(const struct jval *object);

#endif
