#include "cmd/slurm_look.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/mem.h"
#include "slurm/control.h"
#include "slurm/program.h"
#include "txn/wlm_credential.h"
#include "txn/wlm_file.h"

#define PATIENCE_MS 10000
#define DAY_S 86400

#define MAKE_ONE "'dws-csm wlm create' on a master node makes one; copy it here"

/* The plugin runs as SlurmUser, which must be able to read it, alone. */
static bool look_at_owner(struct findings *findings,
			  const struct check_seen *seen, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		finding_add(findings, "kubeconfig", FINDING_FAULT, MAKE_ONE,
			    "there is no '%s', or we may not look", path);
		return false;
	}
	if (seen->has_user && st.st_uid != seen->user.uid &&
	    seen->user.uid != 0) {
		autofree char *remedy =
			mem_printf("'chown %s %s'", seen->site.user, path);

		finding_add(findings, "kubeconfig", FINDING_FAULT, remedy,
			    "'%s' belongs to user %u: %s cannot read it", path,
			    (unsigned int)st.st_uid, seen->site.user);
		return false;
	}
	if (seen->has_user && !user_can_read(&seen->user, path)) {
		finding_add(findings, "kubeconfig", FINDING_FAULT,
			    "let it pass the folders that lead there, or put "
			    "the file into /etc/slurm",
			    "%s cannot reach '%s'", seen->site.user, path);
		return false;
	}
	if (st.st_mode & 077) {
		autofree char *remedy = mem_printf("'chmod 0600 %s'", path);

		finding_add(findings, "kubeconfig", FINDING_FAULT, remedy,
			    "others may read '%s' (mode %04o)", path,
			    (unsigned int)st.st_mode & 07777);
		return false;
	}
	return true;
}

static void look_at_time(struct findings *findings, const char *path,
			 time_t until, int64_t warn_days)
{
	int64_t left = (int64_t)(until - clock_wall());
	static const char renew[] =
		"'dws-csm wlm renew' on a master node makes "
		"a new one; copy it here";

	if (left <= 0)
		finding_add(findings, "kubeconfig", FINDING_FAULT, renew,
			    "the certificate in '%s' has expired", path);
	else
		finding_add(
			findings, "kubeconfig",
			left < warn_days * DAY_S ? FINDING_WARNING : FINDING_OK,
			left < warn_days * DAY_S ? renew : NULL,
			"'%s', valid for %" PRId64 " days", path, left / DAY_S);
}

static void look_at_server(struct findings *findings, struct wlm_file *file)
{
	struct err err = ERR_INIT;
	int proven;

	kube_config_set_patience(file->config, PATIENCE_MS);
	proven = wlm_prove(file->config, 0, &err);
	if (err.http == 403)
		err_hint(&err, "'dws-csm wlm renew' gives it its role again");
	if (proven < 0)
		finding_add_err(findings, "server", FINDING_FAULT, &err);
	else if (proven == 0)
		finding_add(findings, "server", FINDING_FAULT,
			    "'dws-csm install' on a master node",
			    "%s serves no Workflows: DWS is not installed",
			    kube_config_server(file->config));
	else
		finding_add(findings, "server", FINDING_OK, NULL,
			    "%s; the credential lists Workflows and may not "
			    "read Secrets",
			    kube_config_server(file->config));
}

static void look_at_credential(struct findings *findings,
			       const struct check_seen *seen, int64_t warn_days)
{
	auto_wlm_file struct wlm_file file = { .config = NULL };
	autofree char *path =
		check_setting(seen->settings, "Kubeconfig", WLM_FILE);
	struct err err = ERR_INIT;

	if (!look_at_owner(findings, seen, path)) {
		finding_add(findings, "server", FINDING_SKIPPED, NULL,
			    "there is no credential to ask it with");
		return;
	}
	/* What another tool made may work all the same; nothing of it is run
	 * or read by us. */
	if (wlm_file_read(&file, path, &err) < 0 ||
	    wlm_file_check_user(&file, path, &err) < 0) {
		finding_add_err(findings, "kubeconfig",
				err.kind == ERR_USAGE ? FINDING_WARNING :
							FINDING_FAULT,
				&err);
		finding_add(findings, "server", FINDING_SKIPPED, NULL,
			    "it is not asked with a credential that 'dws-csm "
			    "wlm create' has not made");
		return;
	}
	look_at_time(findings, path, file.until, warn_days);
	look_at_server(findings, &file);
}

static void look_at_client(struct findings *findings,
			   const struct check_seen *seen)
{
	autofree char *client = check_setting(seen->settings, "Client", "auto");
	autofree char *own = check_setting(seen->settings, "DwsCsm", "dws-csm");
	autofree char *other =
		check_setting(seen->settings, "Kubectl", "kubectl");
	autofree char *found = NULL;

	if (!str_eq(client, "kubectl"))
		found = program_find(own, PROGRAM_SERVICE_PATH);
	if (found) {
		finding_add(findings, "client", FINDING_OK, NULL, "'%s'",
			    found);
		return;
	}
	if (!str_eq(client, "dws-csm"))
		found = program_find(other, PROGRAM_SERVICE_PATH);
	if (found)
		finding_add(findings, "client",
			    str_eq(client, "kubectl") ? FINDING_OK :
							FINDING_WARNING,
			    str_eq(client, "kubectl") ?
				    NULL :
				    "install the package dws-csm: it answers "
				    "in a tenth of the time",
			    "'%s'", found);
	else
		finding_add(findings, "client", FINDING_FAULT,
			    "install the package dws-csm, or name it with "
			    "DwsCsm= or Kubectl= in dws-burst-buffer.conf",
			    "the plugin finds no program to ask the cluster "
			    "with (Client=%s, PATH of services)",
			    client);
}

static const char *type_name(enum type_meaning type)
{
	return type == TYPE_LUA ? "burst_buffer/lua" : "none";
}

void slurm_look_type(struct findings *findings, const struct site *site)
{
	const struct site_type *last =
		site->nr_types ? &site->type[site->nr_types - 1] : NULL;
	enum type_meaning type = site_type(site);
	struct err err = ERR_INIT;
	autofree char *runs = NULL;

	if (type == TYPE_OTHER)
		finding_add(findings, "enabled", FINDING_FAULT,
			    "Slurm has one burst buffer system at a time",
			    "'%s' line %u: BurstBufferType=%s", last->file,
			    last->number, last->value);
	else if (type == TYPE_NONE)
		finding_add(findings, "enabled", FINDING_WARNING,
			    "'dws-csm slurm enable --restart'",
			    "slurm.conf has no BurstBufferType");
	else
		finding_add(findings, "enabled", FINDING_OK, NULL,
			    "'%s' line %u: BurstBufferType=%s", last->file,
			    last->number, last->value);
	runs = control_setting(site, "BurstBufferType", &err);
	if (runs == NULL)
		finding_add_err(findings, "running",
				err.kind == ERR_INVALID ? FINDING_FAULT :
							  FINDING_WARNING,
				&err);
	else if (type != TYPE_OTHER && type_meaning(runs) != type)
		finding_add(findings, "running", FINDING_WARNING,
			    "restart slurmctld: 'scontrol reconfigure' is not "
			    "enough",
			    "slurmctld runs with BurstBufferType=%s, "
			    "slurm.conf says %s",
			    str_empty(runs) ? "none" : runs, type_name(type));
	else
		finding_add(findings, "running", FINDING_OK, NULL,
			    "slurmctld answers, BurstBufferType=%s",
			    str_empty(runs) ? "none" : runs);
}

int slurm_look(struct findings *findings, struct check_seen *seen,
	       const struct settings *settings, struct err *err)
{
	if (check_host(findings, seen, settings->slurm_conf, err) < 0)
		return -1;
	look_at_credential(findings, seen, settings->warn_days);
	look_at_client(findings, seen);
	slurm_look_type(findings, &seen->site);
	return 0;
}
