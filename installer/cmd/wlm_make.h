/*
 * wlm_make - what `wlm create` and `wlm renew` have in common.
 */
#ifndef CMD_WLM_MAKE_H
#define CMD_WLM_MAKE_H

#include "cmd/connect.h"
#include "cmd/settings.h"
#include "txn/wlm_credential.h"
#include "txn/wlm_file.h"

/* The file that `args` name, or the default. Borrowed. */
const char *wlm_path(const struct strs *args);

/* Have `issue` signed (its path, place, namespace and key type are set), bind
 * the user, try it, put it into its place, note when it expires, and tell.
 * Where it fails, what was bound is taken back. */
int wlm_make(struct wlm_issue *issue, struct cluster *cluster,
	     const struct settings *settings, struct err *err) must_check;

#endif
