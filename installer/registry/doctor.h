/*
 * doctor - what is right and what is wrong with a registry, one finding for
 * each check, with its remedy.
 *
 * It does not stop at a fault: what can still be checked is, and what cannot
 * is "skipped" with the reason. The write probe pushes a small image of random
 * bytes to scratch repositories and takes it away again; what it cannot take
 * away is named.
 *
 *	struct doctor doctor;
 *
 *	doctor_init(&doctor);
 *	if (doctor_run(&doctor, registry, &options, &err) == 0)
 *		for (c = 0; c < CHECK_NR; c++)
 *			tell(check_name(c), &doctor.finding[c]);
 *	doctor_release(&doctor);
 *
 * Source: OCI distribution-spec; RFC 9110 6.6.1 (Date), 11 (challenges).
 */
#ifndef REGISTRY_DOCTOR_H
#define REGISTRY_DOCTOR_H

#include <stdbool.h>

#include "base/err.h"
#include "base/finding.h"
#include "registry/registry.h"

enum check {
	CHECK_ADDRESS,	   /* its name has addresses */
	CHECK_CONNECTION,  /* one of them lets us connect */
	CHECK_TLS,	   /* it speaks TLS, and which */
	CHECK_CERTIFICATE, /* of a CA that is trusted */
	CHECK_NAME,	   /* the certificate is for this name */
	CHECK_VALIDITY,	   /* the certificate's dates */
	CHECK_CLOCK,	   /* ours and the registry's */
	CHECK_API,	   /* /v2/ and how it wants to be asked */
	CHECK_CREDENTIALS,
	CHECK_WRITE, /* an upload may begin */
	CHECK_LOCATION,
	CHECK_RESUME,
	CHECK_BLOB,
	CHECK_SPEED,
	CHECK_MOUNT,
	CHECK_MANIFEST,
	CHECK_REPLACE, /* a tag gets another image */
	CHECK_DELETE,
	CHECK_LEFT, /* what the probe has left behind */
	CHECK_NR
};

struct doctor {
	struct finding finding[CHECK_NR];
};

struct doctor_options {
	const char *prefix; /* of repositories, "" for none */
	/* Why there are no credentials, or NULL. */
	const char *without_credentials;
	const char *site_ca_pem; /* besides the host's CAs, or NULL */
	const char *site_ca_name;
	bool write;
};

void doctor_init(struct doctor *doctor);
void doctor_release(struct doctor *doctor);

/* Fills all findings. -1 only for ERR_INTERRUPTED, and then what was written
 * has been taken away as far as that goes. */
int doctor_run(struct doctor *doctor, struct registry *registry,
	       const struct doctor_options *options, struct err *err)
	must_check;

/* How many findings are faults. */
size_t doctor_faults(const struct doctor *doctor);

const char *check_name(enum check check); /* "certificate" */

#endif
