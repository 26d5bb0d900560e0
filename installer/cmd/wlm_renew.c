#include "cmd/cmd.h"

#include "cmd/wlm_make.h"

/* What the file says stays, but for the certificate and its key. */
static int wlm_renew_main(struct settings *settings, const struct strs *args,
			  struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	auto_wlm_file struct wlm_file file = { .config = NULL };
	struct wlm_issue issue = { .path = wlm_path(args) };

	if (wlm_file_read(&file, issue.path, err) < 0) {
		err_hint(err, "'dws-csm wlm create' makes one");
		return -1;
	}
	if (cluster_open(&cluster, settings, err) < 0)
		return -1;
	issue.place = file.config;
	issue.ns = kube_config_namespace(file.config);
	if (issue.ns == NULL)
		issue.ns = "default";
	issue.key_type = file.key_type;
	if (settings->key_type)
		issue.key_type = str_eq(settings->key_type, "ec") ?
					 X509_KEY_EC :
					 X509_KEY_RSA;
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
