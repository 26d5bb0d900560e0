#include "cmd/cmd.h"

#include "cmd/wlm_make.h"

static int wlm_renew_main(struct settings *settings, const struct strs *args,
			  struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	auto_wlm_file struct wlm_file file = { .config = NULL };
	struct wlm_issue issue = { .path = wlm_path(args) };

	if (wlm_file_read(&file, issue.path, err) < 0 ||
	    wlm_file_check_user(&file, issue.path, err) < 0) {
		err_hint(err, "'dws-csm wlm create' makes one");
		return -1;
	}
	if (wlm_check_file(&file, issue.path, err) < 0 ||
	    cluster_open(&cluster, settings, err) < 0 ||
	    wlm_issue_set(&issue, &cluster, settings, err) < 0)
		return -1;
	wlm_issue_keep(&issue, &file, settings);
	return wlm_make(&issue, &cluster, settings, err);
}

const struct command cmd_wlm_renew = {
	.name = "wlm renew",
	.arguments = "[FILE]",
	.summary = "put a new key and certificate into the credential",
	.chapter = CHAPTER_WLM,
	.groups = GROUP_WLM_ISSUE | GROUP_CLUSTER | GROUP_OUTPUT,
	.max_args = 1,
	.run = wlm_renew_main,
};
