#include "cmd/cmd.h"

#include "base/mem.h"
#include "cmd/open_bundle.h"
#include "cmd/output.h"
#include "cmd/release_options.h"

static int pulled_show(const struct image_result *results, size_t nr,
		       struct err *err)
{
	static const char *const heads[] = { "IMAGE", "DIGEST", "FROM", NULL };
	struct table *table = table_new(heads);
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	for (size_t i = 0; i < nr; i++)
		if (results[i].digest)
			table_row(table,
				  (const char *const[]){ results[i].name,
							 results[i].digest,
							 results[i].source });
	table_print(table, &out);
	table_free(table);
	return output_text(buf_str(&out), err);
}

static int images_pull_main(struct settings *settings, const struct strs *args,
			    struct err *err)
{
	auto_open_bundle struct open_bundle opened = { .bundle = NULL };
	const struct release *release;
	struct image_result *results;
	struct images_options options;
	struct render_options render;
	struct progress *progress;
	auto_site_ca struct site_ca ca = { 0 };
	int status;

	if (open_bundle(&opened, settings, true, err) < 0)
		return -1;
	release = catalogue_release(opened.catalogue, settings->version, err);
	if (release == NULL || images_check_names(release, args, err) < 0)
		return -1;
	if (str_empty(settings->to))
		return err_set(err, ERR_USAGE, "'--to' must name a directory");
	if (site_ca_load(settings, &ca, err) < 0 ||
	    settings_progress(settings, &progress, err) < 0)
		return -1;
	render_options_set(&render, settings);
	images_options_set(&options, release, &render, NULL, &ca, settings,
			   progress);
	options.only = args;
	results = mem_array(release->nr_images, sizeof(*results));
	status = images_pull(&options, settings->to, results, err);
	progress_free(progress);
	if (status < 0 && err->kind == ERR_INTERRUPTED)
		err_hint(err,
			 "run it again: what '%s' has is not fetched "
			 "again",
			 settings->to);
	if (status == 0)
		status = pulled_show(results, release->nr_images, err);
	image_results_free(results, release->nr_images);
	return status;
}

const struct command cmd_images_pull = {
	.name = "images pull",
	.arguments = "[IMAGE...]",
	.summary = "write the images of a release into a directory",
	.chapter = CHAPTER_IMAGES,
	.groups = GROUP_BUNDLE | GROUP_TRUST | GROUP_IMAGES | GROUP_RELEASE |
		  GROUP_PULL | GROUP_SOURCE | GROUP_PROGRESS,
	.max_args = 16,
	.run = images_pull_main,
};
