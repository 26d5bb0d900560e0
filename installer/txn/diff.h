/*
 * diff - how one object differs from another, for a reader.
 *
 * Pure. Lines as of a unified diff of their YAML, three lines of context
 * with "@@ path @@" where something was left out:
 *
 *	@@ spec.template.spec.containers[0] @@
 *	-  image: registry.local/dws:0.0.20
 *	+  image: registry.local/dws:0.1.17
 *
 * What a server writes by itself (status, uid, resourceVersion, generation,
 * creationTimestamp, managedFields, selfLink, kubectl's last-applied) does not
 * count; values of data and stringData of Secrets, and caBundles, are masked:
 * "*** (changed)".
 */
#ifndef TXN_DIFF_H
#define TXN_DIFF_H

#include "base/buf.h"
#include "format/jval.h"

/* Append the difference, nothing when there is none. Either may be NULL: all
 * of the other is new, or goes. True when there is one. */
bool diff_objects(struct buf *out, const struct jval *before,
		  const struct jval *after);

#endif
