#include "txn/survey.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/ref.h"
#include "kube/object.h"
#include "txn/custom.h"
#include "txn/names.h"
#include "txn/record.h"

#define DEPLOYMENTS "/apis/apps/v1/namespaces/" DWS_NAMESPACE "/deployments/"

/* Absent is NULL without an error. */
static int get_optional(struct kube *kube, const char *path,
			struct jval **object, struct err *err)
{
	*object = kube_get(kube, path, err);
	if (*object)
		return 0;
	if (!kube_is_not_found(err))
		return -1;
	err_clear(err);
	return 0;
}

/* The tag of the image whose repository ends in "dws". */
static char *version_of_image(const struct jval *deployment)
{
	const struct jval *containers =
		jval_path(deployment, "spec.template.spec.containers");

	for (size_t i = 0; i < jval_len(containers); i++) {
		const char *image = jval_str(jval_at(containers, i), "image");
		autoref struct ref ref = { 0 };
		struct err err = ERR_INIT;

		if (image == NULL || ref_parse(&ref, image, &err) < 0)
			continue;
		if (ref.tag && (str_eq(ref.repository, "dws") ||
				str_ends(ref.repository, "/dws")))
			return mem_strdup(ref.tag);
	}
	return NULL;
}

/* Upstream's Makefile labels with the version from 0.0.14 on. */
static char *version_of_deployment(const struct jval *deployment)
{
	const struct jval *labels = jval_path(deployment, "metadata.labels");
	const char *component =
		jval_string(jval_get(labels, "app.kubernetes.io/component"));
	const char *version =
		jval_string(jval_get(labels, "app.kubernetes.io/version"));

	if (version && (component == NULL || str_eq(component, "dws")))
		return mem_strdup(version);
	return version_of_image(deployment);
}

static char *version_of(const struct survey *survey)
{
	const struct jval *record = survey_record(survey);
	char *version = version_of_deployment(survey->controller);

	if (version == NULL)
		version = version_of_deployment(survey->webhook);
	if (version == NULL && record && survey->present)
		version = mem_strdup(jval_str(record, "version"));
	return version;
}

static int survey_installed(struct survey *survey, struct kube *kube,
			    struct err *err)
{
	survey->crds = custom_crds(kube, err);
	if (survey->crds == NULL)
		return -1;
	if (get_optional(kube, "/api/v1/namespaces/" DWS_NAMESPACE,
			 &survey->namespace, err) < 0 ||
	    get_optional(kube, DEPLOYMENTS DWS_CONTROLLER, &survey->controller,
			 err) < 0 ||
	    get_optional(kube, DEPLOYMENTS DWS_WEBHOOK, &survey->webhook, err) <
		    0)
		return -1;
	survey->records = record_list(kube, err);
	if (survey->records == NULL)
		return -1;
	survey->present = jval_len(survey->crds) > 0 || survey->controller ||
			  survey->webhook;
	survey->version = version_of(survey);
	return 0;
}

int survey_take(struct survey *survey, struct kube *kube,
		struct discovery *discovery, struct err *err)
{
	auto_strs struct strs monitoring = STRS_INIT;

	if (discovery_version(discovery, kube, &survey->server_version,
			      &survey->server_minor, err) < 0 ||
	    discovery_versions(discovery, kube, "cert-manager.io",
			       &survey->cert_manager, err) < 0 ||
	    discovery_versions(discovery, kube, "monitoring.coreos.com",
			       &monitoring, err) < 0)
		return -1;
	survey->service_monitor = strs_has(&monitoring, "v1");
	return survey_installed(survey, kube, err);
}

void survey_release(struct survey *survey)
{
	strs_release(&survey->cert_manager);
	jval_free(survey->namespace);
	jval_free(survey->crds);
	jval_free(survey->controller);
	jval_free(survey->webhook);
	jval_free(survey->records);
	free(survey->version);
	memset(survey, 0, sizeof(*survey));
}

struct jval *survey_record(const struct survey *survey)
{
	size_t nr = jval_len(survey->records);

	return nr > 0 ? jval_at(survey->records, nr - 1) : NULL;
}

int object_exists(struct kube *kube, struct discovery *discovery,
		  const struct jval *object, struct err *err)
{
	autojval struct jval *live = NULL;
	autofree char *path = NULL;
	struct kube_resource resource;
	int served = discovery_find(discovery, kube, object_api_version(object),
				    object_kind(object), &resource, err);

	if (served <= 0)
		return served;
	path = kube_resource_path(&resource, object_namespace(object),
				  object_name(object));
	if (get_optional(kube, path, &live, err) < 0)
		return -1;
	return live != NULL;
}

static bool node_schedulable(const struct jval *node)
{
	const struct jval *taints = jval_path(node, "spec.taints");

	if (jval_bool(node, "spec.unschedulable", false))
		return false;
	for (size_t i = 0; i < jval_len(taints); i++)
		if (!str_eq(jval_str(jval_at(taints, i), "effect"),
			    "PreferNoSchedule"))
			return false;
	return true;
}

int survey_schedulable_nodes(struct kube *kube)
{
	struct err err = ERR_INIT;
	autojval struct jval *nodes =
		kube_list_all(kube, "/api/v1/nodes", NULL, &err);
	int nr = 0;

	if (nodes == NULL)
		return -1;
	for (size_t i = 0; i < jval_len(nodes); i++)
		nr += node_schedulable(jval_at(nodes, i));
	return nr;
}
