/*
 * sbom - what is inside a bundle, as SPDX 2.3 JSON.
 *
 * Packages: the bundle itself, each image by digest, each RPM (name, version,
 * release and architecture out of its header), documents, the executable and
 * the libraries it was linked with. Relationships: DESCRIBES, CONTAINS,
 * STATIC_LINK. The same bundle gives the same bytes: created is the bundle's
 * own time, the namespace is made of its digest.
 *
 * Source: SPDX 2.3, chapters 6 (document), 7 (package), 11 (relationships).
 */
#ifndef BUNDLE_SBOM_H
#define BUNDLE_SBOM_H

#include "bundle/bundle.h"

/* Where it is not `trusted` (bundle_trust), no RPM is opened: they have the
 * names of their files. ERR_VERIFY for an RPM that is not what it should be. */
struct jval *sbom_of_bundle(struct bundle *bundle, bool trusted,
			    struct err *err) must_check;

/* [{name, version}] of the libraries in this executable, for bundle.json. */
struct jval *sbom_libraries(void) must_check;

#endif
