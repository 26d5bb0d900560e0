#include "cmd/cmd.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cmd/connect.h"
#include "cmd/output.h"
#include "cmd/plan_print.h"
#include "cmd/release_options.h"
#include "txn/install.h"
#include "txn/record.h"

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

/* {name, reference, digest} of each image: digests as the record has them,
 * null where the images were not looked at. */
static struct jval *images_value(const struct install_options *options,
				 const struct jval *record, struct err *err)
{
	const struct release *release = options->release;
	const struct jval *known = jval_get(record, "images");
	autojval struct jval *list = jval_new_array();

	for (size_t i = 0; i < release->nr_images; i++) {
		const char *name = release->image[i].name;
		const char *digest = NULL;
		autofree char *place =
			render_image(release, i, &options->render, err);

		if (place == NULL)
			return NULL;
		for (size_t k = 0; k < jval_len(known); k++)
			if (str_eq(jval_str(jval_at(known, k), "name"), name))
				digest = jval_str(jval_at(known, k), "digest");
		jval_append(list,
			    jval_pack("{s:s, s:s, s:s?}", "name", name,
				      "reference", place, "digest", digest));
	}
	return mem_steal(&list);
}

/* The record of what stands now; the caller's. */
static struct jval *find_record(struct kube *kube, int64_t revision,
				struct err *err)
{
	autojval struct jval *records = record_list(kube, err);

	for (size_t i = 0; i < jval_len(records); i++)
		if (jval_int(jval_at(records, i), "revision", 0) == revision)
			return jval_ref(jval_at(records, i));
	if (records)
		err_set(err, ERR_API,
			"the record of revision %" PRId64 " has gone",
			revision);
	return NULL;
}

static int install_print(const struct install_options *options,
			 const struct install_result *result,
			 const char *format, struct err *err)
{
	autojval struct jval *record =
		find_record(options->kube, result->revision, err);
	autojval struct jval *value = NULL;
	struct jval *images, *notes;

	if (record == NULL)
		return -1;
	images = images_value(options, record, err);
	if (images == NULL)
		return -1;
	notes = jval_new_array();
	for (size_t i = 0; i < result->plan.notes.nr; i++)
		jval_append(notes, jval_new_str(result->plan.notes.item[i]));
	value = jval_pack("{s:s, s:I, s:b, s:I, s:o, s:o}", "version",
			  options->release->version, "revision",
			  result->revision, "changed", result->changed,
			  "objects", (int64_t)result->nr_objects, "images",
			  images, "notes", notes);
	return output_value(value, format, err);
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
	else if (err->kind == ERR_INTERRUPTED && result.nr_objects == 0)
		err_hint(err, "the cluster is as before; run it again%s",
			 options->images ? ": what the registry has is not "
					   "sent again" :
					   "");
	if (status == 0 && !settings->dry_run &&
	    output_format(settings->output))
		status = install_print(options, &result, settings->output, err);
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
		.host_time = host_time_of(settings->host_time),
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
