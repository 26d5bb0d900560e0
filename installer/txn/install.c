#include "txn/install.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "bundle/adapt.h"
#include "kube/apply.h"
#include "kube/object.h"
#include "kube/wait.h"
#include "txn/certs.h"
#include "txn/fit.h"
#include "txn/gate.h"
#include "txn/names.h"
#include "txn/prune.h"
#include "txn/record.h"
#include "txn/survey.h"

struct install {
	const struct install_options *options;
	struct install_result *result;
	struct survey survey;
	struct image_result *images;
	struct jval *objects;
	struct jval *obsolete; /* to be removed first */
	enum apply_result *applied;
	struct jval *record;
};

/* Nothing of DWS, or the same release, may stand. */
static int check_standing(const struct install *self, struct err *err)
{
	const char *wanted = self->options->release->version;
	const struct survey *survey = &self->survey;

	if (!survey->present || str_eq(survey->version, wanted))
		return 0;
	if (survey->version)
		return err_set(err, ERR_BLOCKED,
			       "DWS %s stands in this cluster, 'install' does "
			       "not replace it by %s; keep it with --version "
			       "%s, or take it away first with 'dws-csm "
			       "uninstall'",
			       survey->version, wanted, survey->version);
	return err_set(err, ERR_BLOCKED,
		       "%zu custom resource definitions of DWS stand in this "
		       "cluster without its Deployments, so that the release "
		       "cannot be told; 'dws-csm status' shows them, 'dws-csm "
		       "uninstall' takes them away",
		       jval_len(survey->crds));
}

static void plan_images(struct install *self)
{
	const struct release *release = self->options->release;

	for (size_t i = 0; self->images && i < release->nr_images; i++) {
		const struct image_result *image = &self->images[i];

		if (image->present)
			plan_add(&self->result->plan, "keep",
				 "the registry has it", "image %s",
				 image->place);
		else
			plan_add(&self->result->plan, "push", image->source,
				 "image %s", image->place);
		self->result->changed |= !image->present;
	}
}

static int push_images_of(struct install *self, struct err *err)
{
	const struct install_options *options = self->options;

	if (options->images == NULL)
		return 0;
	self->images =
		mem_array(options->release->nr_images, sizeof(*self->images));
	progress_phase(options->progress, "images");
	if (images_push(options->images, self->images, err) < 0)
		return -1;
	plan_images(self);
	return 0;
}

/* Digests go into the manifests only where they are known. */
static struct jval *render(struct install *self, struct err *err)
{
	const struct install_options *options = self->options;
	struct render_options render = options->render;
	size_t nr = options->release->nr_images;
	autofree const char **digests = mem_array(nr, sizeof(*digests));

	for (size_t i = 0; self->images && i < nr; i++)
		digests[i] = self->images[i].digest;
	if (options->pin_digests)
		render.digests = digests;
	return render_release(options->release, &render, err);
}

/*
 * What the last record or the release has and we do not apply. Of the release
 * that is only what adaptation took out, and kinds that the cluster does not
 * serve cannot stand there.
 */
static struct jval *list_obsolete(const struct install *self,
				  const struct jval *rendered)
{
	const struct jval *record = survey_record(&self->survey);
	autojval struct jval *candidates = jval_copy(rendered);
	const struct jval *old = jval_get(record, "objects");

	for (size_t i = 0; i < jval_len(old); i++)
		jval_append(candidates, jval_copy(jval_at(old, i)));
	for (size_t i = 0; i < jval_len(candidates); i++)
		adapt_cert_manager(jval_at(candidates, i),
				   &self->survey.cert_manager);
	return prune_list(candidates, self->objects);
}

static int prepare_objects(struct install *self, struct err *err)
{
	autojval struct jval *rendered = render(self, err);

	if (rendered == NULL ||
	    policy_host_time(self->options->kube, self->options->discovery,
			     self->options->host_time, rendered,
			     &self->result->plan.notes, err) < 0)
		return -1;
	fit_nodes(self->options->kube, rendered, &self->result->plan.notes);
	self->objects = certs_adapt(self->options->kube, &self->survey,
				    self->options->certs, rendered,
				    &self->result->plan.notes, err);
	if (self->objects == NULL)
		return -1;
	self->obsolete = list_obsolete(self, rendered);
	self->result->nr_objects = jval_len(self->objects);
	self->applied =
		mem_array(self->result->nr_objects, sizeof(*self->applied));
	return 0;
}

static void plan_objects(struct install *self)
{
	static const char *const actions[] = {
		[APPLY_CREATED] = "create",
		[APPLY_CHANGED] = "change",
		[APPLY_UNCHANGED] = "keep",
	};

	for (size_t i = 0; i < self->result->nr_objects; i++) {
		const struct jval *object = jval_at(self->objects, i);
		const char *ns = object_namespace(object);
		autofree char *label = object_label(object);

		plan_add(&self->result->plan, actions[self->applied[i]], NULL,
			 "%s%s%s", label, ns ? " in " : "", ns ? ns : "");
		self->result->changed |= self->applied[i] != APPLY_UNCHANGED;
	}
}

static struct apply_options apply_options(const struct install *self)
{
	return (struct apply_options){
		.config = self->options->config,
		.discovery = self->options->discovery,
		.dry_run = self->options->dry_run,
		.crd_timeout_ms =
			self->options->wait ? self->options->timeout_ms : -1,
		.expect_new = !self->survey.present && !self->options->dry_run,
		.progress = self->options->dry_run ? NULL :
						     self->options->progress,
	};
}

static int apply(struct install *self, struct err *err)
{
	struct apply_options options = apply_options(self);

	progress_phase(self->options->progress, "objects");
	if (apply_objects(&options, self->objects, self->applied, err) < 0)
		return -1;
	plan_objects(self);
	return 0;
}

/* Gone before what takes their place comes. */
static int remove_obsolete(struct install *self, struct err *err)
{
	const struct install_options *options = self->options;
	autojval struct jval *removed = jval_new_array();

	for (size_t i = 0; i < jval_len(self->obsolete); i++) {
		struct jval *object = jval_at(self->obsolete, i);
		autofree char *label = object_label(object);
		int was = delete_object(options->kube, options->discovery,
					object, err);

		if (was < 0)
			return -1;
		if (was == 0)
			continue;
		plan_add(&self->result->plan, "delete", "no longer part of it",
			 "%s", label);
		jval_append(removed, jval_ref(object));
		self->result->changed = true;
	}
	return wait_gone(options->kube, options->discovery, removed,
			 options->timeout_ms, options->progress, err);
}

static int plan_obsolete(struct install *self, struct err *err)
{
	const struct install_options *options = self->options;

	for (size_t i = 0; i < jval_len(self->obsolete); i++) {
		const struct jval *object = jval_at(self->obsolete, i);
		autofree char *label = object_label(object);
		int there = object_exists(options->kube, options->discovery,
					  object, err);

		if (there < 0)
			return -1;
		if (there > 0)
			plan_add(&self->result->plan, "delete",
				 "no longer part of it", "%s", label);
	}
	return 0;
}

/*
 * What the server would say to each object; without their namespace it can
 * say nothing of those that live in one: they would be created.
 */
static int dry_apply(struct install *self, struct err *err)
{
	struct apply_options options = apply_options(self);
	autojval struct jval *asked = jval_new_array();
	autofree enum apply_result *answers =
		mem_array(self->result->nr_objects, sizeof(*answers));
	size_t nr = 0;

	for (size_t i = 0; i < self->result->nr_objects; i++) {
		struct jval *object = jval_at(self->objects, i);

		if (self->survey.namespace || !object_namespace(object))
			jval_append(asked, jval_ref(object));
	}
	if (apply_objects(&options, asked, answers, err) < 0 ||
	    plan_obsolete(self, err) < 0)
		return -1;
	for (size_t i = 0; i < self->result->nr_objects; i++) {
		const struct jval *object = jval_at(self->objects, i);

		if (self->survey.namespace || !object_namespace(object))
			self->applied[i] = answers[nr++];
	}
	plan_objects(self);
	return 0;
}

/*
 * The others are what they are once they are there, and they are; CRDs have
 * been waited for on the way. What cert-manager shall inject its CA into is
 * ready when that was done.
 */
static bool gets_ready(const struct jval *object)
{
	static const char *const kinds[] = { "Deployment", "Certificate",
					     "Issuer" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_eq(object_kind(object), kinds[i]))
			return true;
	return jval_get(jval_path(object, "metadata.annotations"),
			"cert-manager.io/inject-ca-from");
}

static struct jval *objects_that_get_ready(const struct jval *objects)
{
	struct jval *list = jval_new_array();

	for (size_t i = 0; i < jval_len(objects); i++)
		if (gets_ready(jval_at(objects, i)))
			jval_append(list, jval_ref(jval_at(objects, i)));
	return list;
}

static int wait_all(const struct install *self, struct err *err)
{
	autojval struct jval *objects = NULL;
	struct wait_options options = {
		.config = self->options->config,
		.discovery = self->options->discovery,
		.timeout_ms = self->options->timeout_ms,
		.progress = self->options->progress,
	};

	if (!self->options->wait)
		return 0;
	progress_phase(self->options->progress, "waiting");
	objects = objects_that_get_ready(self->objects);
	return wait_ready(&options, objects, err);
}

static int finish_record(struct install *self, const char *status,
			 struct err *err)
{
	record_set_status(self->record, status);
	return record_save(self->options->kube, self->record, err);
}

static void begin_record(struct install *self)
{
	const struct jval *old = survey_record(&self->survey);
	const struct plan *plan = &self->result->plan;
	struct jval *notes = jval_new_array();

	for (size_t i = 0; i < plan->notes.nr; i++)
		jval_append(notes, jval_new_str(plan->notes.item[i]));
	self->record = record_new(jval_int(old, "revision", 0) + 1,
				  self->options->release->version, "install");
	jval_set_str(self->record, "registry", self->options->render.registry);
	jval_set(self->record, "images",
		 image_results_value(self->images,
				     self->options->release->nr_images));
	jval_set(self->record, "notes", notes);
	record_set_objects(self->record, self->objects);
}

/* Only the Namespace, so that the record has a place before all else. */
static int apply_namespace(const struct install *self, struct err *err)
{
	struct apply_options options = apply_options(self);
	autojval struct jval *first = jval_new_array();

	options.progress = NULL;
	for (size_t i = 0; i < jval_len(self->objects); i++)
		if (str_eq(object_kind(jval_at(self->objects, i)), "Namespace"))
			jval_append(first, jval_ref(jval_at(self->objects, i)));
	return apply_objects(&options, first, NULL, err);
}

static int deploy(struct install *self, struct err *err)
{
	struct err record_err = ERR_INIT;

	if (remove_obsolete(self, err) == 0 && apply(self, err) == 0 &&
	    wait_all(self, err) == 0)
		return 0;
	err_hint(err,
		 "what was done stays; %s'dws-csm install' again, or 'dws-csm "
		 "uninstall'",
		 err->kind == ERR_INTERRUPTED ? "to go on run " :
						"mend the cause and run ");
	interrupt_defer(true);
	if (finish_record(self, "failed", &record_err) < 0)
		log_warn("%s", record_err.msg);
	interrupt_defer(false);
	return -1;
}

/* Does the newest record tell just what would be installed now? */
static bool is_recorded(const struct install *self)
{
	const struct jval *old = survey_record(&self->survey);
	autojval struct jval *probe = jval_new_object();

	if (!str_eq(jval_str(old, "status"), "deployed"))
		return false;
	record_set_objects(probe, self->objects);
	return jval_equal(jval_get(old, "objects"), jval_get(probe, "objects"));
}

/* Before the wait, not after: some of it may be why it is in vain. */
static void tell_notes(const struct install *self)
{
	const struct strs *notes = &self->result->plan.notes;

	for (size_t i = 0; i < notes->nr; i++)
		log_info("note: %s", notes->item[i]);
}

/* The same release with the same objects: mend what drifted, if anything. */
static int converge(struct install *self, struct err *err)
{
	self->result->revision =
		jval_int(survey_record(&self->survey), "revision", 0);
	if (apply(self, err) < 0)
		return -1;
	if (self->result->changed)
		tell_notes(self);
	if (wait_all(self, err) < 0)
		return err_hint(err, "mend the cause and run 'dws-csm "
				     "install' again");
	return 0;
}

static int install_new(struct install *self, struct err *err)
{
	tell_notes(self);
	if (apply_namespace(self, err) < 0)
		return -1;
	begin_record(self);
	if (record_create(self->options->kube, self->record, err) < 0)
		return -1;
	if (deploy(self, err) < 0)
		return -1;
	if (finish_record(self, "deployed", err) < 0 ||
	    record_supersede(self->options->kube, self->survey.records, err) <
		    0)
		return -1;
	self->result->revision = jval_int(self->record, "revision", 0);
	self->result->changed = true;
	return 0;
}

/* A Namespace on its way out takes nothing new: wait until it has gone. */
static int wait_namespace(struct install *self, struct err *err)
{
	const struct install_options *options = self->options;
	const struct jval *ns = self->survey.namespace;
	autojval struct jval *list = NULL;

	if (options->dry_run ||
	    !str_eq(jval_str(ns, "status.phase"), "Terminating"))
		return 0;
	list = jval_pack("[O]", ns);
	if (wait_gone(options->kube, options->discovery, list,
		      options->timeout_ms, options->progress, err) < 0)
		return err_hint(err, "its status tells what holds it");
	jval_free(mem_steal(&self->survey.namespace));
	return 0;
}

static int install(struct install *self, struct err *err)
{
	const struct install_options *options = self->options;

	if (survey_take(&self->survey, options->kube, options->discovery, err) <
		    0 ||
	    check_standing(self, err) < 0 || wait_namespace(self, err) < 0)
		return -1;
	/* Certificates and kinds are settled before the first blob goes. */
	if (certs_check(&self->survey, options->certs, err) < 0)
		return -1;
	if (push_images_of(self, err) < 0 || prepare_objects(self, err) < 0)
		return -1;
	if (options->dry_run)
		return dry_apply(self, err);
	/* Left behind by an uninstall that was not finished. */
	if (gate_open(options->kube, err) < 0)
		return -1;
	if (is_recorded(self))
		return converge(self, err);
	return install_new(self, err);
}

int install_run(const struct install_options *options,
		struct install_result *result, struct err *err)
{
	struct install self = { .options = options, .result = result };
	int status;

	memset(result, 0, sizeof(*result));
	status = install(&self, err);
	survey_release(&self.survey);
	image_results_free(self.images, options->release->nr_images);
	jval_free(self.objects);
	jval_free(self.obsolete);
	jval_free(self.record);
	free(self.applied);
	return status;
}

void install_result_release(struct install_result *result)
{
	plan_release(&result->plan);
}
