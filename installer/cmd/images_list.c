#include "cmd/cmd.h"

#include "base/mem.h"
#include "bundle/render.h"
#include "cmd/open_bundle.h"
#include "cmd/output.h"
#include "cmd/release_options.h"

static struct jval *image_value(const struct release *release, size_t index,
				const struct render_options *render,
				struct err *err)
{
	const struct release_image *image = &release->image[index];
	autofree char *place = render_image(release, index, render, err);
	struct jval *sources;

	if (place == NULL)
		return NULL;
	sources = jval_new_array();
	for (size_t i = 0; i < image->sources.nr; i++)
		jval_append(sources, jval_new_str(image->sources.item[i]));
	return jval_pack("{s:s, s:s, s:o}", "name", image->name, "reference",
			 place, "sources", sources);
}

static struct jval *list_value(const struct release *release,
			       const struct settings *settings, struct err *err)
{
	autojval struct jval *list = jval_new_array();
	struct render_options render;

	render_options_set(&render, settings);
	for (size_t i = 0; i < release->nr_images; i++) {
		struct jval *image = image_value(release, i, &render, err);

		if (image == NULL)
			return NULL;
		jval_append(list, image);
	}
	return mem_steal(&list);
}

static int list_show(const struct jval *list, struct err *err)
{
	static const char *const heads[] = { "NAME", "IN THE CLUSTER",
					     "UPSTREAM", NULL };
	struct table *table = table_new(heads);
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	for (size_t i = 0; i < jval_len(list); i++) {
		const struct jval *image = jval_at(list, i);
		const struct jval *sources = jval_get(image, "sources");

		for (size_t k = 0; k < jval_len(sources); k++)
			table_row(table,
				  (const char *const[]){
					  k ? "" : jval_str(image, "name"),
					  k ? "" : jval_str(image, "reference"),
					  jval_string(jval_at(sources, k)) });
	}
	table_print(table, &out);
	table_free(table);
	return output_text(buf_str(&out), err);
}

static int images_list_main(struct settings *settings, const struct strs *args,
			    struct err *err)
{
	auto_open_bundle struct open_bundle opened = { .bundle = NULL };
	autojval struct jval *list = NULL;
	const struct release *release;

	(void)args;
	if (open_bundle(&opened, settings, true, err) < 0)
		return -1;
	release = catalogue_release(opened.catalogue, settings->version, err);
	if (release == NULL)
		return -1;
	list = list_value(release, settings, err);
	if (list == NULL)
		return -1;
	if (output_format(settings->output))
		return output_value(list, settings->output, err);
	return list_show(list, err);
}

const struct command cmd_images_list = {
	.name = "images list",
	.summary = "list the images of a release and where they come from",
	.chapter = CHAPTER_IMAGES,
	.groups = GROUP_RELEASE | GROUP_BUNDLE | GROUP_TRUST | GROUP_PLACE |
		  GROUP_OUTPUT,
	.run = images_list_main,
};
