/*
 * finding - what a check has seen, and what to do about it.
 *
 * A command that looks for faults does not stop at the first one: each check
 * gives a finding, and what cannot be checked is "skipped" with the reason.
 *
 *	auto_findings struct findings findings = FINDINGS_INIT;
 *
 *	finding_add(&findings, "kubeconfig", FINDING_FAULT,
 *		    "'dws-csm wlm create' makes one", "there is no '%s'", path);
 */
#ifndef BASE_FINDING_H
#define BASE_FINDING_H

#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"

enum finding_status {
	FINDING_SKIPPED,
	FINDING_OK,
	FINDING_WARNING,
	FINDING_FAULT,
};

struct finding {
	const char *check; /* its name; borrowed */
	enum finding_status status;
	char *seen;
	char *remedy; /* or NULL */
};

/* In the order in which they were added. */
struct findings {
	struct finding *item; /* may be read */
	size_t nr;	      /* may be read */
};

#define FINDINGS_INIT        \
	{                    \
		.item = NULL \
	}

void findings_release(struct findings *findings);
void finding_release(struct finding *finding);

/* Fill one that holds nothing. `check` is borrowed; `remedy` may be NULL. */
void finding_set(struct finding *finding, const char *check,
		 enum finding_status status, const char *remedy,
		 const char *fmt, va_list args) printf_like(5, 0);

/* Out of an error, whose text names the remedy itself, behind "; ". */
void finding_set_err(struct finding *finding, const char *check,
		     enum finding_status status, const struct err *err);

/* The next one; `check` is a literal. */
void finding_add(struct findings *findings, const char *check,
		 enum finding_status status, const char *remedy,
		 const char *fmt, ...) printf_like(5, 6);

void finding_add_err(struct findings *findings, const char *check,
		     enum finding_status status, const struct err *err);

/* The first finding that is a fault, of this check (NULL = of any), or NULL. */
const struct finding *findings_fault(const struct findings *findings,
				     const char *check);

const char *finding_status_name(enum finding_status status); /* "ok" */

#define auto_findings __attribute__((cleanup(findings_release)))

#endif
