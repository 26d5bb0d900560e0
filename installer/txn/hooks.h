/*
 * hooks - the site's own programs around a change.
 *
 * Executables in DIR/{pre,post}-{install,upgrade,rollback,uninstall}/, DIR
 * being /etc/dws-csm/hooks.d and what --hooks names besides, run one after
 * the other in the order of their names, whichever directory they are in (of
 * one name in both, that of /etc comes first). No argument, no standard
 * input. Environment, always set, empty where there is nothing to tell:
 *
 *	DWS_CSM_HOOK		"pre-upgrade"
 *	DWS_CSM_OPERATION	"upgrade"
 *	DWS_CSM_FROM_VERSION	what stood, "0.0.20"
 *	DWS_CSM_VERSION		what is to be, "0.1.17"
 *	DWS_CSM_REVISION	of what is to be
 *	DWS_CSM_OUTCOME		post only, see below
 *	DWS_CSM_TRANSACTION	id of the journal, also in the name of the log
 *	KUBECONFIG, DWS_CSM_CONTEXT	as given on our command line, if they were
 *
 * Output goes, line by line, to the log. Each has a time limit; it, or an
 * interrupt, ends a hook with SIGTERM and, ten seconds later, SIGKILL.
 *
 * A pre hook that fails stops before any change (ERR_BLOCKED, or
 * ERR_INTERRUPTED); a post hook that fails is a warning. Since a pre hook may
 * have prepared something, the post hooks run whatever became of the change.
 *
 * Directories, files that are not executable, hidden ones and backups (*~,
 * *.bak, *.orig, *.rpmsave, *.rpmnew, *.rpmorig) are passed over. Files or
 * directories that others than root or the caller may write are refused.
 */
#ifndef TXN_HOOKS_H
#define TXN_HOOKS_H

#include "base/progress.h"
#include "base/strs.h"

#define HOOKS_DIR "/etc/dws-csm/hooks.d"

struct hooks {
	const char *site_dir;	/* NULL = HOOKS_DIR; may be absent */
	const char *dir;	/* --hooks; or NULL */
	int64_t timeout_ms;	/* of each; 0 = 5 min */
	const char *kubeconfig; /* as given, or NULL */
	const char *context;	/* likewise */
	struct progress *progress;
};

struct hooks_event {
	const char *when;		    /* "pre", "post" */
	const char *operation;		    /* "upgrade" */
	const char *from_version, *version; /* or NULL */
	int64_t revision;		    /* 0 = none */
	/* post: "deployed", "removed", "rolled-back", "unchanged" (it was
	 * stopped before it began) or "failed" (unfinished, or half done);
	 * pre: NULL. */
	const char *outcome;
	const char *transaction; /* id of the journal, or NULL */
};

/* The paths that would run, in order, added to `paths`, for a plan.
 * ERR_USAGE where `dir` is not there; ERR_BLOCKED for what is refused. */
int hooks_list(const struct hooks *hooks, const struct hooks_event *event,
	       struct strs *paths, struct err *err) must_check;

/* Run them. Pre hooks: none runs where post hooks of the same operation would
 * be refused. Post hooks: only ERR_INTERRUPTED; a signal that came before is no
 * reason to leave them out. */
int hooks_run(const struct hooks *hooks, const struct hooks_event *event,
	      struct err *err) must_check;

#endif
