/*
 * audit - what was done, for those who ask later.
 *
 * JSON lines in /var/log/dws-csm/<ID>-<OPERATION>.jsonl; for a user who is not
 * root, or with another state directory than root's default, in log/ of that:
 *
 *	{time, transaction, operation, step, event, level, message}
 *
 * and at first {event: "open", user, host, pid, installer}. `level` is there
 * for what was said ("log"): "warning", "info" or "verbose". No secrets. And
 * Kubernetes Events in dws-system, on its Namespace, by source dws-csm, for
 * begin, end and failure. Neither keeps a change from going on: what cannot be
 * written is one warning. Thread-safe; all accept a NULL audit.
 *
 * Source: Kubernetes API, core/v1 Event; its validation, by which the
 * involved object's namespace is that of the Event.
 */
#ifndef TXN_AUDIT_H
#define TXN_AUDIT_H

#include "kube/client.h"
#include "txn/state.h"

struct audit;

/* Never fails; the file is made at the first line. `kube` may be NULL (no
 * Events), `state` too (no file). Keeps the newest 50 files. */
struct audit *audit_new(struct kube *kube, const struct state *state,
			const char *transaction, const char *operation)
	must_check;
void audit_free(struct audit *audit);

/* One line; `event` is "begin", "step", "change", "end" or "failure". A `step`
 * holds for the lines that follow with NULL. */
void audit_line(struct audit *audit, const char *event, const char *step,
		const char *fmt, ...) printf_like(4, 5);

/* An Event; `type` "Normal" or "Warning", `reason` such as "UpgradeStarted" in
 * CamelCase. Waits a few seconds at most. */
void audit_event(struct audit *audit, const char *type, const char *reason,
		 const char *fmt, ...) printf_like(4, 5);

/* All that base/log says from now on goes into the file, too. */
void audit_hear_log(struct audit *audit);

#endif
