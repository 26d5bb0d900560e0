#include "txn/gate.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "kube/apply.h"
#include "txn/custom.h"
#include "txn/names.h"

#define GATE_WEBHOOK "dws-removal-in-progress.dws-csm.io"
#define GATE_PATH \
	"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/" GATE_NAME
#define OBEY_MS 10000
#define PATIENCE_MS 30000

static struct jval *gate_object(void)
{
	struct jval *rule = jval_pack("{s:[s], s:[s], s:[s], s:[s], s:s}",
				      "apiGroups", DWS_GROUP, "apiVersions",
				      "*", "operations", "CREATE", "resources",
				      "workflows", "scope", "*");
	struct jval *webhook = jval_pack(
		"{s:s, s:[s], s:{s:{s:s, s:s}}, s:s, s:s, s:i, s:[o]}", "name",
		GATE_WEBHOOK, "admissionReviewVersions", "v1", "clientConfig",
		"service", "namespace", DWS_NAMESPACE, "name", GATE_NAME,
		"failurePolicy", "Fail", "sideEffects", "None",
		"timeoutSeconds", 5, "rules", rule);

	return jval_pack("{s:s, s:s, s:{s:s, s:{s:s}}, s:[o]}", "apiVersion",
			 "admissionregistration.k8s.io/v1", "kind",
			 "ValidatingWebhookConfiguration", "metadata", "name",
			 GATE_NAME, "labels", "app.kubernetes.io/managed-by",
			 "dws-csm", "webhooks", webhook);
}

/* A Workflow that nothing but the gate refuses, for a dry run. */
static struct jval *probe_object(const char *version)
{
	autofree char *api = mem_printf("%s/%s", DWS_GROUP, version);

	return jval_pack("{s:s, s:s, s:{s:s}, s:{s:s, s:i, s:i, s:i, s:s, "
			 "s:[]}}",
			 "apiVersion", api, "kind", "Workflow", "metadata",
			 "name", "dws-csm-probe", "spec", "wlmID", "dws-csm",
			 "jobID", 1, "userID", 1, "groupID", 1, "desiredState",
			 "Proposal", "dwDirectives");
}

/*
 * 1 when a new Workflow is refused by the gate, 0 when it would be taken, -1
 * when it is refused for another reason, which proves nothing of the gate.
 */
static int probe(struct kube *kube, const char *version)
{
	autofree char *path = mem_printf(
		"/apis/%s/%s/namespaces/default/workflows?dryRun=All",
		DWS_GROUP, version);
	autojval struct jval *object = probe_object(version);
	struct err err = ERR_INIT;

	if (kube_call(kube, "POST", path, NULL, object, NULL, &err) == 0)
		return 0;
	return strstr(err.msg, GATE_WEBHOOK) ? 1 : -1;
}

/* API servers hear of a webhook a moment after it was written. */
static int wait_obeyed(struct kube *kube, const char *version, struct err *err)
{
	int64_t deadline = deadline_in_ms(OBEY_MS);
	int refused = 0;

	kube_set_patience(kube, 0);
	while (refused == 0 && deadline_left_ms(deadline) > 0) {
		refused = probe(kube, version);
		/* Other API servers, and refusals that prove nothing. */
		if (clock_sleep(refused > 0 ? 250 : 1000, err) < 0)
			break;
	}
	kube_set_patience(kube, PATIENCE_MS);
	if (clock_check_interrupt(err) < 0)
		return -1;
	if (refused == 0)
		return err_set(err, ERR_TIMEOUT,
			       "the API server goes on to take Workflows");
	return 0;
}

int gate_close(struct kube *kube, struct err *err)
{
	autojval struct jval *crd = workflows_crd(kube, err);
	autojval struct jval *object = gate_object();

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
