#include "cmd/slurm_csm.h"

#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/connect.h"
#include "cmd/output.h"
#include "slurm/csm.h"
#include "slurm/csm_text.h"
#include "txn/custom.h"
#include "txn/state.h"

#define PLUGIN_ORIGIN "burst_buffer.lua"

int slurm_csm_check(const struct settings *settings, struct err *err)
{
	if (settings->apply && !settings->csm)
		return err_set(err, ERR_USAGE, "--apply belongs to --csm");
	if (settings->csm && settings->restart)
		return err_set(err, ERR_USAGE,
			       "--csm --apply restarts slurmctld itself: leave "
			       "--restart out");
	return 0;
}

static const char enable_steps[] =
	"Slurm in a pod of CSM: 'dws-csm slurm enable --csm --apply' does "
	"this.\n"
	"\n"
	"1. Keep what is there:\n"
	"     kubectl -n services get configmap slurm-config-templates -o yaml "
	">kept.yaml\n"
	"2. Add the keys burst_buffer.lua, burst_buffer.conf and "
	"dws-burst-buffer.conf,\n"
	"   each with that file of the package dws-slurm-bb-plugin; and to the "
	"key slurm.conf\n"
	"   the line BurstBufferType=burst_buffer/lua:\n"
	"     kubectl -n services edit configmap slurm-config-templates\n";

static const char disable_steps[] =
	"Slurm in a pod of CSM: 'dws-csm slurm disable --csm --apply' does "
	"this.\n"
	"\n"
	"1. See to it that no job with #DW lines is left:\n"
	"     kubectl get workflows --all-namespaces\n"
	"2. Take BurstBufferType=burst_buffer/lua out of the key slurm.conf, "
	"and the keys\n"
	"   burst_buffer.lua, burst_buffer.conf and dws-burst-buffer.conf:\n"
	"     kubectl -n services edit configmap slurm-config-templates\n";

static const char common_steps[] =
	"3. Make the Job anew that renders the files:\n"
	"     kubectl -n services get job slurm-config -o json | jq "
	"'del(.spec.selector,\n"
	"       .spec.template.metadata.labels, .status)' | kubectl replace "
	"--force -f -\n"
	"     kubectl -n services wait --for=condition=complete "
	"job/slurm-config\n"
	"4. Restart slurmctld:\n"
	"     kubectl -n user rollout restart deployment/slurmctld\n"
	"     kubectl -n user rollout status deployment/slurmctld\n";

static const char credential_step[] =
	"5. slurmctld's pod must find the credential of 'dws-csm wlm create' at "
	"\n"
	"   /etc/slurm/slurm-dws.kubeconfig, and dws-csm or kubectl in its "
	"PATH: a matter of\n"
	"   the site, which no command of dws-csm does.\n";

static int print_steps(enum type_meaning after, struct err *err)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	buf_addstr(&out, after == TYPE_LUA ? enable_steps : disable_steps);
	buf_addstr(&out, common_steps);
	if (after == TYPE_LUA)
		buf_addstr(&out, credential_step);
	return output_text(buf_str(&out), err);
}

/* Jobs whose storage nobody would tear down. */
static int check_workflows(struct kube *kube, const struct settings *settings,
			   struct err *err)
{
	autojval struct jval *list = NULL;
	size_t nr = 0;

	if (settings->force)
		return 0;
	list = workflows_list(kube, NULL, err);
	if (list == NULL)
		return -1;
	for (size_t i = 0; i < jval_len(list); i++)
		nr += str_eq(jval_str(jval_at(list, i),
				      "metadata.labels.origin"),
			     PLUGIN_ORIGIN);
	if (nr == 0)
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "%zu Workflow%s of the plugin left: nobody would end "
		       "%s; let the jobs end ('dws-csm workflows list'), or "
		       "use --force",
		       nr, nr > 1 ? "s are" : " is", nr > 1 ? "them" : "it");
}

/* Without what keeps kubectl from putting it back. */
static struct jval *plain(const struct jval *config)
{
	static const char *const fields[] = { "uid", "resourceVersion",
					      "creationTimestamp",
					      "managedFields", "selfLink" };
	struct jval *copy = jval_copy(config);

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		jval_del(jval_get(copy, "metadata"), fields[i]);
	return copy;
}

/* The ConfigMap as it was before us, in a file; its path, the caller's. */
static char *keep(const struct csm *csm, const char *dir, struct err *err)
{
	autojval struct jval *config = plain(csm->config);
	auto_state struct state state = STATE_INIT;
	autofree char *text = jval_pretty(config);
	autofree char *name = NULL;
	char when[CLOCK_RFC3339_SIZE];

	if (csm_kept(csm))
		return mem_strdup(csm_kept(csm));
	clock_rfc3339(when, sizeof(when), clock_wall());
	name = mem_printf(CSM_CONFIG "-%s.json", when);
	if (state_open(&state, dir, err) < 0 ||
	    file_replace(state.dirfd, name, 0600, text, strlen(text), err) < 0)
		return NULL;
	return state_path(&state, name);
}

static int go_back(struct csm *csm, const struct jval *old,
		   const struct wait_options *wait, const char *kept,
		   struct err *err)
{
	struct err back = ERR_INIT;

	log_warn("%s", err->msg);
	log_info("putting the ConfigMap back as it was");
	if (csm_put_back(csm, old, kept, &back) < 0 ||
	    csm_roll(csm, wait, &back) < 0) {
		err->kind = ERR_ROLLBACK_INCOMPLETE;
		return err_hint(err,
				"and the way back failed: %s; what the "
				"ConfigMap was is in '%s' ('kubectl replace "
				"-f')",
				back.msg, kept);
	}
	err->kind = ERR_ROLLED_BACK;
	return err_hint(err, "the ConfigMap is as it was, and slurmctld runs "
			     "with it");
}

static int apply(struct csm *csm, const struct jval *next,
		 const struct wait_options *wait, const char *kept,
		 struct err *err)
{
	autojval struct jval *old = jval_copy(csm->config);
	bool same = jval_equal(jval_get(old, "data"), jval_get(next, "data"));

	if (csm_put(csm, next, kept, err) < 0)
		return -1;
	if (csm_roll(csm, wait, err) == 0)
		return 0;
	/* What an earlier run left is not what was before it. */
	if (same || err->kind == ERR_INTERRUPTED)
		return err_hint(err,
				"the ConfigMap is changed, slurmctld may not "
				"run with it yet: run this again, or put back "
				"what is in '%s'",
				kept);
	return go_back(csm, old, wait, kept, err);
}

static int tell(const struct strs *notes, const char *last, struct err *err)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	for (size_t i = 0; i < notes->nr; i++)
		buf_addf(&out, "%s\n", notes->item[i]);
	buf_addstr(&out, last);
	return output_text(buf_str(&out), err);
}

static int change(struct csm *csm, struct cluster *cluster,
		  enum type_meaning after, const struct settings *settings,
		  struct err *err)
{
	struct wait_options wait = { .config = cluster->config,
				     .discovery = cluster->discovery,
				     .timeout_ms = settings->timeout_ms };
	auto_strs struct strs notes = STRS_INIT;
	autojval struct jval *next =
		csm_config(csm->config, after, &notes, err);
	autofree char *kept = NULL;

	if (next == NULL)
		return err_wrap(err, "ConfigMap '" CSM_CONFIG "'");
	if (csm_is_current(csm, next))
		return tell(&notes, "Nothing is to be changed.\n", err);
	if (settings->dry_run)
		return tell(&notes, "Nothing was changed (--dry-run).\n", err);
	if (after == TYPE_NONE &&
	    check_workflows(cluster->kube, settings, err) < 0)
		return -1;
	kept = keep(csm, settings->state_dir, err);
	if (kept == NULL)
		return err_wrap(err, "keep ConfigMap '" CSM_CONFIG "'");
	log_info("what ConfigMap '" CSM_CONFIG "' was is in '%s'", kept);
	if (apply(csm, next, &wait, kept, err) < 0)
		return -1;
	return tell(&notes,
		    after == TYPE_LUA ?
			    "slurmctld was restarted, and reads them.\n" :
			    "slurmctld was restarted without them.\n",
		    err);
}

int slurm_csm(enum type_meaning after, const struct settings *settings,
	      struct err *err)
{
	auto_cluster struct cluster cluster = { 0 };
	auto_csm struct csm csm = { .kube = NULL };

	if (!settings->apply)
		return print_steps(after, err);
	if (cluster_open(&cluster, settings, err) < 0 ||
	    csm_read(&csm, cluster.kube, err) < 0)
		return -1;
	return change(&csm, &cluster, after, settings, err);
}
