#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/version.h"
#include "bundle/bundle_create_part.h"
#include "bundle/sbom.h"

/* Where an image came from, without directories of this host: the same inputs
 * at another place give the same bytes. */
static char *source_name(const char *spec)
{
	const char *slash = strrchr(spec, '/');
	size_t kind = strcspn(spec, ":");

	if (str_starts(spec, "docker://") || slash == NULL)
		return mem_strdup(spec);
	/* A registry may be written without "docker://". */
	if (!str_starts(spec, "oci") && !str_starts(spec, "dir:") &&
	    !str_starts(spec, "docker-archive:"))
		return mem_printf("docker://%s", spec);
	return mem_printf("%.*s:%s", (int)kind, spec, slash + 1);
}

static struct jval *artifacts_value(const struct create_image *image)
{
	struct jval *list = jval_new_array();

	for (size_t i = 0; i < image->artifacts.nr; i++) {
		const struct artifact *item = &image->artifacts.item[i];
		struct jval *value = jval_new_object();

		jval_set(value, "tag", jval_new_str(item->tag));
		jval_set_str(value, "digest", item->digest);
		jval_set_str(value, "mediaType", item->media_type);
		jval_set(value, "artifactType",
			 jval_new_str(item->artifact_type));
		jval_append(list, value);
	}
	return list;
}

static struct jval *image_value(const struct create *self,
				const struct release_image *named,
				const struct create_image *image)
{
	const struct copy_image *copy = &self->copy.image[image->copy];
	const struct descriptor *root = &copy_root(copy)->descriptor;
	autofree char *source = source_name(image_source_name(copy->source));
	struct jval *value = jval_new_object();

	jval_set_str(value, "name", named->name);
	jval_set_str(value, "repository", named->repository);
	jval_set_str(value, "tag", named->tag);
	jval_set_str(value, "digest", root->digest);
	jval_set_str(value, "mediaType", root->media_type);
	jval_set_str(value, "source", source);
	jval_set(value, "artifacts", artifacts_value(image));
	return value;
}

static struct jval *release_value(const struct create *self, size_t input)
{
	const struct bundle_input *from = &self->options->input[input];
	const struct release *release = from->release;
	autofree char *path = mem_printf("manifests/%s.yaml", release->version);
	struct jval *value = jval_new_object();
	struct jval *images = jval_new_array();

	for (size_t i = 0; i < release->nr_images; i++)
		jval_append(images,
			    image_value(self, &release->image[i],
					create_image_at(self, input, i)));
	jval_set_str(value, "version", release->version);
	jval_set_str(value, "manifests", path);
	jval_set_str(value, "storageVersion", release->storage_version);
	jval_set_str(value, "workloadManagerRole",
		     release->workload_manager_role);
	jval_set(value, "source", jval_copy(from->source));
	jval_set(value, "images", images);
	return value;
}

static struct jval *files_value(const struct create *self)
{
	struct jval *list = jval_new_array();

	for (size_t i = 0; i < self->nr_files; i++) {
		const struct create_file *file = &self->file[i];
		struct jval *value = jval_new_object();

		jval_set_str(value, "path", file->path);
		jval_set_str(value, "digest", file->digest);
		jval_set(value, "size", jval_new_int((int64_t)file->size));
		jval_append(list, value);
	}
	return list;
}

/* Between tags the version has the commit: "1.2.0-5-gabcdef",
 * "0.1.0+gabcdef-dirty". */
static struct jval *builder_value(void)
{
	const char *version = version_string();
	const char *commit = strstr(version, "-g");
	autofree char *digits = NULL;

	if (commit == NULL)
		commit = strstr(version, "+g");
	if (commit)
		digits = mem_strndup(commit + 2,
				     strspn(commit + 2, "0123456789abcdef"));
	return jval_pack("{s:s, s:s, s:s?}", "name", "dws-csm", "version",
			 version, "commit", digits);
}

static struct jval *bundle_value(const struct create *self)
{
	struct jval *root = jval_new_object();
	struct jval *releases = jval_new_array();
	struct jval *platforms = jval_new_array();
	char created[CLOCK_RFC3339_SIZE];

	clock_rfc3339(created, sizeof(created), self->created_s);
	for (size_t i = 0; i < self->options->nr_inputs; i++)
		jval_append(releases, release_value(self, i));
	for (size_t i = 0; i < self->platforms.nr; i++)
		jval_append(platforms, jval_new_str(self->platforms.item[i]));
	jval_set_str(root, "format", BUNDLE_FORMAT);
	jval_set_str(root, "created", created);
	jval_set(root, "builder", builder_value());
	jval_set(root, "platforms", platforms);
	jval_set(root, "libraries", sbom_libraries());
	jval_set(root, "releases", releases);
	if (self->executable)
		jval_set(root, "executable",
			 jval_pack("{s:s, s:I}", "digest",
				   self->executable_digest, "size",
				   (int64_t)self->executable_size));
	jval_set(root, "files", files_value(self));
	return root;
}

/* What readers would refuse is refused here. */
int create_describe(struct create *self, struct err *err)
{
	autojval struct jval *root = bundle_value(self);

	self->json = bundle_meta_text(root, &self->json_len);
	return bundle_meta_parse(&self->meta, self->json, self->json_len, err);
}
