#include "txn/deploy.h"

#include "base/mem.h"
#include "kube/object.h"
#include "kube/wait.h"

static struct apply_options apply_options(const struct deploy *self)
{
	return (struct apply_options){
		.config = self->config,
		.discovery = self->discovery,
		.timeout_ms = self->timeout_ms,
		.crds_later = !self->wait,
		.expect_new = self->expect_new,
		.progress = self->progress,
	};
}

int deploy_apply(const struct deploy *self, const struct jval *objects,
		 enum apply_result *results, struct err *err)
{
	struct apply_options options = apply_options(self);

	progress_phase(self->progress, "objects");
	return apply_objects(&options, objects, results, err);
}

int deploy_namespaces(const struct deploy *self, const struct jval *objects,
		      struct err *err)
{
	struct apply_options options = apply_options(self);
	autojval struct jval *first = jval_new_array();

	options.progress = NULL;
	for (size_t i = 0; i < jval_len(objects); i++)
		if (str_eq(object_kind(jval_at(objects, i)), "Namespace"))
			jval_append(first, jval_ref(jval_at(objects, i)));
	return apply_objects(&options, first, NULL, err);
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

int deploy_wait(const struct deploy *self, const struct jval *objects,
		struct err *err)
{
	autojval struct jval *list = jval_new_array();
	struct wait_options options = {
		.config = self->config,
		.discovery = self->discovery,
		.timeout_ms = self->timeout_ms,
		.progress = self->progress,
	};

	if (!self->wait)
		return 0;
	progress_phase(self->progress, "waiting");
	for (size_t i = 0; i < jval_len(objects); i++)
		if (gets_ready(jval_at(objects, i)))
			jval_append(list, jval_ref(jval_at(objects, i)));
	return wait_ready(&options, list, err);
}

int deploy_prune(const struct deploy *self, const struct jval *obsolete,
		 struct plan *plan, struct err *err)
{
	autojval struct jval *removed = jval_new_array();

	for (size_t i = 0; i < jval_len(obsolete); i++) {
		struct jval *object = jval_at(obsolete, i);
		autofree char *label = object_label(object);
		int was =
			delete_object(self->kube, self->discovery, object, err);

		if (was < 0)
			return -1;
		if (was == 0)
			continue;
		if (plan)
			plan_add(plan, "delete", "no longer part of it", "%s",
				 label);
		jval_append(removed, jval_ref(object));
	}
	if (wait_gone(self->kube, self->discovery, removed, self->timeout_ms,
		      self->progress, err) < 0)
		return -1;
	return (int)jval_len(removed);
}
