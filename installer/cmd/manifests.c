#include "cmd/cmd.h"

#include "base/mem.h"
#include "bundle/host_time.h"
#include "bundle/render.h"
#include "cmd/open_bundle.h"
#include "cmd/output.h"
#include "cmd/release_options.h"
#include "format/yaml.h"
#include "txn/policy.h"

static int manifests_list_table(const struct catalogue *catalogue,
				struct err *err)
{
	static const char *const heads[] = { "VERSION", "STORAGE", "IMAGES",
					     "DEFAULT", NULL };
	struct table *table = table_new(heads);
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct release *release = catalogue_at(catalogue, i);
		auto_strs struct strs images = STRS_INIT;
		autofree char *joined = NULL;
		bool is_default =
			str_eq(release->version, catalogue_default(catalogue));

		for (size_t k = 0; k < release->nr_images; k++)
			strs_addf(&images, "%s:%s", release->image[k].name,
				  release->image[k].tag);
		joined = strs_join(&images, ",");
		table_row(table,
			  (const char *const[]){
				  release->version, release->storage_version,
				  joined, is_default ? "yes" : "" });
	}
	table_print(table, &out);
	table_free(table);
	return output_text(buf_str(&out), err);
}

static struct jval *release_value(const struct release *release,
				  bool is_default)
{
	struct jval *images = jval_new_array();

	for (size_t i = 0; i < release->nr_images; i++)
		jval_append(images, jval_pack("{s:s, s:s}", "name",
					      release->image[i].name, "tag",
					      release->image[i].tag));
	return jval_pack("{s:s, s:s, s:o, s:b}", "version", release->version,
			 "storageVersion", release->storage_version, "images",
			 images, "default", is_default);
}

static int manifests_list(const struct catalogue *catalogue, const char *format,
			  struct err *err)
{
	const char *usual = catalogue_default(catalogue);
	autojval struct jval *list = NULL;

	if (format == NULL)
		return manifests_list_table(catalogue, err);
	list = jval_new_array();
	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		const struct release *release = catalogue_at(catalogue, i);

		jval_append(list,
			    release_value(release,
					  str_eq(release->version, usual)));
	}
	return output_value(list, format, err);
}

static int manifests_print(const struct jval *objects, const char *format,
			   struct err *err)
{
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	if (str_eq(format, "json")) {
		autojval struct jval *list =
			jval_pack("{s:s, s:s, s:O}", "apiVersion", "v1", "kind",
				  "List", "items", objects);

		return output_value(list, "json", err);
	}
	for (size_t i = 0; i < jval_len(objects); i++) {
		if (i > 0)
			buf_addstr(&out, "---\n");
		yaml_dump(&out, jval_at(objects, i));
	}
	if (buf_check(&out, "manifests", err) < 0)
		return -1;
	return output_text(buf_str(&out), err);
}

/* kubectl apply stops at kinds it does not know: leave out what upstream
 * applies apart where Prometheus is. */
static struct jval *manifests_objects(const struct release *release,
				      const struct settings *settings,
				      struct err *err)
{
	struct render_options render;
	autojval struct jval *all = NULL;
	struct jval *objects;

	render_options_set(&render, settings);
	all = render_release(release, &render, err);
	if (all == NULL)
		return NULL;
	if (host_time_of(settings->host_time) == HOST_TIME_STRIP)
		host_time_strip_all(all);
	objects = jval_new_array();
	for (size_t i = 0; i < jval_len(all); i++)
		if (!render_is_service_monitor(jval_at(all, i)))
			jval_append(objects, jval_ref(jval_at(all, i)));
	return objects;
}

static int manifests_main(struct settings *settings, const struct strs *args,
			  struct err *err)
{
	auto_open_bundle struct open_bundle opened = { .bundle = NULL };
	autojval struct jval *objects = NULL;
	const struct release *release;

	(void)args;
	if (open_bundle(&opened, settings, true, err) < 0)
		return -1;
	if (settings->list)
		return manifests_list(opened.catalogue, settings->output, err);
	release = catalogue_release(opened.catalogue, settings->version, err);
	if (release == NULL)
		return -1;
	objects = manifests_objects(release, settings, err);
	if (objects == NULL)
		return -1;
	return manifests_print(objects, settings->output, err);
}

const struct command cmd_manifests = {
	.name = "manifests",
	.summary = "print the objects of a release, fit for kubectl apply",
	.groups = GROUP_RELEASE | GROUP_BUNDLE | GROUP_TRUST | GROUP_PLACE |
		  GROUP_MANIFESTS | GROUP_FORMAT,
	.run = manifests_main,
};
