#include "cmd/cmd.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "bundle/sbom.h"
#include "cmd/bundle_facts.h"
#include "cmd/output.h"
#include "registry/manifest.h"

static void print_provenance(const struct bundle_meta *meta, struct buf *out)
{
	const char *builder = jval_str(meta->root, "builder.name");
	const char *version = jval_str(meta->root, "builder.version");
	const char *commit = jval_str(meta->root, "builder.commit");
	autofree char *platforms = strs_join(&meta->platforms, ", ");

	bundle_facts_line(out, "created", "%s", meta->created);
	bundle_facts_line(out, "builder", "%s %s%s%s",
			  builder ? builder : "unknown", version ? version : "",
			  commit ? ", commit " : "", commit ? commit : "");
	bundle_facts_line(out, "platforms", "%s", platforms);
}

/* Where the manifests of a release are from, in words. */
static char *source_words(const struct jval *source)
{
	const char *type = jval_str(source, "type");
	const char *name = jval_str(source, "name");
	const char *commit = jval_str(source, "commit");

	return mem_printf("%s%s%s%s%s", type ? type : "unknown",
			  name ? " " : "", name ? name : "",
			  commit ? " at " : "", commit ? commit : "");
}

static void print_releases(const struct bundle_meta *meta, struct buf *out)
{
	static const char *const heads[] = { "RELEASE", "STORED AS",
					     "MANIFESTS FROM", NULL };
	struct table *table = table_new(heads);

	for (size_t i = 0; i < meta->nr_releases; i++) {
		const struct bundle_release *release = &meta->release[i];
		autofree char *source = source_words(release->source);

		table_row(table, (const char *const[]){
					 release->version,
					 release->storage_version, source });
	}
	buf_addch(out, '\n');
	table_print(table, out);
	table_free(table);
}

/*
 * Bytes of an image with all that it lists; a blob that two layers share
 * counts twice, as it does for a node that pulls it. -1 where the bundle does
 * not say.
 */
static int64_t image_bytes(struct bundle *bundle, const char *digest,
			   const char *media_type)
{
	autofree char *path = mem_printf("blobs/sha256/%s", digest_hex(digest));
	autofree char *text = NULL;
	auto_manifest struct manifest manifest = { 0 };
	auto_descriptor struct descriptor descriptor = { 0 };
	struct err err = ERR_INIT;
	int64_t sum;
	size_t len;

	if (bundle_text(bundle, path, MANIFEST_MAX_BYTES, &text, &len, &err) <
	    0)
		return -1;
	descriptor_of(&descriptor, media_type, text, len);
	if (manifest_parse(&manifest, &descriptor, text, &err) < 0)
		return -1;
	sum = (int64_t)len;
	for (size_t i = 0; i < manifest.nr; i++) {
		const struct descriptor *part = &manifest.part[i].descriptor;
		/* Of an index only some manifests may be here. */
		bool deeper = manifest.is_index &&
			      !media_type_is_index(part->media_type);
		int64_t more = !deeper ? (int64_t)part->size :
					 image_bytes(bundle, part->digest,
						     part->media_type);

		if (more > 0 && more <= INT64_MAX - sum)
			sum += more;
	}
	return sum;
}

static void add_image(struct table *table, const struct bundle_facts *facts,
		      const struct bundle_release *release,
		      const struct bundle_image *image)
{
	autofree char *artifacts = mem_printf("%zu", image->nr_artifacts);
	int64_t bytes = facts->trusted ?
				image_bytes(facts->bundle, image->digest,
					    image->media_type) :
				-1;
	char size[16] = "-";

	if (bytes >= 0)
		str_bytes(size, sizeof(size), (uint64_t)bytes);
	table_row(table, (const char *const[]){ image->name, image->tag,
						release->version, size,
						artifacts, image->digest });
}

static void print_images(const struct bundle_facts *facts, struct buf *out)
{
	static const char *const heads[] = { "IMAGE", "TAG",	   "OF RELEASE",
					     "SIZE",  "ARTIFACTS", "DIGEST",
					     NULL };
	const struct bundle_meta *meta = bundle_meta(facts->bundle);
	struct table *table = table_new(heads);

	for (size_t i = 0; i < meta->nr_releases; i++)
		for (size_t k = 0; k < meta->release[i].nr_images; k++)
			add_image(table, facts, &meta->release[i],
				  &meta->release[i].image[k]);
	buf_addch(out, '\n');
	table_print(table, out);
	table_free(table);
}

static void print_files(const struct bundle_meta *meta, const char *folder,
			const char *head, struct buf *out)
{
	const char *const heads[] = { head, "SIZE", "DIGEST", NULL };
	struct table *table = table_new(heads);
	size_t nr = 0;

	for (size_t i = 0; i < meta->nr_files; i++) {
		const struct bundle_file *file = &meta->file[i];
		const char *name = str_after(file->path, folder);
		char size[16];

		if (name == NULL)
			continue;
		str_bytes(size, sizeof(size), file->size);
		table_row(table,
			  (const char *const[]){ name, size, file->digest });
		nr++;
	}
	if (nr > 0) {
		buf_addch(out, '\n');
		table_print(table, out);
	}
	table_free(table);
}

static int inspect_show(const struct bundle_facts *facts, struct err *err)
{
	const struct bundle_meta *meta = bundle_meta(facts->bundle);
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);

	bundle_facts_print(facts, &out);
	print_provenance(meta, &out);
	print_releases(meta, &out);
	print_images(facts, &out);
	print_files(meta, "rpms/", "RPM", &out);
	print_files(meta, "docs/", "DOCUMENT", &out);
	if (buf_check(&out, "output", err) < 0)
		return -1;
	return output_text(buf_str(&out), err);
}

static int inspect_sbom(const struct bundle_facts *facts, struct err *err)
{
	autojval struct jval *sbom =
		sbom_of_bundle(facts->bundle, facts->trusted, err);

	if (sbom == NULL)
		return -1;
	return output_value(sbom, "json", err);
}

static int bundle_inspect_main(struct settings *settings,
			       const struct strs *args, struct err *err)
{
	autobundle struct bundle *bundle = bundle_of_args(args, err);
	auto_bundle_facts struct bundle_facts facts = { 0 };
	autojval struct jval *value = NULL;

	if (bundle == NULL)
		return -1;
	if (bundle_facts_find(&facts, bundle, settings, err) < 0) {
		if (facts.reason == NULL)
			return -1;
		/* Elsewhere it is part of what is told. */
		if (settings->sbom)
			log_warn("%s", facts.reason);
		err_clear(err);
	}
	if (settings->sbom)
		return inspect_sbom(&facts, err);
	if (output_format(settings->output) == NULL)
		return inspect_show(&facts, err);
	value = jval_copy(bundle_meta(bundle)->root);
	jval_set(value, "bundle", bundle_facts_value(&facts));
	return output_value(value, settings->output, err);
}

const struct command cmd_bundle_inspect = {
	.name = "bundle inspect",
	.arguments = "[FILE]",
	.summary = "tell what is inside a bundle, and who signed it",
	.chapter = CHAPTER_BUNDLE,
	.groups = GROUP_INSPECT | GROUP_OUTPUT,
	.max_args = 1,
	.run = bundle_inspect_main,
};
