#include "cmd/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cmd/wlm_make.h"

/* Before anything is changed in the cluster. */
static int check_place(const char *path, bool force, struct err *err)
{
	if (wlm_check_folder(path, true, err) < 0)
		return -1;
	if (force)
		return 0;
	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(err, ERR_USAGE,
			       "'%s' is there already; 'dws-csm wlm renew' "
			       "puts a new certificate into it, --force "
			       "overwrites it",
			       path);
	return errno == ENOENT ?
		       0 :
		       err_sys(err, errno, "cannot look at '%s'", path);
}

static int wlm_create_main(struct settings *settings, const struct strs *args,
			   struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	struct wlm_issue issue = { .path = wlm_path(args) };

	if (check_place(issue.path, settings->force, err) < 0 ||
	    cluster_open(&cluster, settings, err) < 0 ||
	    wlm_issue_set(&issue, &cluster, settings, err) < 0)
		return -1;
	return wlm_make(&issue, &cluster, settings, err);
}

const struct command cmd_wlm_create = {
	.name = "wlm create",
	.arguments = "[FILE]",
	.summary = "make the credential of the workload manager",
	.chapter = CHAPTER_WLM,
	.groups = GROUP_WLM_ISSUE | GROUP_WLM_CREATE | GROUP_CLUSTER |
		  GROUP_OUTPUT,
	.max_args = 1,
	.run = wlm_create_main,
};
