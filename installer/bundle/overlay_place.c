#include "bundle/overlay_place.h"

#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"

static const struct {
	enum overlay_place from;
	const char *name;
	const char *kind; /* of the whole object, or NULL = any */
	enum overlay_place to;
} places[] = {
	{ PLACE_OBJECT, "metadata", NULL, PLACE_METADATA },
	{ PLACE_OBJECT, "spec", "Pod", PLACE_POD },
	{ PLACE_OBJECT, "spec", "Service", PLACE_SERVICE },
	{ PLACE_OBJECT, "spec", NULL, PLACE_SPEC },
	{ PLACE_OBJECT, "template", "PodTemplate", PLACE_TEMPLATE },
	{ PLACE_SPEC, "template", NULL, PLACE_TEMPLATE },
	{ PLACE_SPEC, "jobTemplate", "CronJob", PLACE_JOB_TEMPLATE },
	{ PLACE_JOB_TEMPLATE, "metadata", NULL, PLACE_METADATA },
	{ PLACE_JOB_TEMPLATE, "spec", NULL, PLACE_SPEC },
	{ PLACE_TEMPLATE, "metadata", NULL, PLACE_METADATA },
	{ PLACE_TEMPLATE, "spec", NULL, PLACE_POD },
	{ PLACE_POD, "containers", NULL, PLACE_CONTAINER },
	{ PLACE_POD, "initContainers", NULL, PLACE_CONTAINER },
	{ PLACE_POD, "ephemeralContainers", NULL, PLACE_EPHEMERAL },
};

static const struct {
	enum overlay_place place;
	const char *name;
	const char *kind;
	struct overlay_keys keys;
} lists[] = {
	{ PLACE_OBJECT,
	  "webhooks",
	  "MutatingWebhookConfiguration",
	  { "name", NULL } },
	{ PLACE_OBJECT,
	  "webhooks",
	  "ValidatingWebhookConfiguration",
	  { "name", NULL } },
	{ PLACE_OBJECT, "secrets", "ServiceAccount", { "name", NULL } },
	{ PLACE_METADATA, "finalizers", NULL, { "", NULL } },
	{ PLACE_METADATA, "ownerReferences", NULL, { "uid", NULL } },
	{ PLACE_SERVICE, "ports", NULL, { "port", "protocol" } },
	{ PLACE_POD, "containers", NULL, { "name", NULL } },
	{ PLACE_POD, "initContainers", NULL, { "name", NULL } },
	{ PLACE_POD, "ephemeralContainers", NULL, { "name", NULL } },
	{ PLACE_POD, "volumes", NULL, { "name", NULL } },
	{ PLACE_POD, "imagePullSecrets", NULL, { "name", NULL } },
	{ PLACE_POD, "hostAliases", NULL, { "ip", NULL } },
	{ PLACE_POD,
	  "topologySpreadConstraints",
	  NULL,
	  { "topologyKey", "whenUnsatisfiable" } },
	{ PLACE_CONTAINER, "ports", NULL, { "containerPort", "protocol" } },
	{ PLACE_CONTAINER, "env", NULL, { "name", NULL } },
	{ PLACE_CONTAINER, "volumeMounts", NULL, { "mountPath", NULL } },
	{ PLACE_CONTAINER, "volumeDevices", NULL, { "devicePath", NULL } },
	{ PLACE_EPHEMERAL, "env", NULL, { "name", NULL } },
	{ PLACE_EPHEMERAL, "volumeMounts", NULL, { "mountPath", NULL } },
	{ PLACE_EPHEMERAL, "volumeDevices", NULL, { "devicePath", NULL } },
};

/* Kinds of all other groups are custom resources. */
static const char *const core_groups[] = {
	"",
	"apps",
	"autoscaling",
	"batch",
	"extensions",
	"policy",
	"admissionregistration.k8s.io",
	"apiextensions.k8s.io",
	"apiregistration.k8s.io",
	"certificates.k8s.io",
	"coordination.k8s.io",
	"discovery.k8s.io",
	"flowcontrol.apiserver.k8s.io",
	"networking.k8s.io",
	"node.k8s.io",
	"rbac.authorization.k8s.io",
	"scheduling.k8s.io",
	"storage.k8s.io",
};

enum overlay_place overlay_place_of(const struct jval *object)
{
	char group[256];

	object_group(object, group, sizeof(group));
	for (size_t i = 0; i < ARRAY_SIZE(core_groups); i++)
		if (strcmp(core_groups[i], group) == 0)
			return PLACE_OBJECT;
	return PLACE_OTHER;
}

enum overlay_place overlay_place_member(enum overlay_place place,
					const char *kind, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i].from == place &&
		    strcmp(places[i].name, name) == 0 &&
		    (!places[i].kind || str_eq(places[i].kind, kind)))
			return places[i].to;
	return PLACE_OTHER;
}

const struct overlay_keys *
overlay_place_keys(enum overlay_place place, const char *kind, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (lists[i].place == place &&
		    strcmp(lists[i].name, name) == 0 &&
		    (!lists[i].kind || str_eq(lists[i].kind, kind)))
			return &lists[i].keys;
	return NULL;
}
