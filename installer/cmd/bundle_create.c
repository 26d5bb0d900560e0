#include "cmd/cmd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "bundle/bundle_create.h"
#include "bundle/source_release.h"
#include "cmd/connect.h"
#include "cmd/output.h"
#include "cmd/signing_key.h"

/* What goes in: embedded releases, oldest first, and then the one that was
 * brought along. */
struct contents {
	struct catalogue *catalogue;
	struct source_release foreign;
	struct image_chooser *chooser;
	struct bundle_input *input;
	const struct release **release; /* of each input */
	size_t nr;
};

static void contents_release(struct contents *self)
{
	for (size_t i = 0; i < self->nr; i++) {
		struct image_choice *image = self->input[i].image;

		for (size_t k = 0; image && k < self->release[i]->nr_images;
		     k++)
			image_choice_release(&image[k]);
		free(image);
		jval_free(self->input[i].objects);
		jval_free(self->input[i].source);
	}
	free(self->input);
	free(self->release);
	image_chooser_free(self->chooser);
	source_release_release(&self->foreign);
	catalogue_free(self->catalogue);
}

static void add_input(struct contents *self, const struct release *release,
		      struct jval *objects, struct jval *source)
{
	struct bundle_input *input = &self->input[self->nr];

	self->release[self->nr++] = release;
	input->release = release;
	input->objects = objects;
	input->source = source;
}

static int add_embedded(struct contents *self, const struct release *release,
			struct err *err)
{
	struct jval *objects = catalogue_objects(release, err);

	if (objects == NULL)
		return -1;
	add_input(self, release, objects,
		  jval_pack("{s:s, s:s}", "type", "embedded", "name",
			    release->path));
	return 0;
}

static bool has_foreign(const struct settings *settings)
{
	return settings->from_source || settings->manifests;
}

static int add_foreign(struct contents *self, const struct settings *settings,
		       struct err *err)
{
	const struct source_release_options options = {
		.path = settings->manifests ? settings->manifests :
					      settings->from_source,
		.rendered = settings->manifests != NULL,
		.version = settings->version,
		.like = catalogue_release(self->catalogue, NULL, err),
	};

	if (options.like == NULL ||
	    source_release_load(&self->foreign, &options, err) < 0)
		return -1;
	add_input(self, &self->foreign.release, jval_ref(self->foreign.objects),
		  jval_ref(self->foreign.source));
	return 0;
}

/* Those of --release; without it the newest, or what --version names where
 * nothing else does. */
static int add_releases(struct contents *self, const struct settings *settings,
			struct err *err)
{
	size_t nr = catalogue_count(self->catalogue);
	auto_strs struct strs wanted = STRS_INIT;

	for (size_t i = 0; i < settings->releases.nr; i++) {
		if (catalogue_release(self->catalogue,
				      settings->releases.item[i], err) == NULL)
			return -1;
		strs_add(&wanted, settings->releases.item[i]);
	}
	if (wanted.nr == 0 && !has_foreign(settings)) {
		const struct release *release = catalogue_release(
			self->catalogue, settings->version, err);

		if (release == NULL)
			return -1;
		strs_add(&wanted, release->version);
	}
	self->input = mem_array(nr + 1, sizeof(*self->input));
	self->release = mem_array(nr + 1, sizeof(*self->release));
	for (size_t i = 0; i < nr; i++) {
		const struct release *release =
			catalogue_at(self->catalogue, i);

		if (strs_has(&wanted, release->version) &&
		    add_embedded(self, release, err) < 0)
			return -1;
	}
	return has_foreign(settings) ? add_foreign(self, settings, err) : 0;
}

static int choose(struct contents *self, const struct settings *settings,
		  const struct release_image *image,
		  struct image_choice *choice, struct err *err)
{
	int found;

	if (settings->from.nr == 0)
		return image_choose_upstream(self->chooser, image, choice, err);
	found = image_choose_named(self->chooser, image, choice, err);
	if (found == 0)
		return image_choose_missing(self->chooser, image, err);
	return found < 0 ? -1 : 0;
}

static int choose_images(struct contents *self, const struct settings *settings,
			 const struct site_ca *ca, struct err *err)
{
	const struct image_source_options options = {
		.authfile = settings->authfile,
		.ca_pem = site_ca_pem(ca),
		.ca_name = ca->name,
	};

	self->chooser = image_chooser_new(&settings->from, &options);
	if (image_chooser_check(self->chooser, self->release, self->nr, err) <
	    0)
		return -1;
	for (size_t i = 0; i < self->nr; i++) {
		const struct release *release = self->release[i];
		struct image_choice *image =
			mem_array(release->nr_images, sizeof(*image));

		self->input[i].image = image;
		for (size_t k = 0; k < release->nr_images; k++)
			if (choose(self, settings, &release->image[k],
				   &image[k], err) < 0)
				return err_wrap(err, "release '%s'",
						release->version);
	}
	return 0;
}

/* The time that the bundle gets, -1 = that of its newest image. Source:
 * reproducible-builds.org, SOURCE_DATE_EPOCH. */
static int created_time(int64_t *created, struct err *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	uint64_t seconds;

	*created = -1;
	if (str_empty(text))
		return 0;
	/* Until the year 9999. */
	if (str_u64(text, &seconds, err) < 0 || seconds > 253402300799)
		return err_set(err, ERR_USAGE,
			       "SOURCE_DATE_EPOCH must be seconds since 1970, "
			       "not '%s'",
			       text);
	*created = (int64_t)seconds;
	return 0;
}

static struct jval *created_value(const struct contents *contents,
				  const struct settings *settings,
				  const char *path, const char *signer,
				  const struct bundle_created *created)
{
	struct jval *value = jval_new_object();
	struct jval *releases = jval_new_array();

	for (size_t i = 0; i < contents->nr; i++)
		jval_append(releases,
			    jval_new_str(contents->release[i]->version));
	jval_set_str(value, "file", path);
	jval_set_str(value, "digest", created->digest);
	jval_set(value, "bytes", jval_new_int((int64_t)created->size));
	jval_set(value, "parts",
		 settings->split_bytes ?
			 jval_new_int((int64_t)created->nr_parts) :
			 jval_new_null());
	jval_set(value, "releases", releases);
	jval_set(value, "images", jval_new_int((int64_t)created->nr_images));
	jval_set(value, "artifacts",
		 jval_new_int((int64_t)created->nr_artifacts));
	jval_set(value, "files", jval_new_int((int64_t)created->nr_files));
	jval_set(value, "signer", jval_new_str(signer));
	jval_set(value, "selfContained",
		 jval_new_bool(settings->self_contained));
	return value;
}

static int created_show(const struct jval *value, struct err *err)
{
	const struct jval *list = jval_get(value, "releases");
	const char *signer = jval_str(value, "signer");
	auto_buf struct buf out = BUF_INIT(BUF_TEXT_MAX);
	auto_strs struct strs releases = STRS_INIT;
	autofree char *names = NULL;
	char size[16];

	for (size_t i = 0; i < jval_len(list); i++)
		strs_add(&releases, jval_string(jval_at(list, i)));
	names = strs_join(&releases, ", ");
	str_bytes(size, sizeof(size), (uint64_t)jval_int(value, "bytes", 0));
	buf_addf(&out, "file:       %s\n", jval_str(value, "file"));
	buf_addf(&out, "size:       %s", size);
	if (jval_int(value, "parts", 0) > 0)
		buf_addf(&out, " in %" PRId64 " parts",
			 jval_int(value, "parts", 0));
	buf_addf(&out, "\nreleases:   %s\n", names);
	buf_addf(&out,
		 "images:     %" PRId64 ", with %" PRId64
		 " signatures and attestations\n",
		 jval_int(value, "images", 0), jval_int(value, "artifacts", 0));
	buf_addf(&out, "digest:     %s\n", jval_str(value, "digest"));
	buf_addf(&out, "signed by:  %s\n", signer ? signer : "nobody");
	return output_text(buf_str(&out), err);
}

static int create_and_tell(const struct contents *contents,
			   const struct settings *settings, const char *path,
			   const struct sign_key *key, struct err *err)
{
	struct bundle_create options = {
		.path = path,
		.input = contents->input,
		.nr_inputs = contents->nr,
		.rpms = &settings->rpms,
		.docs = &settings->docs,
		.platform = settings->platform,
		.all_platforms = settings->all_platforms,
		.key = key,
		.self_contained = settings->self_contained,
		.part_bytes = (uint64_t)settings->split_bytes,
		.jobs = (unsigned int)settings->jobs,
	};
	autojval struct jval *value = NULL;
	struct bundle_created created;
	char signer[DIGEST_SIZE];
	int status;

	if (key && signing_key_fingerprint(key, signer, err) < 0)
		return -1;
	if (created_time(&options.created_s, err) < 0 ||
	    settings_progress(settings, &options.progress, err) < 0)
		return -1;
	status = bundle_create(&options, &created, err);
	progress_free(options.progress);
	if (status < 0)
		return -1;
	value = created_value(contents, settings, path, key ? signer : NULL,
			      &created);
	return output_format(settings->output) ?
		       output_value(value, settings->output, err) :
		       created_show(value, err);
}

static int check_settings(const struct settings *settings,
			  const struct strs *args, struct err *err)
{
	if (args->nr == 0 || *args->item[0] == '\0')
		return err_set(err, ERR_USAGE,
			       "name the file to write the bundle to");
	if (settings->from_source && settings->manifests)
		return err_set(err, ERR_USAGE,
			       "--from-source and --manifests are two releases "
			       "of one name: give one of them");
	if (settings->self_contained && settings->split_bytes)
		return err_set(err, ERR_USAGE,
			       "--self-contained cannot be split: a part of a "
			       "program does not run");
	return 0;
}

static int bundle_create_main(struct settings *settings,
			      const struct strs *args, struct err *err)
{
	auto_site_ca struct site_ca ca = { 0 };
	struct contents contents = { .nr = 0 };
	struct sign_key *key = NULL;
	int status = -1;

	if (check_settings(settings, args, err) < 0)
		return -1;
	/* A wrong password is told before the work. */
	if (settings->key) {
		key = signing_key_read(settings, err);
		if (key == NULL)
			return -1;
	} else {
		log_warn("the bundle will not be signed: installing from it "
			 "needs --allow-unsigned; give --key, or sign it later "
			 "with 'dws-csm bundle sign'");
	}
	contents.catalogue = catalogue_open(err);
	if (contents.catalogue && site_ca_load(settings, &ca, err) == 0 &&
	    add_releases(&contents, settings, err) == 0 &&
	    choose_images(&contents, settings, &ca, err) == 0)
		status = create_and_tell(&contents, settings, args->item[0],
					 key, err);
	contents_release(&contents);
	sign_key_free(key);
	return status;
}

const struct command cmd_bundle_create = {
	.name = "bundle create",
	.arguments = "FILE",
	.summary = "put releases and their images into one file to carry",
	.chapter = CHAPTER_BUNDLE,
	.groups = GROUP_CREATE | GROUP_IMAGES | GROUP_SOURCE | GROUP_KEY |
		  GROUP_PASSWORD | GROUP_PROGRESS | GROUP_OUTPUT,
	.max_args = 1,
	.run = bundle_create_main,
};
