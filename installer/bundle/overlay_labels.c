#include "bundle/overlay_labels.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"

#define IN_TEMPLATES (1 << LABEL_TEMPLATES | 1 << LABEL_SELECTORS)
#define IN_SELECTORS (1 << LABEL_SELECTORS)
#define IN_ANNOTATIONS (1 << LABEL_ANNOTATIONS)
#define IN_LABELS (1 << LABEL_OBJECT | IN_TEMPLATES)

#define POD_AFFINITY "spec/template/spec/affinity/podAffinity/"
#define POD_ANTI_AFFINITY "spec/template/spec/affinity/podAntiAffinity/"
#define PREFERRED                                          \
	"preferredDuringSchedulingIgnoredDuringExecution/" \
	"podAffinityTerm/labelSelector/matchLabels"
#define REQUIRED                                          \
	"requiredDuringSchedulingIgnoredDuringExecution/" \
	"labelSelector/matchLabels"
#define SPREAD \
	"spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels"

/* Of lists on the way all elements are meant; what is missing is made only
 * with `create`. */
static const struct field {
	int in;
	bool create;
	const char *group; /* NULL = any */
	const char *kind;  /* likewise */
	const char *path;
} fields[] = {
	{ IN_LABELS, true, NULL, NULL, "metadata/labels" },
	{ IN_TEMPLATES, true, "", "ReplicationController",
	  "spec/template/metadata/labels" },
	{ IN_TEMPLATES, true, NULL, "Deployment",
	  "spec/template/metadata/labels" },
	{ IN_TEMPLATES, true, NULL, "ReplicaSet",
	  "spec/template/metadata/labels" },
	{ IN_TEMPLATES, true, NULL, "DaemonSet",
	  "spec/template/metadata/labels" },
	{ IN_TEMPLATES, true, "apps", "StatefulSet",
	  "spec/template/metadata/labels" },
	{ IN_TEMPLATES, true, "batch", "Job", "spec/template/metadata/labels" },
	{ IN_TEMPLATES, true, "batch", "CronJob",
	  "spec/jobTemplate/metadata/labels" },
	{ IN_TEMPLATES, true, "batch", "CronJob",
	  "spec/jobTemplate/spec/template/metadata/labels" },

	{ IN_SELECTORS, true, "", "Service", "spec/selector" },
	{ IN_SELECTORS, true, "", "ReplicationController", "spec/selector" },
	{ IN_SELECTORS, true, NULL, "Deployment", "spec/selector/matchLabels" },
	{ IN_SELECTORS, true, NULL, "ReplicaSet", "spec/selector/matchLabels" },
	{ IN_SELECTORS, true, NULL, "DaemonSet", "spec/selector/matchLabels" },
	{ IN_SELECTORS, true, "apps", "StatefulSet",
	  "spec/selector/matchLabels" },
	{ IN_SELECTORS, true, "apps", "StatefulSet",
	  "spec/volumeClaimTemplates[]/metadata/labels" },
	{ IN_SELECTORS, false, "batch", "Job", "spec/selector/matchLabels" },
	{ IN_SELECTORS, false, "batch", "CronJob",
	  "spec/jobTemplate/spec/selector/matchLabels" },
	{ IN_SELECTORS, false, "policy", "PodDisruptionBudget",
	  "spec/selector/matchLabels" },
	{ IN_SELECTORS, false, "networking.k8s.io", "NetworkPolicy",
	  "spec/podSelector/matchLabels" },
	{ IN_SELECTORS, false, "networking.k8s.io", "NetworkPolicy",
	  "spec/ingress/from/podSelector/matchLabels" },
	{ IN_SELECTORS, false, "networking.k8s.io", "NetworkPolicy",
	  "spec/egress/to/podSelector/matchLabels" },
	{ IN_SELECTORS, false, "apps", "Deployment", POD_AFFINITY PREFERRED },
	{ IN_SELECTORS, false, "apps", "Deployment", POD_AFFINITY REQUIRED },
	{ IN_SELECTORS, false, "apps", "Deployment",
	  POD_ANTI_AFFINITY PREFERRED },
	{ IN_SELECTORS, false, "apps", "Deployment",
	  POD_ANTI_AFFINITY REQUIRED },
	{ IN_SELECTORS, false, "apps", "Deployment", SPREAD },
	{ IN_SELECTORS, false, "apps", "StatefulSet", POD_AFFINITY PREFERRED },
	{ IN_SELECTORS, false, "apps", "StatefulSet", POD_AFFINITY REQUIRED },
	{ IN_SELECTORS, false, "apps", "StatefulSet",
	  POD_ANTI_AFFINITY PREFERRED },
	{ IN_SELECTORS, false, "apps", "StatefulSet",
	  POD_ANTI_AFFINITY REQUIRED },
	{ IN_SELECTORS, false, "apps", "StatefulSet", SPREAD },

	{ IN_ANNOTATIONS, true, NULL, NULL, "metadata/annotations" },
	{ IN_ANNOTATIONS, true, "", "ReplicationController",
	  "spec/template/metadata/annotations" },
	{ IN_ANNOTATIONS, true, NULL, "Deployment",
	  "spec/template/metadata/annotations" },
	{ IN_ANNOTATIONS, true, NULL, "ReplicaSet",
	  "spec/template/metadata/annotations" },
	{ IN_ANNOTATIONS, true, NULL, "DaemonSet",
	  "spec/template/metadata/annotations" },
	{ IN_ANNOTATIONS, true, NULL, "StatefulSet",
	  "spec/template/metadata/annotations" },
	{ IN_ANNOTATIONS, true, "batch", "Job",
	  "spec/template/metadata/annotations" },
	{ IN_ANNOTATIONS, true, "batch", "CronJob",
	  "spec/jobTemplate/metadata/annotations" },
	{ IN_ANNOTATIONS, true, "batch", "CronJob",
	  "spec/jobTemplate/spec/template/metadata/annotations" },
};

static bool is_for(const struct field *field, const struct jval *object)
{
	char group[256];

	if (field->kind && strcmp(field->kind, object_kind(object)) != 0)
		return false;
	object_group(object, group, sizeof(group));
	return !field->group || strcmp(field->group, group) == 0;
}

static void put_pairs(struct jval *object, const struct jval *pairs)
{
	for (void *it = jval_first(pairs); it; it = jval_next(pairs, it))
		jval_set(object, jval_member_name(it),
			 jval_copy(jval_member_value(it)));
}

static int follow(const struct field *field, const char *path,
		  struct jval *value, const struct jval *pairs,
		  struct err *err);

/* `path` begins with the name of a member of `object`. */
static int follow_member(const struct field *field, const char *path,
			 struct jval *object, const struct jval *pairs,
			 struct err *err)
{
	size_t len = strcspn(path, "/");
	bool is_list = len > 2 && strncmp(path + len - 2, "[]", 2) == 0;
	autofree char *name = mem_strndup(path, is_list ? len - 2 : len);
	struct jval *member = jval_get(object, name);

	if (jval_is_null(member) || (member == NULL && !is_list)) {
		if (!field->create || is_list)
			return 0;
		jval_set(object, name, jval_new_object());
		member = jval_get(object, name);
	}
	return follow(field, path[len] ? path + len + 1 : "", member, pairs,
		      err);
}

static int follow(const struct field *field, const char *path,
		  struct jval *value, const struct jval *pairs, struct err *err)
{
	if (value == NULL)
		return 0;
	if (jval_is_array(value) && *path) {
		for (size_t i = 0; i < jval_len(value); i++)
			if (follow(field, path, jval_at(value, i), pairs, err) <
			    0)
				return -1;
		return 0;
	}
	if (!jval_is_object(value))
		return err_set(err, ERR_INVALID,
			       "no label can be put in '%s': there is a value "
			       "of type %s on the way",
			       field->path, jval_type_name(value));
	if (*path)
		return follow_member(field, path, value, pairs, err);
	put_pairs(value, pairs);
	return 0;
}

int overlay_label(struct jval *object, const struct jval *pairs,
		  enum label_reach reach, struct err *err)
{
	autofree char *label = NULL;

	/* Nothing to put there: nothing is made for it. */
	for (size_t i = 0; jval_len(pairs) && i < ARRAY_SIZE(fields); i++) {
		const struct field *field = &fields[i];

		if (!(field->in & (1 << reach)) || !is_for(field, object) ||
		    follow(field, field->path, object, pairs, err) == 0)
			continue;
		label = object_label(object);
		return err_wrap(err, "%s", label);
	}
	return 0;
}
