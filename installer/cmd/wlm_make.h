/*
 * wlm_make - what `wlm create` and `wlm renew` have in common.
 */
#ifndef CMD_WLM_MAKE_H
#define CMD_WLM_MAKE_H

#include "cmd/connect.h"
#include "cmd/settings.h"
#include "txn/wlm_credential.h"

/* The file that `args` name, or the default. Borrowed. */
const char *wlm_path(const struct strs *args);

/* Bind the user, make `issue` (its path, place, namespace and key type are
 * set), note when it expires, and tell. Where it fails, no binding stays that
 * was not there before. */
int wlm_make(struct wlm_issue *issue, struct cluster *cluster,
	     const struct settings *settings, struct err *err) must_check;

#endif
