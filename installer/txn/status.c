#include "txn/status.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/x509.h"
#include "format/base64.h"
#include "format/ref.h"
#include "kube/object.h"
#include "kube/wait.h"
#include "txn/custom.h"
#include "txn/gate.h"
#include "txn/inventory.h"
#include "txn/journal.h"
#include "txn/lease.h"
#include "txn/names.h"
#include "txn/survey.h"
#include "txn/wlm.h"

#define IN_NAMESPACE "/api/v1/namespaces/" DWS_NAMESPACE

/* The digest that pods run for `image`, as their kubelet tells it. */
static char *running_digest(const struct jval *pods, const char *image)
{
	for (size_t i = 0; i < jval_len(pods); i++) {
		const struct jval *list =
			jval_path(jval_at(pods, i), "status.containerStatuses");

		for (size_t k = 0; k < jval_len(list); k++) {
			const struct jval *container = jval_at(list, k);
			const char *id = jval_str(container, "imageID");
			const char *at = id ? strstr(id, "sha256:") : NULL;

			if (at && str_eq(jval_str(container, "image"), image))
				return mem_strdup(at);
		}
	}
	return NULL;
}

static char *recorded_digest(const struct jval *record, const char *image)
{
	const struct jval *images = jval_get(record, "images");

	for (size_t i = 0; i < jval_len(images); i++)
		if (str_eq(jval_str(jval_at(images, i), "reference"), image))
			return mem_strdup(
				jval_str(jval_at(images, i), "digest"));
	return NULL;
}

static void add_image(struct jval *images, const char *image,
		      const struct jval *pods, const struct jval *record)
{
	autofree char *digest = running_digest(pods, image);
	autoref struct ref ref = { 0 };
	struct err err = ERR_INIT;
	const char *name = image;

	for (size_t i = 0; i < jval_len(images); i++)
		if (str_eq(jval_str(jval_at(images, i), "reference"), image))
			return;
	if (ref_parse(&ref, image, &err) == 0) {
		const char *slash = strrchr(ref.repository, '/');

		name = slash ? slash + 1 : ref.repository;
	}
	if (digest == NULL)
		digest = recorded_digest(record, image);
	if (digest == NULL && ref.digest)
		digest = mem_strdup(ref.digest);
	jval_append(images, jval_pack("{s:s, s:s, s:s?}", "name", name,
				      "reference", image, "digest", digest));
}

static void add_images(struct jval *images, const struct jval *deployment,
		       const struct jval *pods, const struct jval *record)
{
	const struct jval *list =
		jval_path(deployment, "spec.template.spec.containers");

	for (size_t i = 0; i < jval_len(list); i++) {
		const char *image = jval_str(jval_at(list, i), "image");

		if (image)
			add_image(images, image, pods, record);
	}
}

static const char *ready_name(enum ready_state state)
{
	switch (state) {
	case READY_YES:
		return "Ready";
	case READY_PROGRESSING:
		return "InProgress";
	case READY_FAILED:
		return "Failed";
	case READY_TERMINATING:
		return "Terminating";
	}
	return "Unknown";
}

static struct jval *deployment_value(const char *name,
				     const struct jval *deployment)
{
	char why[256] = "";

	if (deployment == NULL)
		return jval_pack("{s:s, s:i, s:i, s:s, s:s}", "name", name,
				 "ready", 0, "desired", 0, "state", "Missing",
				 "message", "the deployment is not there");
	return jval_pack("{s:s, s:I, s:I, s:s, s:s}", "name", name, "ready",
			 jval_int(deployment, "status.readyReplicas", 0),
			 "desired", jval_int(deployment, "spec.replicas", 1),
			 "state",
			 ready_name(object_ready(deployment, why, sizeof(why))),
			 "message", why);
}

static struct jval *crd_values(const struct jval *crds)
{
	struct jval *values = jval_new_array();

	for (size_t i = 0; i < jval_len(crds); i++) {
		const struct jval *crd = jval_at(crds, i);
		char why[256] = "";

		jval_append(values,
			    jval_pack("{s:s, s:s?, s:s}", "name",
				      object_name(crd), "storage",
				      custom_storage_version(crd), "state",
				      ready_name(object_ready(crd, why,
							      sizeof(why)))));
	}
	return values;
}

static struct jval *certificate_value(struct kube *kube)
{
	struct err err = ERR_INIT;
	autojval struct jval *secret = kube_get(
		kube, IN_NAMESPACE "/secrets/" DWS_SERVING_SECRET, &err);
	const struct jval *labels = jval_path(secret, "metadata.labels");
	const char *text =
		jval_string(jval_get(jval_get(secret, "data"), "tls.crt"));
	auto_buf struct buf pem = BUF_INIT((size_t)1 << 20);
	bool ours = str_eq(
		jval_string(jval_get(labels, "app.kubernetes.io/managed-by")),
		"dws-csm");
	char when[CLOCK_RFC3339_SIZE];
	time_t end;

	/* A Secret that was ours keeps our label. */
	if (jval_get(jval_path(secret, "metadata.annotations"),
		     "cert-manager.io/certificate-name"))
		ours = false;

	if (secret == NULL)
		return jval_pack(
			"{s:s, s:o}", "secret", DWS_SERVING_SECRET, "error",
			jval_new_str(kube_is_not_found(&err) ? "not there" :
							       err.msg));
	if (text == NULL || base64_decode(&pem, text, strlen(text), &err) < 0 ||
	    x509_not_after(buf_str(&pem), &end, &err) < 0)
		return jval_pack("{s:s, s:s}", "secret", DWS_SERVING_SECRET,
				 "error", "holds no certificate");
	clock_rfc3339(when, sizeof(when), end);
	return jval_pack("{s:s, s:s, s:s, s:I}", "secret", DWS_SERVING_SECRET,
			 "issuedBy", ours ? "dws-csm" : "cert-manager",
			 "notAfter", when, "daysLeft",
			 (int64_t)(end - clock_wall()) / 86400);
}

static int add_configurations(struct jval *values, struct kube *kube,
			      const char *kind, const char *plural,
			      const char *name, struct err *err)
{
	autofree char *path = mem_printf(
		"/apis/admissionregistration.k8s.io/v1/%s/%s", plural, name);
	autojval struct jval *object = kube_get(kube, path, err);
	const struct jval *first = jval_at(jval_get(object, "webhooks"), 0);

	if (object == NULL && !kube_is_not_found(err))
		return -1;
	err_clear(err);
	jval_append(values,
		    jval_pack("{s:s, s:s, s:b, s:b}", "kind", kind, "name",
			      name, "present", object != NULL, "caBundle",
			      !str_empty(jval_str(first,
						  "clientConfig.caBundle"))));
	return 0;
}

static int64_t webhook_endpoints(struct kube *kube)
{
	struct err err = ERR_INIT;
	autojval struct jval *endpoints = kube_get(
		kube, IN_NAMESPACE "/endpoints/dws-webhook-service", &err);
	const struct jval *subsets = jval_get(endpoints, "subsets");
	int64_t nr = 0;

	for (size_t i = 0; i < jval_len(subsets); i++)
		nr += (int64_t)jval_len(
			jval_get(jval_at(subsets, i), "addresses"));
	return nr;
}

static struct jval *webhook_value(struct kube *kube, struct err *err)
{
	autojval struct jval *configurations = jval_new_array();

	if (add_configurations(configurations, kube,
			       "MutatingWebhookConfiguration",
			       "mutatingwebhookconfigurations",
			       "dws-mutating-webhook-configuration", err) < 0 ||
	    add_configurations(configurations, kube,
			       "ValidatingWebhookConfiguration",
			       "validatingwebhookconfigurations",
			       "dws-validating-webhook-configuration", err) < 0)
		return NULL;
	return jval_pack("{s:I, s:O, s:o}", "endpoints",
			 webhook_endpoints(kube), "configurations",
			 configurations, "certificate",
			 certificate_value(kube));
}

static struct jval *workflows_value(struct kube *kube)
{
	struct err err = ERR_INIT;
	autojval struct jval *list = workflows_list(kube, NULL, &err);

	if (list == NULL)
		return jval_pack("{s:o}", "error", jval_new_str(err.msg));
	return jval_pack("{s:I, s:O}", "count", (int64_t)jval_len(list),
			 "items", list);
}

static void add_record(struct jval *status, const struct jval *record)
{
	jval_set_str(status, "managedBy", record ? "dws-csm" : "hand");
	if (record == NULL)
		return;
	jval_set(status, "revision",
		 jval_new_int(jval_int(record, "revision", 0)));
	jval_set_str(status, "recordStatus", jval_str(record, "status"));
}

/* The record of what stands: the last that is deployed, or else the last. */
static const struct jval *standing_record(const struct survey *survey)
{
	for (size_t i = jval_len(survey->records); i-- > 0;) {
		const struct jval *record = jval_at(survey->records, i);

		if (str_eq(jval_str(record, "status"), "deployed"))
			return record;
	}
	return survey_record(survey);
}

static int add_details(struct jval *status, struct kube *kube,
		       const struct survey *survey, struct err *err)
{
	autojval struct jval *pods =
		kube_list_all(kube, IN_NAMESPACE "/pods", NULL, err);
	const struct jval *record = standing_record(survey);
	struct jval *images = jval_new_array();
	struct jval *webhook;

	jval_set(status, "images", images);
	if (pods == NULL && err->http != 403)
		return -1;
	err_clear(err);
	add_images(images, survey->controller, pods, record);
	add_images(images, survey->webhook, pods, record);
	jval_set(status, "deployments",
		 jval_pack("[o, o]",
			   deployment_value(DWS_CONTROLLER, survey->controller),
			   deployment_value(DWS_WEBHOOK, survey->webhook)));
	jval_set(status, "crds", crd_values(survey->crds));
	webhook = webhook_value(kube, err);
	if (webhook == NULL)
		return -1;
	jval_set(status, "webhook", webhook);
	jval_set(status, "workloadManager", wlm_value(kube));
	jval_set(status, "workflows", workflows_value(kube));
	return 0;
}

/* Objects of DWS where DWS is not: an uninstall that did not end. */
static int count_leftovers(struct kube *kube, struct discovery *discovery,
			   const struct catalogue *catalogue,
			   const struct survey *survey, int64_t *nr,
			   struct err *err)
{
	autojval struct jval *found =
		inventory_take(kube, discovery, catalogue, survey, err);

	if (found == NULL)
		return -1;
	*nr = 0;
	for (size_t i = 0; i < jval_len(found); i++)
		*nr += inventory_part(jval_at(found, i)) != PART_BOOKS;
	return 0;
}

static struct jval *alive_value(struct kube *kube, struct err *err)
{
	bool none;
	autojval struct jval *holder = lease_look(kube, &none, err);

	if (holder == NULL)
		return none ? jval_new_bool(false) : NULL;
	if (!jval_is_bool(jval_get(holder, "dead")))
		return jval_new_null();
	return jval_new_bool(!jval_bool(holder, "dead", false));
}

/* What is under way, or half done. */
static int add_transaction(struct jval *status, struct kube *kube,
			   struct err *err)
{
	static const char *const fields[] = { "operation",   "version",
					      "fromVersion", "direction",
					      "step",	     "user",
					      "host",	     "started" };
	auto_journal struct journal journal = JOURNAL_INIT;
	int open = journal_load(&journal, kube, err);
	struct jval *value, *alive;

	if (open <= 0) {
		jval_set(status, "transaction", jval_new_null());
		return open;
	}
	alive = alive_value(kube, err);
	if (alive == NULL)
		return -1;
	value = jval_new_object();
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (jval_str(journal.value, fields[i]))
			jval_set_str(value, fields[i],
				     jval_str(journal.value, fields[i]));
	jval_set(value, "alive", alive);
	jval_set(status, "transaction", value);
	return 0;
}

struct jval *status_take(struct kube *kube, struct discovery *discovery,
			 const struct catalogue *catalogue, struct err *err)
{
	auto_survey struct survey survey = SURVEY_INIT;
	autojval struct jval *status = NULL;
	int64_t leftovers = 0;
	int gate;

	if (survey_take(&survey, kube, discovery, err) < 0)
		return NULL;
	gate = gate_is_closed(kube, err);
	if (gate < 0 ||
	    (!survey.present && count_leftovers(kube, discovery, catalogue,
						&survey, &leftovers, err) < 0))
		return NULL;
	status = jval_pack("{s:b, s:s?, s:s, s:s, s:b, s:I}", "installed",
			   survey.present, "version", survey.version,
			   "namespace", DWS_NAMESPACE, "kubernetes",
			   survey.server_version, "gate", gate, "leftovers",
			   leftovers);
	if (add_transaction(status, kube, err) < 0)
		return NULL;
	if (survey.present || survey_record(&survey))
		add_record(status, standing_record(&survey));
	if (survey.present && add_details(status, kube, &survey, err) < 0)
		return NULL;
	return mem_steal(&status);
}
