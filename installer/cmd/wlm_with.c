#include "cmd/wlm_with.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/wlm_make.h"
#include "kube/csr.h"
#include "txn/wlm.h"

#define DAY_S 86400
#define WARN_DAYS 60
#define PATIENCE_MS 10000
#define RIGHTS_TIMEOUT_MS 15000

/* --- beforehand ---------------------------------------------------------------- */

/* 1 where there is a credential of ours, 0 where there is no file. */
static int look_at_file(struct wlm_with *self, struct err *err)
{
	const char *path = self->issue.path;

	if (wlm_file_read(&self->file, path, err) == 0)
		return wlm_file_check_user(&self->file, path, err) < 0 ? -1 : 1;
	if (err->kind != ERR_NOT_FOUND)
		return -1;
	err_clear(err);
	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(err, ERR_BLOCKED,
			       "'%s' is a symbolic link to nothing", path);
	return 0;
}

/* It must be one that this server takes, of a user who may not too much. */
static int check_kept(struct wlm_with *self, int64_t left_s, struct err *err)
{
	const char *path = self->issue.path;

	kube_config_set_patience(self->file.config, PATIENCE_MS);
	if (wlm_recognised(self->file.config, err) < 0) {
		err_hint(err,
			 "'%s' is of no use for this cluster; 'dws-csm wlm "
			 "create --force' makes another",
			 path);
		return err_wrap(err, "try the credential that is there");
	}
	if (self->file.mode & 077)
		log_warn("others may read '%s' (mode %04o); 'chmod 0600' it",
			 path, self->file.mode);
	if (left_s < WARN_DAYS * DAY_S)
		log_warn("the credential '%s' expires in %" PRId64 " days; "
			 "'dws-csm wlm renew' makes a new one",
			 path, left_s / DAY_S);
	return 0;
}

/* A dry run must not ask the cluster to sign. */
static int prepare_signing(struct wlm_with *self, struct cluster *cluster,
			   bool dry_run, struct err *err)
{
	if (wlm_check_folder(self->issue.path, false, err) < 0)
		return -1;
	if (dry_run && self->issue.via_csr)
		return csr_check(cluster->kube, err);
	if (wlm_sign(&self->issue, &self->issued, err) < 0)
		return -1;
	return wlm_try(&self->issue, &self->issued, err);
}

static int prepare_file(struct wlm_with *self, struct cluster *cluster,
			const struct settings *settings, struct err *err)
{
	const char *path = self->issue.path;
	int there = look_at_file(self, err);
	int64_t left_s = (int64_t)(self->file.until - clock_wall());

	if (there < 0)
		return -1;
	if (there > 0 && left_s > 0)
		return check_kept(self, left_s, err);
	if (there > 0) {
		if (wlm_check_file(&self->file, path, err) < 0)
			return -1;
		wlm_issue_keep(&self->issue, &self->file, settings);
	}
	self->makes = true;
	plan_add(&self->plan, there ? "renew" : "make",
		 there ? "it has expired" : "--with-wlm",
		 "credential '%s' of user '" WLM_USER "'", path);
	return prepare_signing(self, cluster, settings->dry_run, err);
}

int wlm_with_prepare(struct wlm_with *self, struct cluster *cluster,
		     const struct settings *settings, struct err *err)
{
	bool bound;

	if (!settings->with_wlm)
		return 0;
	self->issue.path = settings->wlm_file ? settings->wlm_file : WLM_FILE;
	if (wlm_issue_set(&self->issue, cluster, settings, err) < 0)
		return -1;
	if (wlm_may_grant(&bound, cluster->kube, err) < 0 ||
	    prepare_file(self, cluster, settings, err) < 0)
		return err_wrap(err, "nothing was changed: --with-wlm");
	if (!bound)
		plan_add(&self->plan, "bind", "--with-wlm",
			 "user '" WLM_USER
			 "' to the role of workload managers");
	return 0;
}

/* --- afterwards ---------------------------------------------------------------- */

static struct jval *kept_value(const struct wlm_with *self, const char *role)
{
	const struct wlm_file *file = &self->file;
	struct jval *value = jval_new_object();
	char when[CLOCK_RFC3339_SIZE];

	clock_rfc3339(when, sizeof(when), file->until);
	jval_set_str(value, "file", self->issue.path);
	jval_set_str(value, "user", WLM_USER);
	jval_set_str(value, "role", role);
	jval_set_str(value, "server", kube_config_server(file->config));
	jval_set_str(value, "until", when);
	jval_set(value, "daysLeft",
		 jval_new_int((int64_t)(file->until - clock_wall()) / DAY_S));
	return value;
}

/* Its rights may have gone with an uninstallation. */
static struct jval *keep(const struct wlm_with *self, struct cluster *cluster,
			 struct err *err)
{
	autocatalogue struct catalogue *catalogue = catalogue_open(err);
	auto_wlm_grant struct wlm_grant grant = { .role = NULL };

	if (catalogue == NULL ||
	    wlm_grant(&grant, cluster->kube, cluster->discovery, catalogue,
		      err) < 0 ||
	    wlm_prove(self->file.config, RIGHTS_TIMEOUT_MS, err) < 0)
		return NULL;
	if (grant.user_added && wlm_note(cluster->kube, self->file.until, err))
		return NULL;
	return kept_value(self, grant.role);
}

static struct jval *put(struct wlm_with *self, struct cluster *cluster,
			struct err *err)
{
	if (wlm_check_folder(self->issue.path, true, err) < 0)
		return NULL;
	return wlm_put(&self->issue, &self->issued, cluster, err);
}

struct jval *wlm_with_finish(struct wlm_with *self, struct cluster *cluster,
			     const char *version, struct err *err)
{
	struct jval *value;

	/* What it serves has changed since it was asked. */
	discovery_forget(cluster->discovery);
	value = self->makes ? put(self, cluster, err) :
			      keep(self, cluster, err);
	if (value) {
		jval_set(value, "changed", jval_new_bool(self->makes));
		return value;
	}
	if (err->kind != ERR_INTERRUPTED)
		err->kind = ERR_FAILED;
	err_wrap(err,
		 "DWS %s is installed, but the workload manager has no "
		 "credential that works",
		 version);
	err_hint(err, "mend the cause, then 'dws-csm wlm %s %s' makes it",
		 self->file.config ? "renew" : "create", self->issue.path);
	return NULL;
}

void wlm_with_release(struct wlm_with *self)
{
	plan_release(&self->plan);
	wlm_issued_release(&self->issued);
	wlm_file_release(&self->file);
}
