/*
 * open_bundle - from settings to the bundle that a command takes its release
 * out of, believed, and to the catalogue of what there is to choose from.
 *
 * That of --bundle, else what the executable itself carries, else none: then
 * the releases are the embedded ones.
 */
#ifndef CMD_OPEN_BUNDLE_H
#define CMD_OPEN_BUNDLE_H

#include "bundle/bundle.h"
#include "bundle/catalogue.h"
#include "cmd/settings.h"

struct open_bundle {
	struct bundle *bundle; /* or NULL */
	struct catalogue *catalogue;
	struct bundle_signer signer;
};

/* Layout, signature, and all but the blobs are verified. ERR_USAGE where
 * --from is given as well. `tell` says that it is the executable's own. */
int open_bundle(struct open_bundle *self, const struct settings *settings,
		bool tell, struct err *err) must_check;
void open_bundle_close(struct open_bundle *self);

/* {digest, created, signer} for a record, or NULL without a bundle; the
 * caller's. */
struct jval *open_bundle_value(const struct open_bundle *self) must_check;

#define auto_open_bundle __attribute__((cleanup(open_bundle_close)))

#endif
