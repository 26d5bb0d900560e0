#include "cmd/cmd.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "cmd/connect.h"
#include "cmd/open_bundle.h"
#include "cmd/output.h"
#include "cmd/release_options.h"
#include "txn/state.h"

static struct jval *results_value(const struct image_result *results, size_t nr)
{
	struct jval *list = jval_new_array();

	for (size_t i = 0; i < nr; i++)
		if (results[i].place)
			jval_append(list,
				    jval_pack("{s:s, s:s, s:s?, s:I, s:I, s:b}",
					      "name", results[i].name,
					      "reference", results[i].place,
					      "digest", results[i].digest,
					      "bytes",
					      (int64_t)results[i].bytes, "sent",
					      (int64_t)results[i].sent,
					      "present", results[i].present));
	return list;
}

static int results_show(const struct image_result *results, size_t nr,
			bool dry_run, struct err *err)
{
	static const char *const heads[] = { "IMAGE", "DIGEST", "SIZE",
					     "RESULT", NULL };
	struct table *table = table_new(heads);
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	for (size_t i = 0; i < nr; i++) {
		char size[32] = "-";
		const char *digest = results[i].digest;

		if (results[i].place == NULL)
			continue;
		if (results[i].bytes > 0)
			str_bytes(size, sizeof(size), results[i].bytes);
		table_row(table,
			  (const char *const[]){
				  results[i].place, digest ? digest : "-", size,
				  results[i].present ? "present" :
				  dry_run	     ? "to push" :
						       "pushed" });
	}
	table_print(table, &out);
	table_free(table);
	return output_text(buf_str(&out), err);
}

static int push_and_tell(const struct images_options *options,
			 const struct settings *settings, struct err *err)
{
	size_t nr = options->release->nr_images;
	struct image_result *results = mem_array(nr, sizeof(*results));
	autojval struct jval *value = NULL;
	int status = images_push(options, results, err);

	progress_free(options->progress);
	if (status < 0 && err->kind == ERR_INTERRUPTED)
		err_hint(err, "run it again: what the registry has is not "
			      "sent again");
	if (status == 0 && output_format(settings->output)) {
		value = results_value(results, nr);
		status = output_value(value, settings->output, err);
	} else if (status == 0) {
		status = results_show(results, nr, options->dry_run, err);
	}
	image_results_free(results, nr);
	return status;
}

/* A push goes on without it: only from the start of each blob. */
static void remember_uploads(struct registry *registry,
			     const struct settings *settings)
{
	auto_state struct state state = STATE_INIT;
	struct err err = ERR_INIT;

	if (settings->dry_run)
		return;
	if (state_open(&state, settings->state_dir, &err) == 0)
		registry_keep_uploads(registry, state.path);
	else
		log_verbose("uploads are not remembered: %s", err.msg);
}

static int images_push_main(struct settings *settings, const struct strs *args,
			    struct err *err)
{
	auto_open_bundle struct open_bundle opened = { .bundle = NULL };
	auto_cluster struct cluster cluster = { 0 };
	struct images_options options;
	struct render_options render;
	struct registry *registry;
	struct progress *progress;
	auto_site_ca struct site_ca ca = { 0 };
	const struct release *release;
	/* The cluster is asked only for the password. */
	bool asked = !settings->registry_username && !settings->authfile;
	int status;

	if (open_bundle(&opened, settings, true, err) < 0)
		return -1;
	release = catalogue_release(opened.catalogue, settings->version, err);
	if (release == NULL || images_check_names(release, args, err) < 0)
		return -1;
	if (asked && cluster_open(&cluster, settings, err) < 0)
		return err_hint(err,
				"the password of the registry is in the "
				"cluster; or give --registry-username and "
				"--registry-password-stdin, or --authfile");
	if (site_ca_load(settings, &ca, err) < 0)
		return -1;
	registry =
		site_registry_open(settings, &ca, asked ? &cluster : NULL, err);
	if (registry == NULL)
		return -1;
	remember_uploads(registry, settings);
	status = settings_progress(settings, &progress, err);
	if (status == 0) {
		render_options_set(&render, settings);
		images_options_set(&options, release, &render, registry, &ca,
				   settings, progress);
		options.only = args;
		status = push_and_tell(&options, settings, err);
	}
	registry_free(registry);
	return status;
}

const struct command cmd_images_push = {
	.name = "images push",
	.arguments = "[IMAGE...]",
	.summary = "push the images of a release into the site's registry",
	.chapter = CHAPTER_IMAGES,
	.groups = GROUP_CLUSTER | GROUP_REGISTRY | GROUP_IMAGES | GROUP_BUNDLE |
		  GROUP_TRUST | GROUP_RELEASE | GROUP_CHANGE | GROUP_STATE |
		  GROUP_PROGRESS | GROUP_OUTPUT,
	.max_args = 16,
	.run = images_push_main,
};
