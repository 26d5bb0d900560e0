#include "cmd/cmd.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/connect.h"
#include "cmd/release_options.h"
#include "txn/install.h"

static enum webhook_certs certs_of(const struct settings *settings)
{
	if (str_eq(settings->webhook_certs, "cert-manager"))
		return CERTS_CERT_MANAGER;
	if (str_eq(settings->webhook_certs, "self-signed"))
		return CERTS_SELF_SIGNED;
	return CERTS_AUTO;
}

static void install_tell(const struct install_options *options,
			 const struct install_result *result, int64_t took_ms)
{
	const char *version = options->release->version;

	if (!result->changed)
		log_info("DWS %s is installed already, nothing was changed "
			 "(%.1f s)",
			 version, (double)took_ms / 1000);
	else
		log_info("DWS %s is installed: %zu objects, revision %" PRId64
			 " (%.1f s)",
			 version, result->nr_objects, result->revision,
			 (double)took_ms / 1000);
}

static int install_and_tell(const struct install_options *options,
			    const struct settings *settings, struct err *err)
{
	int64_t start = clock_now_ms();
	struct install_result result;
	int status = install_run(options, &result, err);

	/* The last bar is drawn before the last word. */
	progress_free(options->progress);
	if (status == 0 && settings->dry_run)
		status = plan_print(&result.plan, settings->output, err);
	else if (status == 0)
		install_tell(options, &result, clock_now_ms() - start);
	install_result_release(&result);
	return status;
}

static int install_with(struct settings *settings, struct cluster *cluster,
			const struct release *release,
			struct registry *registry, const struct site_ca *ca,
			struct err *err)
{
	struct install_options options = {
		.config = cluster->config,
		.kube = cluster->kube,
		.discovery = cluster->discovery,
		.release = release,
		.pin_digests = settings->pin_digests,
		.certs = certs_of(settings),
		.wait = settings->wait,
		.timeout_ms = settings->timeout_ms,
		.dry_run = settings->dry_run,
	};
	struct images_options images;

	render_options_set(&options.render, settings);
	if (settings_progress(settings, &options.progress, err) < 0)
		return -1;
	if (registry) {
		images_options_set(&images, release, &options.render, registry,
				   ca, settings, options.progress);
		options.images = &images;
	}
	return install_and_tell(&options, settings, err);
}

static int install_main(struct settings *settings, const struct strs *args,
			struct err *err)
{
	autocatalogue struct catalogue *catalogue = catalogue_open(err);
	auto_cluster struct cluster cluster = { 0 };
	const struct release *release;
	auto_site_ca struct site_ca ca = { 0 };
	struct registry *registry = NULL;
	int status;

	(void)args;
	if (catalogue == NULL)
		return -1;
	release = catalogue_release(catalogue, settings->version, err);
	if (release == NULL)
		return -1;
	if (settings->pin_digests && settings->skip_images)
		return err_set(err, ERR_USAGE,
			       "'--pin-digests' needs the images: it does not "
			       "go with '--skip-images'");
	if (cluster_open(&cluster, settings, err) < 0)
		return -1;
	if (!settings->skip_images) {
		if (site_ca_load(settings, &ca, err) < 0)
			return -1;
		registry = site_registry_open(settings, &ca, &cluster, err);
		if (registry == NULL)
			return -1;
	}
	status = install_with(settings, &cluster, release, registry, &ca, err);
	registry_free(registry);
	return status;
}

const struct command cmd_install = {
	.name = "install",
	.summary = "put DWS on the cluster, images included",
	.groups = GROUP_CLUSTER | GROUP_REGISTRY | GROUP_IMAGES |
		  GROUP_RELEASE | GROUP_CHANGE | GROUP_INSTALL |
		  GROUP_PROGRESS | GROUP_OUTPUT,
	.run = install_main,
};
