#include "cmd/cmd.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "cmd/output.h"
#include "cmd/transact.h"
#include "cmd/plan_print.h"
#include "cmd/wlm_with.h"
#include "txn/record.h"

static void install_tell(const struct transact *self,
			 const struct txn_result *result)
{
	const char *version = self->options.release->version;
	char took[TRANSACT_TOOK_SIZE];

	transact_took(self, took);
	if (!result->changed)
		log_info("DWS %s is installed already, nothing was changed "
			 "(%s)",
			 version, took);
	else
		log_info("DWS %s is installed: %zu objects, revision %" PRId64
			 " (%s)",
			 version, result->nr_objects, result->revision, took);
}

static void credential_tell(const struct jval *credential)
{
	if (credential == NULL)
		return;
	log_info("credential of the workload manager: '%s', user '%s', role "
		 "'%s', valid until %s (%" PRId64 " days)%s",
		 jval_str(credential, "file"), jval_str(credential, "user"),
		 jval_str(credential, "role"), jval_str(credential, "until"),
		 jval_int(credential, "daysLeft", 0),
		 jval_bool(credential, "changed", false) ?
			 "; it belongs to the host of slurmctld, see 'dws-csm "
			 "help wlm create'" :
			 ", as it was");
}

/* {name, reference, digest} of each image: digests as the record has them,
 * null where the images were not looked at. */
static struct jval *images_value(const struct txn_options *options,
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

static int install_print(const struct txn_options *options,
			 const struct txn_result *result,
			 struct jval *credential, const char *format,
			 struct err *err)
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
	if (credential)
		jval_set(value, "workloadManager", jval_ref(credential));
	return output_value(value, format, err);
}

static int install_main(struct settings *settings, const struct strs *args,
			struct err *err)
{
	auto_transact struct transact self = TRANSACT_INIT;
	auto_txn_result struct txn_result result = { .changed = false };
	auto_wlm_with struct wlm_with with = { .makes = false };
	autojval struct jval *credential = NULL;

	(void)args;
	if (transact_open(&self, settings, true, true, err) < 0 ||
	    wlm_with_prepare(&with, &self.cluster, settings, err) < 0)
		return -1;
	self.more = &with.plan;
	self.options.wait = settings->wait;
	if (transact_do(&self, txn_install, &result, err) < 0) {
		if (err->kind == ERR_INTERRUPTED && result.nr_objects == 0)
			err_hint(err,
				 "the cluster is as before; run it again%s",
				 self.registry ? ": what the registry has is "
						 "not sent again" :
						 "");
		return -1;
	}
	if (settings->dry_run)
		return 0;
	install_tell(&self, &result);
	if (settings->with_wlm) {
		credential = wlm_with_finish(&with, &self.cluster,
					     self.options.release->version,
					     err);
		if (credential == NULL)
			return -1;
	}
	credential_tell(credential);
	return output_format(settings->output) ?
		       install_print(&self.options, &result, credential,
				     settings->output, err) :
		       0;
}

const struct command cmd_install = {
	.name = "install",
	.summary = "put DWS on the cluster, images included",
	.chapter = CHAPTER_CHANGE,
	.groups = GROUP_BUNDLE | GROUP_TRUST | GROUP_UPGRADE | GROUP_CLUSTER |
		  GROUP_REGISTRY | GROUP_IMAGES | GROUP_RELEASE | GROUP_CHANGE |
		  GROUP_INSTALL | GROUP_WAIT | GROUP_REVERT | GROUP_TXN |
		  GROUP_WLM_ISSUE | GROUP_WITH_WLM | GROUP_STATE |
		  GROUP_PROGRESS | GROUP_OUTPUT,
	.run = install_main,
};
