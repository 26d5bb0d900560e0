/*
 * bundle_facts - what the commands that look at a bundle tell about it.
 */
#ifndef CMD_BUNDLE_FACTS_H
#define CMD_BUNDLE_FACTS_H

#include "base/strs.h"
#include "bundle/bundle.h"
#include "cmd/settings.h"

/* The bundle that the first of `args` names, else the executable's own:
 * ERR_USAGE where it has none. */
struct bundle *bundle_of_args(const struct strs *args, struct err *err)
	must_check;

struct bundle_facts {
	struct bundle *bundle; /* borrowed */
	bool trusted;
	struct bundle_signer signer; /* its key is NULL: unsigned */
	char *reason;		     /* why it is not trusted, or NULL */
};

/* bundle_trust as `settings` want it; a bundle that is not trusted is
 * ERR_VERIFY, and told all the same. */
int bundle_facts_find(struct bundle_facts *facts, struct bundle *bundle,
		      const struct settings *settings, struct err *err)
	must_check;
void bundle_facts_release(struct bundle_facts *facts);

/* {file, digest, size, parts, selfContained, signature: {state, key,
 * fingerprint, reason}}; state is "trusted", "unsigned" or "unverified". */
struct jval *bundle_facts_value(const struct bundle_facts *facts) must_check;

/* "NAME<blanks>text" of such facts, a line each, names in one column. */
void bundle_facts_line(struct buf *out, const char *name, const char *fmt, ...)
	printf_like(3, 4);
/* The lines of bundle_facts_value. */
void bundle_facts_print(const struct bundle_facts *facts, struct buf *out);

#define auto_bundle_facts __attribute__((cleanup(bundle_facts_release)))

#endif
