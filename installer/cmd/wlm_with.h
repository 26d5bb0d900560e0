/*
 * wlm_with - `install --with-wlm`: the workload manager's credential with the
 * release.
 *
 *	wlm_with_prepare   before the first change: all that can be refused is,
 *			   and what is needed is signed
 *	wlm_with_finish    after DWS stands
 *
 * A credential that is there is left as it is while it is valid; one that has
 * expired is renewed.
 */
#ifndef CMD_WLM_WITH_H
#define CMD_WLM_WITH_H

#include "cmd/connect.h"
#include "cmd/settings.h"
#include "txn/plan.h"
#include "txn/wlm_credential.h"
#include "txn/wlm_file.h"

struct wlm_with {
	struct plan plan; /* what will be done; nothing where all is there */
	struct wlm_issue issue;
	struct wlm_issued issued;
	struct wlm_file file;
	bool makes; /* else what is there stays */
};

/* Nothing without --with-wlm. With --dry-run nothing is made in the cluster. */
int wlm_with_prepare(struct wlm_with *self, struct cluster *cluster,
		     const struct settings *settings, struct err *err)
	must_check;

/* What there is now, the caller's: {file, user, role, until, ..., changed},
 * where the last says whether the file is another than before;
 * NULL and ERR_FAILED (or ERR_INTERRUPTED) where DWS stands without it. */
struct jval *wlm_with_finish(struct wlm_with *self, struct cluster *cluster,
			     const char *version, struct err *err) must_check;

void wlm_with_release(struct wlm_with *self);

#define auto_wlm_with __attribute__((cleanup(wlm_with_release)))

#endif
