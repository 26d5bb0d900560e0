#include "txn/fit.h"

#include "kube/object.h"
#include "txn/names.h"
#include "txn/survey.h"

static struct jval *find_webhook(const struct jval *objects)
{
	for (size_t i = 0; i < jval_len(objects); i++) {
		struct jval *object = jval_at(objects, i);

		if (str_eq(object_kind(object), "Deployment") &&
		    str_eq(object_name(object), DWS_WEBHOOK))
			return object;
	}
	return NULL;
}

void fit_nodes(struct kube *kube, struct jval *objects, struct strs *notes)
{
	struct jval *webhook = find_webhook(objects);
	int64_t pods = jval_int(webhook, "spec.replicas", 1);
	int nodes = survey_schedulable_nodes(kube);

	if (webhook == NULL || nodes < 0 || nodes > pods)
		return;
	if (nodes < pods)
		strs_addf(notes,
			  "deployment '%s' wants %lld nodes and %d can take "
			  "pods: it will not become ready; --replicas %d fits "
			  "this cluster",
			  DWS_WEBHOOK, (long long)pods, nodes,
			  nodes > 0 ? nodes : 1);
	if (pods < 2)
		return;
	jval_set_path(webhook, "spec.strategy",
		      jval_pack("{s:s, s:{s:i, s:i}}", "type", "RollingUpdate",
				"rollingUpdate", "maxSurge", 0,
				"maxUnavailable", 1));
	strs_addf(notes,
		  "deployment '%s' replaces its pods one by one: %d "
		  "nodes for %lld pods leave no room for more",
		  DWS_WEBHOOK, nodes, (long long)pods);
}
