/*
 * install, upgrade - a release of ours into the cluster (see transaction.h).
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "bundle/bundle.h"
#include "kube/object.h"
#include "txn/change.h"
#include "txn/deploy.h"
#include "txn/foresee.h"
#include "txn/gate.h"
#include "txn/names.h"
#include "txn/record.h"
#include "txn/target.h"
#include "txn/wlm_follow.h"

struct installation {
	struct change change;
	struct target target;
	bool checked;
};

static const char *wanted(const struct installation *self)
{
	return self->change.engine.options->release->version;
}

static bool same_release(const struct installation *self)
{
	return str_eq(jval_str(self->change.engine.now, "version"),
		      wanted(self));
}

/* --- may it be? ------------------------------------------------------------- */

static int refuse_unknown(const struct survey *survey, struct err *err)
{
	return err_set(err, ERR_BLOCKED,
		       "%zu custom resource definitions of DWS stand in this "
		       "cluster without its Deployments, so that the release "
		       "cannot be told; 'dws-csm status' shows them, 'dws-csm "
		       "uninstall' takes them away",
		       jval_len(survey->crds));
}

static int check_install(const struct installation *self, struct err *err)
{
	const struct survey *survey = &self->change.engine.survey;

	if (!survey->present || str_eq(survey->version, wanted(self)))
		return 0;
	if (survey->version && self->change.supersedes)
		return err_set(
			err, ERR_LOCKED,
			"an installation of DWS %s is half done; install "
			"that with --version %s, or take it back first "
			"with 'dws-csm rollback'",
			survey->version, survey->version);
	if (survey->version)
		return err_set(err, ERR_BLOCKED,
			       "DWS %s stands in this cluster, 'install' does "
			       "not replace it by %s; keep it with --version "
			       "%s, or run 'dws-csm upgrade'",
			       survey->version, wanted(self), survey->version);
	/* Killed before its Deployments came. */
	return self->change.supersedes ? 0 : refuse_unknown(survey, err);
}

static int check_upgrade(const struct installation *self, struct err *err)
{
	const struct txn_options *options = self->change.engine.options;
	const struct survey *survey = &self->change.engine.survey;

	if (!survey->present)
		return err_set(err, ERR_BLOCKED,
			       "no DWS is in this cluster; run 'dws-csm "
			       "install'");
	if (survey->version == NULL)
		return refuse_unknown(survey, err);
	if (strverscmp(wanted(self), survey->version) < 0 &&
	    !options->allow_downgrade)
		return err_set(
			err, ERR_BLOCKED,
			"DWS %s is older than %s, which stands here; "
			"'dws-csm rollback' goes back to a revision that "
			"was here, --allow-downgrade takes this one",
			wanted(self), survey->version);
	return 0;
}

/* What says no time it could be compared by is not older. */
static bool is_older(const char *created, const char *than)
{
	struct err ignored = ERR_INIT;
	time_t a, b;

	return created && than &&
	       clock_parse_rfc3339(created, &a, &ignored) == 0 &&
	       clock_parse_rfc3339(than, &b, &ignored) == 0 && a < b;
}

/* A bundle made earlier may hold older images of the same release. */
static int check_bundle(const struct installation *self, struct err *err)
{
	const struct engine *engine = &self->change.engine;
	const struct txn_options *options = engine->options;
	const char *before = jval_str(engine->now, "bundle.created");
	const char *created = jval_str(options->bundle, "created");

	if (options->allow_downgrade || !is_older(created, before) ||
	    !same_release(self))
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "bundle '%s' with DWS %s was made at %s, before the one "
		       "at %s which was installed here (%s); take a newer "
		       "bundle, or this one with --allow-downgrade",
		       bundle_name(options->release->bundle), wanted(self),
		       created, before, jval_str(engine->now, "bundle.digest"));
}

/* What is known of the same release in the same registry. Images that were
 * pinned stay so until another comes. */
static void look_back(struct installation *self)
{
	const struct engine *engine = &self->change.engine;
	const struct jval *now = engine->now;

	if (!same_release(self) || !str_eq(jval_str(now, "registry"),
					   engine->options->render.registry))
		return;
	self->target.pin = jval_bool(now, "pinned", false);
	self->target.before = now;
}

/* --- doing it ------------------------------------------------------------------ */

/* The objects as a record would have them; the caller's. */
static struct jval *recorded_objects(const struct installation *self)
{
	autojval struct jval *record = jval_new_object();

	record_set_objects(record, self->target.objects);
	return jval_ref(jval_get(record, "objects"));
}

/* Does the record of what stands tell just what would be installed now? */
static bool is_recorded(const struct installation *self)
{
	const struct jval *now = self->change.engine.now;
	autojval struct jval *objects = NULL;

	if (!self->change.in_place || self->change.adopted)
		return false;
	objects = recorded_objects(self);
	return jval_equal(jval_get(now, "objects"), objects);
}

/* Before the wait, not after: some of it may be why it is in vain. */
static void tell_notes(const struct installation *self)
{
	const struct strs *notes = &self->change.engine.result->plan.notes;

	for (size_t i = 0; i < notes->nr; i++)
		log_info("note: %s", notes->item[i]);
}

/* The same objects may come out of a newer bundle, or be pushed by us only now. */
static int update_record(struct installation *self, struct err *err)
{
	struct engine *engine = &self->change.engine;
	const struct txn_options *options = engine->options;
	const struct jval *bundle = options->bundle;
	struct jval *now = engine->now;
	autojval struct jval *images = image_results_value(
		self->target.images, options->release->nr_images);

	if (self->target.images == NULL ||
	    (jval_equal(jval_get(now, "images"), images) &&
	     (bundle == NULL || jval_equal(jval_get(now, "bundle"), bundle))))
		return 0;
	if (bundle)
		jval_set(now, "bundle", jval_copy(bundle));
	jval_set(now, "images", mem_steal(&images));
	return record_save(options->kube, now, err);
}

static struct wlm_release wlm_release_of(const struct installation *self)
{
	return (struct wlm_release){
		.catalogue = self->change.engine.options->catalogue,
		.version = wanted(self),
		.objects = self->target.objects,
	};
}

/* The same release with the same objects: mend what drifted, if anything. */
static int converge(struct installation *self, struct err *err)
{
	struct engine *engine = &self->change.engine;
	const struct txn_options *options = engine->options;
	const struct jval *objects = self->target.objects;
	autofree enum apply_result *results =
		mem_array(jval_len(objects) + 1, sizeof(*results));
	const struct deploy deploy = {
		.config = options->config,
		.kube = options->kube,
		.discovery = options->discovery,
		.wait = options->wait,
		.timeout_ms = options->timeout_ms,
		.progress = options->progress,
	};

	const struct wlm_release release = wlm_release_of(self);
	int bound;

	engine->result->revision = jval_int(engine->now, "revision", 0);
	if (gate_open(options->kube, err) < 0 ||
	    deploy_apply(&deploy, objects, results, err) < 0)
		return -1;
	for (size_t i = 0; i < jval_len(objects); i++)
		engine->result->changed |= results[i] != APPLY_UNCHANGED;
	bound = wlm_follow(options->kube, &release, err);
	if (bound < 0)
		return -1;
	engine->result->changed |= bound > 0;
	if (engine->result->changed)
		tell_notes(self);
	if (deploy_wait(&deploy, objects, err) < 0)
		return err_hint(err, "mend the cause and run 'dws-csm "
				     "install' again");
	return update_record(self, err);
}

/* What stands so already was checked when it was put there; a dry run looks
 * all the same. */
static int check(struct installation *self, struct err *err)
{
	if (self->checked ||
	    (!self->change.engine.options->dry_run && is_recorded(self)))
		return 0;
	self->checked = true;
	return change_check(&self->change, self->target.objects, NULL, err);
}

static int push(struct installation *self, struct err *err)
{
	struct engine *engine = &self->change.engine;
	const struct txn_options *options = engine->options;

	if (target_push(&self->target, options, &engine->result->plan,
			&engine->result->changed, err) < 0)
		return -1;
	if (target_compare(&self->target, options, engine->survey.records) &&
	    engine->now && !options->dry_run)
		change_pin_back(&self->change);
	/* What it looks like was known; now the digests are. */
	if ((options->pin_digests || self->target.pin) && self->target.images)
		return target_make(&self->target, options, &engine->survey,
				   &engine->result->plan, err);
	return 0;
}

static int plan(struct installation *self, struct err *err)
{
	struct engine *engine = &self->change.engine;
	const struct txn_options *options = engine->options;
	const struct deploy deploy = {
		.config = options->config,
		.kube = options->kube,
		.discovery = options->discovery,
		.timeout_ms = options->timeout_ms,
	};
	const struct wlm_release release = wlm_release_of(self);

	engine->result->plan.bundle =
		mem_strdup(jval_str(options->bundle, "digest"));
	target_note_blobs(&self->target, options, &engine->result->plan);
	if (change_plan_before(&self->change, err) < 0)
		return -1;
	if (self->change.in_place || engine->now == NULL) {
		if (foresee_apply(&deploy, engine->survey.namespace,
				  self->target.objects, &engine->result->plan,
				  err) < 0)
			return -1;
	} else {
		autojval struct jval *objects = recorded_objects(self);

		foresee_replace(jval_get(engine->now, "objects"), objects,
				&engine->result->plan);
	}
	if (wlm_foresee(options->kube, &release, &engine->result->plan, err) <
	    0)
		return -1;
	return change_plan_after(&self->change, err);
}

/* Those whose data is in no record, but for the one that is issued anew. */
static struct jval *secrets_of_site(const struct jval *objects)
{
	struct jval *list = jval_new_array();

	for (size_t i = 0; i < jval_len(objects); i++) {
		struct jval *object = jval_at(objects, i);

		if (str_eq(object_kind(object), "Secret") &&
		    !str_eq(object_name(object), DWS_SERVING_SECRET) &&
		    (jval_get(object, "data") ||
		     jval_get(object, "stringData")))
			jval_append(list, jval_ref(object));
	}
	return list;
}

static int run(struct installation *self, struct err *err)
{
	struct engine *engine = &self->change.engine;

	tell_notes(self);
	self->change.secrets = secrets_of_site(self->target.objects);
	change_make_next(&self->change, wanted(self));
	target_record(&self->target, engine->options, &engine->result->plan,
		      engine->next);
	if (change_run(&self->change, err) < 0)
		return -1;
	engine->result->changed = true;
	return 0;
}

static int install(struct installation *self, struct err *err)
{
	struct change *change = &self->change;
	struct engine *engine = &change->engine;
	const struct txn_options *options = engine->options;
	bool upgrades = str_eq(change->operation, "upgrade");

	if (change_begin(change, err) < 0)
		return -1;
	if ((upgrades ? check_upgrade(self, err) : check_install(self, err)) <
		    0 ||
	    target_check(options, &engine->survey, err) < 0)
		return -1;
	if (change_find_now(change, err) < 0 || check_bundle(self, err) < 0)
		return -1;
	look_back(self);
	if (target_make(&self->target, options, &engine->survey,
			&engine->result->plan, err) < 0)
		return -1;
	change->in_place =
		change_fits(change, wanted(self), self->target.objects);
	/* Once more after the push, which may tell that images must be pinned:
	 * then it is a change after all. */
	if (check(self, err) < 0 || push(self, err) < 0 || check(self, err) < 0)
		return -1;
	engine->result->nr_objects = jval_len(self->target.objects);
	if (options->dry_run)
		return plan(self, err);
	return is_recorded(self) ? converge(self, err) : run(self, err);
}

static int install_run(const char *operation, const struct txn_options *options,
		       struct txn_result *result, struct err *err)
{
	struct installation self = { .target = { .images = NULL } };
	int status;

	change_init(&self.change, operation, options, result);
	status = install(&self, err);
	target_release(&self.target, options);
	change_release(&self.change);
	return status;
}

int txn_install(const struct txn_options *options, struct txn_result *result,
		struct err *err)
{
	return install_run("install", options, result, err);
}

int txn_upgrade(const struct txn_options *options, struct txn_result *result,
		struct err *err)
{
	return install_run("upgrade", options, result, err);
}
