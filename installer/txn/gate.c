#include "txn/gate.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "kube/apply.h"
#include "txn/custom.h"
#include "txn/names.h"
#include "txn/probe.h"

#define GATE_SUFFIX "-in-progress.dws-csm.io"
#define GATE_PATH \
	"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/" GATE_NAME
#define OBEY_MS 10000

static struct jval *gate_rule(void)
{
	return jval_pack("{s:[s], s:[s], s:[s], s:[s], s:s}", "apiGroups",
			 DWS_GROUP, "apiVersions", "*", "operations", "CREATE",
			 "resources", "workflows", "scope", "*");
}

static struct jval *gate_object(const char *operation, const char *pass)
{
	autofree char *name = mem_printf(
		"dws-%s" GATE_SUFFIX,
		str_eq(operation, "uninstall") ? "removal" : operation);
	struct jval *webhook = jval_pack(
		"{s:s, s:[s], s:{s:{s:s, s:s}}, s:s, s:s, s:i, s:[o], "
		"s:{s:[{s:s, s:s, s:[s]}]}}",
		"name", name, "admissionReviewVersions", "v1", "clientConfig",
		"service", "namespace", DWS_NAMESPACE, "name", GATE_NAME,
		"failurePolicy", "Fail", "sideEffects", "None",
		"timeoutSeconds", 5, "rules", gate_rule(), "objectSelector",
		"matchExpressions", "key", PROBE_LABEL, "operator", "NotIn",
		"values", pass);

	return jval_pack("{s:s, s:s, s:{s:s, s:{s:s}}, s:[o]}", "apiVersion",
			 "admissionregistration.k8s.io/v1", "kind",
			 "ValidatingWebhookConfiguration", "metadata", "name",
			 GATE_NAME, "labels", "app.kubernetes.io/managed-by",
			 "dws-csm", "webhooks", webhook);
}

/*
 * 1 when a new Workflow is refused by the gate, 0 when it would be taken, -1
 * when it is refused for another reason, which proves nothing of the gate.
 */
static int gate_try(struct kube *kube, const char *version)
{
	struct err err = ERR_INIT;

	if (probe_once(kube, version, NULL, &err) == 0)
		return 0;
	return strstr(err.msg, GATE_SUFFIX) ? 1 : -1;
}

/* API servers hear of a webhook a moment after it was written. */
static int wait_obeyed(struct kube *kube, const char *version, struct err *err)
{
	int64_t deadline = deadline_in_ms(OBEY_MS);
	int refused = 0;

	while (refused == 0 && deadline_left_ms(deadline) > 0) {
		refused = gate_try(kube, version);
		/* Other API servers, and refusals that prove nothing. */
		if (clock_sleep(refused > 0 ? 250 : 1000, err) < 0)
			return -1;
	}
	if (refused == 0)
		return err_set(err, ERR_TIMEOUT,
			       "the API server goes on to take Workflows");
	return 0;
}

int gate_close(struct kube *kube, const char *operation, const char *pass,
	       struct err *err)
{
	autojval struct jval *crd = workflows_crd(kube, err);
	autojval struct jval *object = gate_object(operation, pass);

	if (crd == NULL) {
		if (!kube_is_not_found(err))
			return -1;
		err_clear(err);
		return 0;
	}
	if (kube_call(kube, "PATCH",
		      GATE_PATH "?fieldManager=" APPLY_FIELD_MANAGER
				"&force=true",
		      "application/apply-patch+yaml", object, NULL, err) < 0 ||
	    wait_obeyed(kube, custom_storage_version(crd), err) < 0)
		return err_wrap(err, "keep new Workflows out");
	return 0;
}

int gate_open(struct kube *kube, struct err *err)
{
	if (kube_call(kube, "DELETE", GATE_PATH, NULL, NULL, NULL, err) == 0)
		return 1;
	if (!kube_is_not_found(err))
		return err_wrap(err, "let Workflows in again");
	err_clear(err);
	return 0;
}

int gate_is_closed(struct kube *kube, struct err *err)
{
	autojval struct jval *object = kube_get(kube, GATE_PATH, err);

	if (object)
		return 1;
	if (!kube_is_not_found(err))
		return -1;
	err_clear(err);
	return 0;
}
