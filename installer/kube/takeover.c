#include "kube/takeover.h"

#include <string.h>

#include "base/strs.h"

#define CLIENT_SIDE "kubectl-client-side-apply"
#define ANNOTATION_PATCH_PATH \
	"/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"

static bool is_whole(const struct jval *entry)
{
	return str_empty(jval_str(entry, "subresource"));
}

/* Entries of client-side apply: kubectl before 1.18 called itself "kubectl"
 * for all that it did, so that name counts where the annotation proves it. */
static bool is_client_side(const struct jval *entry, bool annotated)
{
	const char *manager = jval_str(entry, "manager");

	if (!str_eq(jval_str(entry, "operation"), "Update") || !is_whole(entry))
		return false;
	return str_eq(manager, CLIENT_SIDE) ||
	       (annotated && (str_eq(manager, "kubectl") ||
			      str_eq(manager, "before-first-apply")));
}

static bool is_ours(const struct jval *entry, const char *manager)
{
	return str_eq(jval_str(entry, "operation"), "Apply") &&
	       is_whole(entry) && str_eq(jval_str(entry, "manager"), manager);
}

/* The union of two trees of fields, into `into`. */
static void fields_join(struct jval *into, const struct jval *from)
{
	for (void *it = jval_first(from); it; it = jval_next(from, it)) {
		const char *name = jval_member_name(it);
		struct jval *value = jval_member_value(it);
		struct jval *known = jval_get(into, name);

		if (jval_is_object(known))
			fields_join(known, value);
		else
			jval_set(into, name, jval_copy(value));
	}
}

/* The list with our entry in the place of theirs, or NULL. */
static struct jval *take_fields(const struct jval *list, bool annotated,
				const char *manager)
{
	autojval struct jval *result = jval_new_array();
	struct jval *ours = NULL;
	bool taken = false;

	for (size_t i = 0; i < jval_len(list); i++) {
		struct jval *entry = jval_at(list, i);

		if (!is_ours(entry, manager))
			continue;
		ours = jval_copy(entry);
		jval_append(result, ours);
		break;
	}
	for (size_t i = 0; i < jval_len(list); i++) {
		struct jval *entry = jval_at(list, i);

		if (is_ours(entry, manager))
			continue;
		if (!is_client_side(entry, annotated)) {
			jval_append(result, jval_ref(entry));
			continue;
		}
		taken = true;
		if (ours == NULL) {
			ours = jval_copy(entry);
			jval_set_str(ours, "manager", manager);
			jval_set_str(ours, "operation", "Apply");
			jval_append(result, ours);
		} else if (jval_is_object(jval_get(ours, "fieldsV1"))) {
			fields_join(jval_get(ours, "fieldsV1"),
				    jval_get(entry, "fieldsV1"));
		}
	}
	return taken ? jval_ref(result) : NULL;
}

static void add_operation(struct jval *patch, const char *operation,
			  const char *path, struct jval *take)
{
	struct jval *step = jval_new_object();

	jval_set_str(step, "op", operation);
	jval_set_str(step, "path", path);
	if (take)
		jval_set(step, "value", take);
	jval_append(patch, step);
}

struct jval *takeover_patch(const struct jval *object, const char *manager)
{
	const struct jval *annotations =
		jval_path(object, "metadata.annotations");
	const char *version = jval_str(object, "metadata.resourceVersion");
	bool annotated = jval_get(annotations, LAST_APPLIED) != NULL;
	struct jval *fields =
		take_fields(jval_path(object, "metadata.managedFields"),
			    annotated, manager);
	struct jval *patch;

	if ((fields == NULL && !annotated) || version == NULL)
		return NULL;
	patch = jval_new_array();
	/* A replaced version is compared: 409 when it is another one. */
	add_operation(patch, "replace", "/metadata/resourceVersion",
		      jval_new_str(version));
	if (annotated)
		add_operation(patch, "remove", ANNOTATION_PATCH_PATH, NULL);
	if (fields)
		add_operation(patch, "replace", "/metadata/managedFields",
			      fields);
	return patch;
}
