#include "cmd/slurm_change.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cmd/output.h"
#include "slurm/conf_file.h"
#include "slurm/control.h"
#include "slurm/type_edit.h"

/* After a command that failed: slurmctld need not come up, it runs or not. */
#define UNTOUCHED_MS 10000

static const char *done_to(const struct slurm_change *change)
{
	return change->after == TYPE_LUA ? "added to" : "taken out of";
}

/* What is left to be done by hand. */
static void add_advice(struct buf *out, const struct slurm_change *change,
		       bool restarted)
{
	if (!restarted)
		buf_addstr(out,
			   "It takes effect when slurmctld is restarted, on "
			   "each of its hosts: 'systemctl restart slurmctld'. "
			   "'scontrol reconfigure' is not enough.\n");
	if (!change->text)
		return;
	if (strcasestr(change->site->parameters, "enable_configless"))
		buf_addstr(out,
			   "Hosts that fetch slurm.conf from slurmctld get it "
			   "by themselves; copy it to all others.\n");
	else
		buf_addstr(out,
			   "Copy slurm.conf to all hosts of the cluster: Slurm "
			   "complains of each whose file is another one.\n");
}

static int rehearse(const struct slurm_change *change,
		    const struct settings *settings, struct err *err)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	if (change->text)
		buf_addf(&out, "%s would be %s '%s'.\n", TYPE_LINE,
			 done_to(change), change->site->path);
	if (settings->restart)
		buf_addf(&out, "'%s' would be run.\n",
			 settings->restart_command);
	return output_text(buf_str(&out), err);
}

static int restart(const struct slurm_change *change,
		   const struct settings *settings, enum type_meaning type,
		   struct err *err)
{
	if (control_restart(settings->restart_command, err) < 0)
		return -1;
	return control_wait(change->site, type, settings->timeout_ms, err);
}

/* Whether the command did its work is no matter: what slurmctld says counts. It
 * may never have been stopped. */
static int restart_back(const struct slurm_change *change,
			const struct settings *settings, struct err *err)
{
	int64_t timeout_ms = settings->timeout_ms;
	struct err failed = ERR_INIT;

	if (control_restart(settings->restart_command, &failed) < 0) {
		log_warn("%s", failed.msg);
		if (failed.kind == ERR_INTERRUPTED) {
			*err = failed;
			return -1;
		}
		if (timeout_ms > UNTOUCHED_MS)
			timeout_ms = UNTOUCHED_MS;
	}
	return control_wait(change->site, change->before, timeout_ms, err);
}

/* slurmctld did not come up with what it got: back to what it had. */
static int go_back(const struct slurm_change *change, const char *backup,
		   const struct settings *settings, struct err *err)
{
	struct err back = ERR_INIT;

	log_warn("slurmctld does not come up: %s", err->msg);
	log_info("putting '%s' back, and restarting slurmctld",
		 change->site->path);
	if (conf_file_restore(change->site, backup, buf_str(change->text),
			      change->text->len, &back) < 0) {
		err->kind = ERR_ROLLBACK_INCOMPLETE;
		return err_hint(err,
				"and slurm.conf cannot be put back (%s): copy "
				"'%s' over it and restart slurmctld",
				back.msg, backup);
	}
	if (restart_back(change, settings, &back) < 0) {
		err->kind = ERR_ROLLBACK_INCOMPLETE;
		return err_hint(err,
				"slurm.conf is as it was, but slurmctld does "
				"not come up with it either (%s): look into "
				"its log",
				back.msg);
	}
	err->kind = ERR_ROLLED_BACK;
	return err_hint(err, "slurm.conf is as it was, and slurmctld runs "
			     "with it; look into its log for the cause");
}

static int restart_safely(const struct slurm_change *change, const char *backup,
			  const struct settings *settings, struct err *err)
{
	log_info("restarting slurmctld: %s", settings->restart_command);
	if (restart(change, settings, change->after, err) == 0)
		return 0;
	if (err->kind == ERR_INTERRUPTED) {
		err_wrap(err, "while slurmctld was coming up");
		if (backup)
			err_hint(err, "what slurm.conf was is in '%s'", backup);
		return -1;
	}
	if (backup)
		return go_back(change, backup, settings, err);
	err->kind = ERR_ROLLBACK_INCOMPLETE;
	err_wrap(err, "slurmctld does not come up");
	return err_hint(err,
			"slurm.conf had the line before, so nothing was put "
			"back: look into slurmctld's log; without the plugin "
			"it starts after 'dws-csm slurm disable --force'");
}

int slurm_change(const struct slurm_change *change,
		 const struct settings *settings, struct err *err)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	autofree char *backup = NULL;

	if (settings->dry_run)
		return rehearse(change, settings, err);
	if (change->text) {
		if (conf_file_replace(change->site, buf_str(change->text),
				      change->text->len, &backup, err) < 0)
			return -1;
		buf_addf(&out, "%s was %s '%s'; what it was is in '%s'.\n",
			 TYPE_LINE, done_to(change), change->site->path,
			 backup);
	}
	if (settings->restart &&
	    restart_safely(change, backup, settings, err) < 0)
		return -1;
	if (settings->restart)
		buf_addf(&out, "slurmctld was restarted, and runs %s it.\n",
			 change->after == TYPE_LUA ? "with" : "without");
	add_advice(&out, change, settings->restart);
	return output_text(buf_str(&out), err);
}
