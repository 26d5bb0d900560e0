/*
 * adapt - a rendered release made to fit what the cluster serves.
 *
 * Pure: facts about the cluster come in, objects are changed, and each
 * change is a line with its reason, for the plan.
 */
#ifndef BUNDLE_ADAPT_H
#define BUNDLE_ADAPT_H

#include <stdbool.h>

#include "base/strs.h"
#include "format/jval.h"

struct adaptation {
	/* Version of cert-manager.io to use ("v1"), or NULL: the webhook's
	 * certificate is ours. */
	const char *cert_manager;
	bool service_monitor; /* its kind is served */
	/* Where cert_manager is NULL: PEM texts; the key is a secret. */
	const char *ca_pem;
	const char *cert_pem;
	const char *key_pem;
};

/* The best of the served versions of cert-manager.io that have Certificate
 * as our manifests write it, or NULL. Borrowed from `versions`. */
const char *adapt_cert_manager_version(const struct strs *versions);

/* Write an object of cert-manager.io in the best version that is served; leave
 * others, and all where none is served, as they are. */
void adapt_cert_manager(struct jval *object, const struct strs *versions);

/* Names that the webhook's certificate must be for: the dnsNames of the
 * release's Certificate, added to `names`. */
void adapt_webhook_names(const struct jval *objects, struct strs *names);

/* A new array of objects; `notes` gets the reasons. */
struct jval *adapt_objects(const struct jval *objects,
			   const struct adaptation *adaptation,
			   struct strs *notes) must_check;

/* PEM texts into the data of a Secret of type kubernetes.io/tls. */
void adapt_fill_secret(struct jval *secret, const char *ca, const char *cert,
		       const char *key);

#endif
