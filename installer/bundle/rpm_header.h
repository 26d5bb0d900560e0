/*
 * rpm_header - what an RPM says of itself: name, version, architecture.
 *
 * Only the beginning of the file is read; nothing of it is trusted, its
 * digest is the caller's matter.
 *
 * Source: RPM documentation, "RPM V4 Package Format": lead, signature, header;
 * "RPM Tags".
 */
#ifndef BUNDLE_RPM_HEADER_H
#define BUNDLE_RPM_HEADER_H

#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

/* Texts are owned, and of any bytes but NUL; NULL where the RPM has none. */
struct rpm_header {
	char *name; /* these four: never NULL */
	char *version;
	char *release;
	char *arch;
	char *license;
	int64_t epoch;	      /* -1 = none */
	int64_t build_time_s; /* since 1970; 0 = unknown */
};

/* ERR_INVALID: no RPM, cut off, or without one of its four names. */
int rpm_header_read(struct rpm_header *header, struct source *source,
		    struct err *err) must_check;
void rpm_header_release(struct rpm_header *header);

#define auto_rpm_header __attribute__((cleanup(rpm_header_release)))

#endif
