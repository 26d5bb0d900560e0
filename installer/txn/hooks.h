/*
 * hooks - the site's own programs around a change.
 *
 * Executables in DIR/{pre,post}-{install,upgrade,rollback,uninstall}/, DIR
 * being /etc/dws-csm/hooks.d and what --hooks names besides, run one after
 * the other in name order. Environment: DWS_CSM_HOOK ("pre-upgrade"),
 * DWS_CSM_OPERATION, DWS_CSM_FROM_VERSION, DWS_CSM_VERSION,
 * DWS_CSM_REVISION, DWS_CSM_OUTCOME (post: "deployed", "rolled-back",
 * "failed"), DWS_CSM_TRANSACTION, KUBECONFIG; no argument, no standard input.
 * Output goes, line by line, to the log. Each has a time limit.
 *
 * A pre hook that fails stops before any change (ERR_BLOCKED); a post hook
 * that fails is a warning. Files that are not executable, hidden or backups
 * (*~, *.rpmsave, *.rpmnew) are passed over; files or directories that others
 * than root or the caller may write are refused.
 */
#ifndef TXN_HOOKS_H
#define TXN_HOOKS_H

#include "base/progress.h"
#include "base/strs.h"

#define HOOKS_DIR "/etc/dws-csm/hooks.d"

struct hooks {
	const char *dir;	/* --hooks, or NULL = only HOOKS_DIR */
	int64_t timeout_ms;	/* of each; 0 = 5 min */
	const char *kubeconfig; /* as given, or NULL */
	struct progress *progress;
};

struct hooks_event {
	const char *when;		    /* "pre", "post" */
	const char *operation;		    /* "upgrade" */
	const char *from_version, *version; /* or NULL */
	int64_t revision;		    /* 0 = none */
	const char *outcome;		    /* post; or NULL */
	const char *transaction;	    /* id of the journal, or NULL */
};

/* The paths that would run, in order, for a plan. */
int hooks_list(const struct hooks *hooks, const struct hooks_event *event,
	       struct strs *paths, struct err *err) must_check;

int hooks_run(const struct hooks *hooks, const struct hooks_event *event,
	      struct err *err) must_check;

#endif
