/*
 * schema - whether a CRD would take an object as it is.
 *
 * Pure. Checks a value against an openAPIV3Schema as the API server does:
 * types, required, enum, ranges, lengths, patterns, and also what the server
 * does not refuse but drops without a word: fields that it does not know
 * (unless x-kubernetes-preserve-unknown-fields or additionalProperties).
 *
 * Source: Kubernetes docs, "Custom Resources", "Specifying a structural
 * schema", "Field pruning".
 */
#ifndef BUNDLE_SCHEMA_H
#define BUNDLE_SCHEMA_H

#include "base/err.h"
#include "format/jval.h"

/* The openAPIV3Schema of `version` (NULL = the storage version) of a CRD, or
 * NULL. Borrowed. */
const struct jval *schema_of(const struct jval *crd, const char *version);

/* Each thing wrong is told: `field` "spec.allocationSets[0].label", `why`
 * "is not known". Returns how many. apiVersion, kind and metadata of the
 * object itself are not looked at. */
size_t schema_check(const struct jval *schema, const struct jval *object,
		    void (*tell)(void *ctx, const char *field, const char *why),
		    void *ctx);

#endif
