#include "cmd/cmd.h"

#include "base/clock.h"
#include "cmd/connect.h"
#include "cmd/output.h"
#include "txn/wlm.h"

static void tell_certificate(struct buf *out, time_t until)
{
	char when[CLOCK_RFC3339_SIZE];

	clock_rfc3339(when, sizeof(when), until);
	buf_addstr(out, "Kubernetes cannot take a certificate back: ");
	if (until == 0)
		buf_addstr(out, "those that were made stay valid until they "
				"expire (when is not known).\n");
	else if (until <= clock_wall())
		buf_addf(out, "those that were made expired at %s.\n", when);
	else
		buf_addf(out, "those that were made stay valid until %s.\n",
			 when);
	buf_addstr(out, "They may do nothing now, but would again with a new "
			"'dws-csm wlm create'.\n");
}

static int wlm_revoke_main(struct settings *settings, const struct strs *args,
			   struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	struct wlm_revoked revoked;

	(void)args;
	if (cluster_open(&cluster, settings, err) < 0 ||
	    wlm_revoke(&revoked, cluster.kube, err) < 0)
		return -1;
	if (!revoked.found)
		return output_text("User " WLM_USER
				   " is not bound by " WLM_BINDING
				   ": nothing to revoke.\n",
				   err);
	buf_addf(&out, "User " WLM_USER " has no rights by %s any more%s.\n",
		 WLM_BINDING,
		 revoked.others ? "; the binding stays for others" : "");
	tell_certificate(&out, revoked.until);
	return output_text(buf_str(&out), err);
}

const struct command cmd_wlm_revoke = {
	.name = "wlm revoke",
	.summary = "take the rights of the workload manager away",
	.chapter = CHAPTER_WLM,
	.groups = GROUP_CLUSTER,
	.run = wlm_revoke_main,
};
