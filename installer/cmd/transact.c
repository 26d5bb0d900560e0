#include "cmd/transact.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/output.h"
#include "cmd/plan_print.h"
#include "cmd/release_options.h"
#include "cmd/workflow_table.h"

static enum webhook_certs certs_of(const struct settings *settings)
{
	if (str_eq(settings->webhook_certs, "cert-manager"))
		return CERTS_CERT_MANAGER;
	if (str_eq(settings->webhook_certs, "self-signed"))
		return CERTS_SELF_SIGNED;
	return CERTS_AUTO;
}

static void set_options(struct transact *self)
{
	const struct settings *settings = self->settings;

	self->options = (struct txn_options){
		.config = self->cluster.config,
		.kube = self->cluster.kube,
		.discovery = self->cluster.discovery,
		.catalogue = self->catalogue,
		.state = &self->state,
		.hooks = { .dir = settings->hooks,
			   .timeout_ms = settings->hooks_timeout_ms,
			   .kubeconfig = settings->kubeconfig,
			   .context = settings->context },
		.keep = settings->keep,
		.timeout_ms = settings->timeout_ms,
		.dry_run = settings->dry_run,
		.no_rollback = settings->no_rollback,
		.pin_digests = settings->pin_digests,
		.certs = certs_of(settings),
		.host_time = host_time_of(settings->host_time),
		.wait = true,
		.allow_downgrade = settings->allow_downgrade,
		.place = settings->registry,
		.abandon = &settings->abandon,
		.destroy_resources = settings->yes,
		.delete_namespace = settings->delete_namespace,
	};
}

static int open_release(struct transact *self, struct err *err)
{
	const struct settings *settings = self->settings;
	struct txn_options *options = &self->options;

	if (open_bundle(&self->opened, settings, true, err) < 0)
		return -1;
	self->bundle = open_bundle_value(&self->opened);
	options->bundle = self->bundle;
	options->release = catalogue_release(self->opened.catalogue,
					     settings->version, err);
	if (options->release == NULL)
		return -1;
	if (settings->pin_digests && settings->skip_images)
		return err_set(err, ERR_USAGE,
			       "'--pin-digests' needs the images: it does not "
			       "go with '--skip-images'");
	render_options_set(&options->render, settings);
	return 0;
}

static int open_registry(struct transact *self, struct err *err)
{
	const struct settings *settings = self->settings;
	struct txn_options *options = &self->options;

	if (settings->skip_images)
		return 0;
	if (site_ca_load(settings, &self->ca, err) < 0)
		return -1;
	self->registry =
		site_registry_open(settings, &self->ca, &self->cluster, err);
	options->registry = self->registry;
	if (self->registry && self->state.path)
		registry_keep_uploads(self->registry, self->state.path);
	return self->registry ? 0 : -1;
}

static void set_images(struct transact *self)
{
	struct txn_options *options = &self->options;

	if (self->registry == NULL || options->release == NULL)
		return;
	images_options_set(&self->images, options->release, &options->render,
			   self->registry, &self->ca, self->settings,
			   options->progress);
	options->images = &self->images;
}

/* A server that restarts is waited for as long as a pod is. */
static void set_patience(struct cluster *cluster, int64_t timeout_ms)
{
	if (timeout_ms <= kube_config_patience(cluster->config))
		return;
	kube_config_set_patience(cluster->config, timeout_ms);
	kube_set_patience(cluster->kube, timeout_ms);
}

int transact_open(struct transact *self, struct settings *settings,
		  bool release, bool registry, struct err *err)
{
	self->settings = settings;
	self->start_ms = clock_now_ms();
	self->catalogue = catalogue_open(err);
	if (self->catalogue == NULL)
		return -1;
	set_options(self);
	if (release && open_release(self, err) < 0)
		return -1;
	if (cluster_open(&self->cluster, settings, err) < 0)
		return -1;
	set_patience(&self->cluster, settings->timeout_ms);
	self->options.config = self->cluster.config;
	self->options.kube = self->cluster.kube;
	self->options.discovery = self->cluster.discovery;
	if (!settings->dry_run &&
	    state_open(&self->state, settings->state_dir, err) < 0)
		return -1;
	if (registry && open_registry(self, err) < 0)
		return -1;
	if (settings_progress(settings, &self->options.progress, err) < 0)
		return -1;
	self->options.hooks.progress = self->options.progress;
	set_images(self);
	return 0;
}

void transact_close(struct transact *self)
{
	progress_free(self->options.progress);
	registry_free(self->registry);
	site_ca_release(&self->ca);
	cluster_close(&self->cluster);
	state_release(&self->state);
	jval_free(self->bundle);
	open_bundle_close(&self->opened);
	catalogue_free(self->catalogue);
	memset(self, 0, sizeof(*self));
}

/* What is in the way is no result, so as a table it goes to standard error. */
static void show_workflows(const struct jval *workflows)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	if (jval_len(workflows) == 0)
		return;
	workflow_table(workflows, &out);
	fputs(buf_str(&out), stderr);
}

/* {blocked, workflows, resources}: workflows are null when they are unknown,
 * resources are there when they are in the way. */
static int print_blocked(const struct txn_result *result, const char *format,
			 struct err *err)
{
	autojval struct jval *value = jval_new_object();

	jval_set(value, "blocked", jval_new_bool(true));
	jval_set(value, "workflows",
		 result->workflows ? jval_ref(result->workflows) :
				     jval_new_null());
	if (jval_len(result->resources) > 0)
		jval_set(value, "resources", jval_ref(result->resources));
	return output_value(value, format, err);
}

static void tell_failure(const struct transact *self,
			 const struct txn_result *result, const struct err *err)
{
	const char *format = output_format(self->settings->output);
	struct err print_err = ERR_INIT;

	if (format == NULL)
		show_workflows(result->workflows);
	else if (err->kind == ERR_BLOCKED &&
		 print_blocked(result, format, &print_err) < 0)
		log_warn("%s", print_err.msg);
}

static int show_plan(const struct transact *self, struct plan *plan,
		     struct err *err)
{
	const struct settings *settings = self->settings;

	if (self->more)
		plan_append(plan, self->more);
	/* What cannot be done is not kept for later. */
	if (settings->plan_file && plan->problems.nr == 0)
		return plan_save(plan, settings->plan_meta, settings->plan_file,
				 err);
	if (plan_print(plan, settings->output, err) < 0)
		return -1;
	return plan_refuse(plan, err);
}

/* Would the same be done that the kept plan says? */
static int check_expected(const struct transact *self, transact_run *run,
			  struct err *err)
{
	auto_txn_result struct txn_result result = { .changed = false };
	struct txn_options options = self->options;
	struct images_options images = self->images;

	if (self->settings->plan_expected == NULL)
		return 0;
	options.dry_run = true;
	options.progress = NULL;
	options.hooks.progress = NULL;
	if (options.images) {
		images.dry_run = true;
		images.progress = NULL;
		options.images = &images;
	}
	if (run(&options, &result, err) < 0 ||
	    plan_refuse(&result.plan, err) < 0)
		return -1;
	if (self->more)
		plan_append(&result.plan, self->more);
	return plan_check_same(&result.plan, self->settings->plan_expected,
			       err);
}

int transact_do(struct transact *self, transact_run *run,
		struct txn_result *result, struct err *err)
{
	int status = check_expected(self, run, err);

	if (status == 0)
		status = run(&self->options, result, err);

	progress_free(self->options.progress);
	self->options.progress = NULL;
	if (status < 0)
		tell_failure(self, result, err);
	else if (self->settings->dry_run)
		status = show_plan(self, &result->plan, err);
	return status;
}

void transact_took(const struct transact *self, char *text)
{
	snprintf(text, TRANSACT_TOOK_SIZE, "%.1f s",
		 (double)(clock_now_ms() - self->start_ms) / 1000);
}
