#include "cmd/cmd.h"

#include "cmd/wlm_make.h"

/* Its reader must be able to read what takes its place: a file of its owner,
 * mode 0600. As root, a link is not followed to where others may point it. */
static int check_place(const struct wlm_file *file, const char *path,
		       struct err *err)
{
	if (file->link)
		return err_set(
			err, ERR_BLOCKED,
			"'%s' is a symbolic link, which is not followed; "
			"give the name of the file itself",
			path);
	if (file->mode & 077)
		return err_set(err, ERR_BLOCKED,
			       "others may read '%s' (mode %04o), but not what "
			       "would take its place: give it to who reads it, "
			       "then run this again: 'chown slurm %s && chmod "
			       "0600 %s'",
			       path, file->mode, path, path);
	return 0;
}

/* What the file says stays, but for the certificate and its key. */
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
	if (check_place(&file, issue.path, err) < 0)
		return -1;
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
