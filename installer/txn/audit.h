/*
 * audit - what was done, for those who ask later.
 *
 * JSON lines in /var/log/dws-csm/<ID>-<OPERATION>.jsonl (for a user who is not
 * root: log/ of the state directory): {time, transaction, operation, step,
 * event, message, ...}; no secrets. And Kubernetes Events on the Namespace
 * dws-system, by source dws-csm, for begin, end and failure. Neither keeps a
 * change from going on: what cannot be written is one warning.
 */
#ifndef TXN_AUDIT_H
#define TXN_AUDIT_H

#include "kube/client.h"
#include "txn/state.h"

struct audit;

/* Never fails; the file is made at the first line. `kube` may be NULL (no
 * Events). Keeps the newest 50 files. */
struct audit *audit_new(struct kube *kube, const struct state *state,
			const char *transaction, const char *operation)
	must_check;
void audit_free(struct audit *audit);

/* One line; `event` is "begin", "step", "change", "hook", "end", "failure". */
void audit_line(struct audit *audit, const char *event, const char *step,
		const char *fmt, ...) printf_like(4, 5);

/* An Event on the Namespace; `type` "Normal" or "Warning", `reason` such as
 * "UpgradeStarted" in CamelCase. */
void audit_event(struct audit *audit, const char *type, const char *reason,
		 const char *fmt, ...) printf_like(4, 5);

/* All that base/log says from now on goes into the file, too. */
void audit_hear_log(struct audit *audit);

#endif
