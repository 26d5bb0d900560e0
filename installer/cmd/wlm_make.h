/*
 * wlm_make - what the commands that make a credential have in common: `wlm
 * create`, `wlm renew` and `install --with-wlm`.
 *
 *	check the place; wlm_issue_set, wlm_issue_keep | wlm_make
 */
#ifndef CMD_WLM_MAKE_H
#define CMD_WLM_MAKE_H

#include "cmd/connect.h"
#include "cmd/settings.h"
#include "txn/wlm_credential.h"
#include "txn/wlm_file.h"

/* The file that `args` name, or the default. Borrowed. */
const char *wlm_path(const struct strs *args);

/* Whether a file can be made there. With `make` the default's folder is made
 * where there is none. */
int wlm_check_folder(const char *path, bool make, struct err *err) must_check;

/* Whether what is there may be renewed. Its reader must be able to read what
 * takes its place: a file of its owner, mode 0600. As root, a link is not
 * followed to where others may point it. ERR_BLOCKED. */
int wlm_check_file(const struct wlm_file *file, const char *path,
		   struct err *err) must_check;

/* All but the path, as the options say. */
int wlm_issue_set(struct wlm_issue *issue, struct cluster *cluster,
		  const struct settings *settings, struct err *err) must_check;

/* After it: what the file says stays, but for the certificate and its key. */
void wlm_issue_keep(struct wlm_issue *issue, const struct wlm_file *file,
		    const struct settings *settings);

/* Bind the user, try what was signed, put it into its place, note when it
 * expires, and warn of what is odd. Where it fails, what was bound is taken
 * back, and NULL; else what to tell of it, the caller's. */
struct jval *wlm_put(const struct wlm_issue *issue, struct wlm_issued *issued,
		     struct cluster *cluster, struct err *err) must_check;

/* Have it signed, all that, and tell. */
int wlm_make(const struct wlm_issue *issue, struct cluster *cluster,
	     const struct settings *settings, struct err *err) must_check;

#endif
