#include "txn/uninstall.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kube/apply.h"
#include "kube/object.h"
#include "txn/custom.h"
#include "txn/gate.h"
#include "txn/inventory.h"
#include "txn/names.h"
#include "txn/survey.h"

struct uninstall {
	const struct uninstall_options *options;
	struct uninstall_result *result;
	struct survey survey;
	struct jval *objects; /* the inventory, in the order of apply */
};

/* Workflows left, or not known: both stop us. */
static int check_workflows(struct uninstall *self, struct err *err)
{
	struct jval *workflows = workflows_list(self->options->kube, NULL, err);
	size_t nr = jval_len(workflows);

	if (workflows == NULL) {
		err_wrap(err, "whether Workflows remain is not known, so "
			      "nothing is removed");
		err->kind = ERR_BLOCKED;
		return -1;
	}
	jval_free(self->result->workflows);
	self->result->workflows = workflows;
	if (nr == 0)
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "%zu Workflow%s of DWS remain%s ('%s' in namespace "
		       "'%s'%s); let the jobs end or cancel them, then try "
		       "again",
		       nr, nr == 1 ? "" : "s", nr == 1 ? "s" : "",
		       object_name(jval_at(workflows, 0)),
		       object_namespace(jval_at(workflows, 0)),
		       nr == 1 ? "" : ", ...");
}

/* All custom resources of all kinds but Workflows, of which none may be. */
static int collect_resources(struct uninstall *self, struct err *err)
{
	self->result->resources = jval_new_array();
	for (size_t i = 0; i < jval_len(self->survey.crds); i++) {
		const struct jval *crd = jval_at(self->survey.crds, i);
		autojval struct jval *list = NULL;

		if (str_eq(jval_str(crd, "spec.names.kind"), "Workflow"))
			continue;
		list = custom_list(self->options->kube, crd, NULL, err);
		if (list == NULL)
			return err_wrap(err, "list custom resources '%s'",
					object_name(crd));
		for (size_t k = 0; k < jval_len(list); k++)
			jval_append(self->result->resources,
				    jval_ref(jval_at(list, k)));
	}
	return 0;
}

static int check_resources(const struct uninstall *self, struct err *err)
{
	const struct uninstall_options *options = self->options;
	const struct jval *resources = self->result->resources;

	if (jval_len(resources) == 0 || options->destroy_resources ||
	    options->dry_run)
		return 0;
	return err_set(err, ERR_BLOCKED,
		       "%zu custom resource%s of DWS would be destroyed (the "
		       "first is %s '%s' in namespace '%s'); save them with "
		       "kubectl get -o yaml if they are wanted, then say --yes",
		       jval_len(resources), jval_len(resources) == 1 ? "" : "s",
		       object_kind(jval_at(resources, 0)),
		       object_name(jval_at(resources, 0)),
		       object_namespace(jval_at(resources, 0)));
}

/* Each is gone before the next begins: what runs may write again what is
 * deleted under it, such as a Lease or the certificate's Secret. */
enum stage {
	STAGE_CRDS,
	STAGE_WEBHOOKS,
	STAGE_WORKLOADS,
	STAGE_REST,
	NR_STAGES,
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

/* The objects of a stage, last applied first. */
static struct jval *stage_objects(const struct uninstall *self,
				  enum stage stage)
{
	struct jval *list = jval_new_array();

	for (size_t i = jval_len(self->objects); i-- > 0;)
		if (stage_of(jval_at(self->objects, i)) == stage)
			jval_append(list, jval_ref(jval_at(self->objects, i)));
	return list;
}

static void plan_removal(struct uninstall *self, const struct jval *objects)
{
	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);
		const char *ns = object_namespace(object);
		autofree char *label = object_label(object);

		plan_add(&self->result->plan, "delete", NULL, "%s%s%s", label,
			 ns ? " in " : "", ns ? ns : "");
	}
}

static int delete_all(struct uninstall *self, const struct jval *objects,
		      struct err *err)
{
	const struct uninstall_options *options = self->options;
	struct progress_item *item =
		progress_add(options->progress, PROGRESS_STEPS,
			     jval_len(objects), "deleting");

	for (size_t i = 0; i < jval_len(objects); i++) {
		int was = delete_object(options->kube, options->discovery,
					jval_at(objects, i), err);

		if (was < 0) {
			progress_end(item, PROGRESS_FAILED, NULL);
			return -1;
		}
		self->result->removed += (size_t)was;
		progress_advance(item, 1);
	}
	progress_end(item, PROGRESS_SKIPPED, NULL);
	return 0;
}

/* Delete all of an array, then wait until the last is gone. */
static int remove_all(struct uninstall *self, const char *what,
		      const struct jval *objects, struct err *err)
{
	const struct uninstall_options *options = self->options;

	plan_removal(self, objects);
	if (options->dry_run || jval_len(objects) == 0)
		return 0;
	progress_phase(options->progress, "%s", what);
	if (delete_all(self, objects, err) < 0 ||
	    wait_gone(options->kube, options->discovery, objects,
		      options->timeout_ms, options->progress, err) < 0)
		return err_wrap(err, "remove %s", what);
	return 0;
}

static int remove_stage(struct uninstall *self, enum stage stage,
			struct err *err)
{
	static const char *const names[NR_STAGES] = {
		[STAGE_CRDS] = "custom resource definitions",
		[STAGE_WEBHOOKS] = "webhook configurations",
		[STAGE_WORKLOADS] = "Deployments and certificates",
		[STAGE_REST] = "accounts, roles and the rest",
	};
	autojval struct jval *objects = stage_objects(self, stage);

	return remove_all(self, names[stage], objects, err);
}

static int remove_namespace(struct uninstall *self, struct err *err)
{
	autojval struct jval *list =
		jval_pack("[{s:s, s:s, s:{s:s}}]", "apiVersion", "v1", "kind",
			  "Namespace", "metadata", "name", DWS_NAMESPACE);

	if (!self->options->delete_namespace || !self->survey.namespace)
		return 0;
	return remove_all(self, "the Namespace", list, err);
}

static int remove_everything(struct uninstall *self, struct err *err)
{
	bool dry_run = self->options->dry_run;

	if (remove_all(self, "custom resources", self->result->resources, err) <
	    0)
		return -1;
	/* The last look before the CRD takes all Workflows with it. */
	if (!dry_run && check_workflows(self, err) < 0)
		return -1;
	for (int stage = 0; stage < NR_STAGES; stage++) {
		if (remove_stage(self, (enum stage)stage, err) < 0)
			return -1;
		/* Kinds have gone with their CRDs. */
		if (stage == STAGE_CRDS && !dry_run)
			discovery_forget(self->options->discovery);
	}
	return remove_namespace(self, err);
}

/* With the gate closed no Workflow can come between a look and the deed. It
 * goes with the webhook configurations, or opens when nothing came of it. */
static int remove_behind_gate(struct uninstall *self, struct err *err)
{
	struct kube *kube = self->options->kube;
	struct err ignored = ERR_INIT;

	if (self->options->dry_run)
		return remove_everything(self, err);
	if (gate_close(kube, "uninstall", "none", err) < 0 || check_workflows(self, err) < 0 ||
	    remove_everything(self, err) < 0) {
		if (err->kind == ERR_BLOCKED && gate_open(kube, &ignored) < 0)
			return err_hint(err, "%s", ignored.msg);
		return -1;
	}
	return gate_open(kube, err) < 0 ? -1 : 0;
}

static int uninstall(struct uninstall *self, struct err *err)
{
	const struct uninstall_options *options = self->options;

	if (survey_take(&self->survey, options->kube, options->discovery, err) <
	    0)
		return -1;
	self->result->version = mem_strdup(self->survey.version);
	if (check_workflows(self, err) < 0 ||
	    collect_resources(self, err) < 0 || check_resources(self, err) < 0)
		return -1;
	self->objects = inventory_take(options->kube, options->discovery,
				       options->catalogue, &self->survey, err);
	if (self->objects == NULL)
		return -1;
	if (remove_behind_gate(self, err) < 0)
		return err->kind == ERR_BLOCKED ?
			       -1 :
			       err_hint(err, "run 'dws-csm uninstall' again "
					     "to go on");
	return 0;
}

int uninstall_run(const struct uninstall_options *options,
		  struct uninstall_result *result, struct err *err)
{
	struct uninstall self = { .options = options, .result = result };
	int status;

	memset(result, 0, sizeof(*result));
	status = uninstall(&self, err);
	survey_release(&self.survey);
	jval_free(self.objects);
	return status;
}

void uninstall_result_release(struct uninstall_result *result)
{
	plan_release(&result->plan);
	free(result->version);
	jval_free(result->workflows);
	jval_free(result->resources);
}
