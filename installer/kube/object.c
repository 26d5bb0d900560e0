#include "kube/object.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/strs.h"

#define RANK_OTHERS 10

static const struct {
	const char *kind;
	int rank;
} ranks[] = {
	{ "Namespace", 0 },
	{ "CustomResourceDefinition", 1 },
	{ "ServiceAccount", 2 },
	{ "Role", 3 },
	{ "ClusterRole", 3 },
	{ "RoleBinding", 4 },
	{ "ClusterRoleBinding", 4 },
	{ "ConfigMap", 5 },
	{ "Secret", 5 },
	{ "Service", 6 },
	{ "Issuer", 7 },
	{ "ClusterIssuer", 7 },
	{ "Certificate", 8 },
	{ "Deployment", 9 },
	{ "MutatingWebhookConfiguration", 11 },
	{ "ValidatingWebhookConfiguration", 11 },
};

static const char *text_of(const struct jval *object, const char *path)
{
	const char *text = jval_str(object, path);

	return text ? text : "";
}

const char *object_api_version(const struct jval *object)
{
	return text_of(object, "apiVersion");
}

const char *object_kind(const struct jval *object)
{
	return text_of(object, "kind");
}

const char *object_name(const struct jval *object)
{
	return text_of(object, "metadata.name");
}

const char *object_namespace(const struct jval *object)
{
	const char *ns = jval_str(object, "metadata.namespace");

	return str_empty(ns) ? NULL : ns;
}

void object_group(const struct jval *object, char *group, size_t size)
{
	const char *version = object_api_version(object);
	const char *slash = strchr(version, '/');

	snprintf(group, size, "%.*s", slash ? (int)(slash - version) : 0,
		 version);
}

bool object_is_same(const struct jval *a, const struct jval *b)
{
	char group_a[128], group_b[128];

	object_group(a, group_a, sizeof(group_a));
	object_group(b, group_b, sizeof(group_b));
	return str_eq(group_a, group_b) &&
	       str_eq(object_kind(a), object_kind(b)) &&
	       str_eq(object_name(a), object_name(b)) &&
	       str_eq(object_namespace(a), object_namespace(b));
}

char *object_label(const struct jval *object)
{
	autofree char *kind = mem_strdup(object_kind(object));
	char group[256];

	for (char *c = kind; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	object_group(object, group, sizeof(group));
	return mem_printf("%s%s%s/%s", kind, group[0] ? "." : "", group,
			  object_name(object));
}

int object_rank(const struct jval *object)
{
	const char *kind = object_kind(object);

	for (size_t i = 0; i < ARRAY_SIZE(ranks); i++)
		if (strcmp(ranks[i].kind, kind) == 0)
			return ranks[i].rank;
	return RANK_OTHERS;
}

struct jval *object_sorted(const struct jval *objects)
{
	struct jval *sorted = jval_new_array();

	for (int rank = 0; rank <= RANK_OTHERS + 1; rank++) {
		for (size_t i = 0; i < jval_len(objects); i++) {
			struct jval *object = jval_at(objects, i);

			if (object_rank(object) == rank)
				jval_append(sorted, jval_ref(object));
		}
	}
	return sorted;
}

const struct jval *object_condition(const struct jval *object, const char *type)
{
	const struct jval *list = jval_path(object, "status.conditions");

	for (size_t i = 0; i < jval_len(list); i++) {
		const struct jval *condition = jval_at(list, i);

		if (str_eq(jval_str(condition, "type"), type))
			return condition;
	}
	return NULL;
}
