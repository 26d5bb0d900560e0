#include "txn/undeploy.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "kube/apply.h"
#include "kube/object.h"
#include "kube/parallel.h"
#include "txn/custom.h"
#include "txn/names.h"

#define DELETE_JOBS 4

enum stage {
	STAGE_CRDS,
	STAGE_WEBHOOKS,
	STAGE_WORKLOADS,
	STAGE_REST,
	NR_STAGES,
};

static const char *const stage_names[NR_STAGES] = {
	[STAGE_CRDS] = "custom resource definitions",
	[STAGE_WEBHOOKS] = "webhook configurations",
	[STAGE_WORKLOADS] = "Deployments and certificates",
	[STAGE_REST] = "accounts, roles and the rest",
};

static enum stage stage_of(const struct jval *object)
{
	const char *kind = object_kind(object);

	if (str_eq(kind, "CustomResourceDefinition"))
		return STAGE_CRDS;
	if (str_ends(kind, "WebhookConfiguration"))
		return STAGE_WEBHOOKS;
	if (str_eq(kind, "Deployment") || str_eq(kind, "Certificate") ||
	    str_eq(kind, "Issuer"))
		return STAGE_WORKLOADS;
	return STAGE_REST;
}

static bool stays(const struct undeploy *self, const struct jval *object)
{
	for (size_t i = 0; self && i < jval_len(self->keep); i++)
		if (object_is_same(jval_at(self->keep, i), object))
			return true;
	return false;
}

/* The objects of a stage, in their order; `self` NULL = also those that
 * stay. */
static struct jval *stage_objects(const struct undeploy *self,
				  const struct jval *objects, enum stage stage)
{
	struct jval *list = jval_new_array();

	for (size_t i = 0; i < jval_len(objects); i++) {
		struct jval *object = jval_at(objects, i);

		if (stage_of(object) == stage && !stays(self, object))
			jval_append(list, jval_ref(object));
	}
	return list;
}

void undeploy_plan(const struct jval *objects, struct plan *plan)
{
	for (int stage = 0; stage < NR_STAGES; stage++) {
		autojval struct jval *list =
			stage_objects(NULL, objects, (enum stage)stage);

		for (size_t i = jval_len(list); i-- > 0;) {
			const struct jval *object = jval_at(list, i);
			const char *ns = object_namespace(object);
			autofree char *label = object_label(object);

			plan_add(plan, "delete", NULL, "%s%s%s", label,
				 ns ? " in " : "", ns ? ns : "");
		}
	}
}

int undeploy_check_workflows(struct kube *kube, struct jval **workflows,
			     struct err *err)
{
	autojval struct jval *list = workflows_list(kube, NULL, err);
	const struct jval *first = jval_at(list, 0);
	size_t nr = jval_len(list);

	if (workflows) {
		jval_free(*workflows);
		*workflows = list ? jval_ref(list) : NULL;
	}
	if (list == NULL) {
		err_wrap(err, "whether Workflows remain is not known, so "
			      "nothing is removed");
		err->kind = ERR_BLOCKED;
		return -1;
	}
	if (nr == 0)
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "%zu Workflow%s of DWS remain%s ('%s' in namespace "
		       "'%s'%s); let the jobs end or cancel them, then try "
		       "again",
		       nr, nr == 1 ? "" : "s", nr == 1 ? "s" : "",
		       object_name(first), object_namespace(first),
		       nr == 1 ? "" : ", ...");
}

struct deletion {
	struct undeploy *self;
	const struct jval *objects;
	struct kube *kubes[DELETE_JOBS];
	int *was; /* what delete_object said */
};

static int delete_one(void *ctx, unsigned int worker, size_t index,
		      struct err *err)
{
	struct deletion *deletion = ctx;
	struct undeploy *self = deletion->self;
	size_t at = jval_len(deletion->objects) - 1 - index;
	const struct jval *object = jval_at(deletion->objects, at);
	int was = delete_object(deletion->kubes[worker], self->discovery,
				object, err);
	struct progress_item *item;
	autofree char *label = NULL;

	deletion->was[at] = was;
	if (was != 2)
		return was < 0 ? -1 : 0;
	label = object_label(object);
	item = progress_add(self->progress, PROGRESS_STEPS, 1, "%s", label);
	progress_end(item, PROGRESS_DONE, "gone");
	return 0;
}

/* Delete all; those that are on their way are added to `leaving`. */
static int delete_all(struct undeploy *self, const struct jval *objects,
		      struct jval *leaving, struct err *err)
{
	size_t nr = jval_len(objects);
	autofree int *was = mem_array(nr + 1, sizeof(*was));
	struct deletion deletion = {
		.self = self,
		.objects = objects,
		.was = was,
	};
	int status;

	for (size_t i = 0; i < DELETE_JOBS; i++)
		deletion.kubes[i] = kube_new(self->config);
	status = parallel_run(nr, DELETE_JOBS, delete_one, &deletion, err);
	for (size_t i = 0; i < DELETE_JOBS; i++)
		kube_free(deletion.kubes[i]);
	for (size_t i = 0; i < nr; i++) {
		self->removed += was[i] > 0;
		if (was[i] == 1)
			jval_append(leaving, jval_ref(jval_at(objects, i)));
	}
	return status;
}

int undeploy_objects(struct undeploy *self, const char *what,
		     const struct jval *objects, struct err *err)
{
	autojval struct jval *leaving = jval_new_array();

	if (jval_len(objects) == 0)
		return 0;
	progress_phase(self->progress, "%s", what);
	if (delete_all(self, objects, leaving, err) < 0 ||
	    wait_gone(self->kube, self->discovery, leaving, self->timeout_ms,
		      self->progress, err) < 0)
		return err_wrap(err, "remove %s", what);
	return 0;
}

/* --- custom resources ------------------------------------------------------ */

static bool is_workflow(const struct jval *crd)
{
	return str_eq(jval_str(crd, "spec.names.kind"), "Workflow");
}

static int retire_all(struct undeploy *self, const struct jval *crds,
		      struct err *err)
{
	autojval struct jval *resources = jval_new_array();

	for (size_t i = 0; i < jval_len(crds); i++) {
		const struct jval *crd = jval_at(crds, i);
		autojval struct jval *list = NULL;

		if (is_workflow(crd))
			continue;
		list = custom_list(self->kube, crd, NULL, err);
		if (list == NULL)
			return err_wrap(err, "list custom resources '%s'",
					object_name(crd));
		for (size_t k = 0; k < jval_len(list); k++)
			jval_append(resources, jval_ref(jval_at(list, k)));
	}
	return undeploy_objects(self, "custom resources", resources, err);
}

/* One resource without finalizers; one that has gone meanwhile is fine. */
static int unfinalize(struct undeploy *self, const struct jval *object,
		      struct err *err)
{
	autofree char *path =
		kube_object_path(self->discovery, self->kube, object, err);
	autojval struct jval *patch =
		jval_pack("{s:{s:n}}", "metadata", "finalizers");

	if (path == NULL)
		return -1;
	if (kube_call(self->kube, "PATCH", path, "application/merge-patch+json",
		      patch, NULL, err) == 0)
		return 0;
	if (!kube_is_not_found(err))
		return -1;
	err_clear(err);
	return 0;
}

static int unfinalize_all(struct undeploy *self, const struct jval *crd,
			  struct err *err)
{
	autojval struct jval *names =
		custom_list_finalized(self->kube, crd, err);
	autojval struct jval *again = NULL;

	if (names == NULL)
		return -1;
	for (size_t i = 0; i < jval_len(names); i++)
		if (unfinalize(self, jval_at(names, i), err) < 0)
			return -1;
	if (jval_len(names) == 0)
		return 0;
	log_verbose("finalizers of %zu %s taken off", jval_len(names),
		    jval_str(crd, "spec.names.plural"));
	again = custom_list_finalized(self->kube, crd, err);
	if (again == NULL)
		return -1;
	if (jval_len(again) == 0)
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "another controller puts finalizers back on %s '%s' in "
		       "namespace '%s': it would tear down what that stands "
		       "for; stop it first",
		       object_kind(jval_at(again, 0)),
		       object_name(jval_at(again, 0)),
		       object_namespace(jval_at(again, 0)));
}

bool undeploy_is_controller(const struct jval *object)
{
	return str_eq(object_kind(object), "Deployment") &&
	       !str_eq(object_name(object), DWS_WEBHOOK);
}

int undeploy_stop(struct undeploy *self, const struct jval *objects,
		  struct err *err)
{
	autojval struct jval *controllers = jval_new_array();

	for (size_t i = 0; i < jval_len(objects); i++) {
		struct jval *object = jval_at(objects, i);

		if (undeploy_is_controller(object))
			jval_append(controllers, jval_ref(object));
	}
	return undeploy_objects(self, "controllers", controllers, err);
}

/* The CRDs take the resources along; nothing may hold those, or see them go. */
static int detach_all(struct undeploy *self, const struct jval *crds,
		      const struct jval *objects, struct err *err)
{
	if (undeploy_stop(self, objects, err) < 0)
		return -1;
	for (size_t i = 0; i < jval_len(crds); i++)
		if (!is_workflow(jval_at(crds, i)) &&
		    !stays(self, jval_at(crds, i)) &&
		    unfinalize_all(self, jval_at(crds, i), err) < 0)
			return err_wrap(err, "detach custom resources '%s'",
					object_name(jval_at(crds, i)));
	return 0;
}

int undeploy_run(struct undeploy *self, const struct jval *objects,
		 struct err *err)
{
	autojval struct jval *crds = custom_crds(self->kube, err);
	int status;

	if (crds == NULL || undeploy_check_workflows(self->kube, NULL, err) < 0)
		return -1;
	status = self->retire ? retire_all(self, crds, err) :
				detach_all(self, crds, objects, err);
	if (status < 0)
		return -1;
	/* The last look before the CRD takes all Workflows with it. */
	if (undeploy_check_workflows(self->kube, NULL, err) < 0)
		return -1;
	for (int stage = 0; stage < NR_STAGES; stage++) {
		autojval struct jval *list =
			stage_objects(self, objects, (enum stage)stage);

		/* Who was paused may have been overtaken. */
		if (self->lease && lease_check(self->lease, err) < 0)
			return -1;
		if (undeploy_objects(self, stage_names[stage], list, err) < 0)
			return -1;
		/* Kinds have gone with their CRDs. */
		if (stage == STAGE_CRDS)
			discovery_forget(self->discovery);
	}
	return 0;
}
