#include "txn/custom.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "kube/object.h"
#include "txn/names.h"

#define WORKFLOWS_CRD CRD_PATH "/workflows." DWS_GROUP

/* By their names, which end in the group: a cluster has many megabytes of
 * other CRDs. */
struct jval *custom_crds(struct kube *kube, struct err *err)
{
	autojval struct jval *names =
		kube_list_names(kube, CRD_PATH, NULL, err);
	autojval struct jval *crds = jval_new_array();

	if (names == NULL)
		return NULL;
	for (size_t i = 0; i < jval_len(names); i++) {
		const char *name = object_name(jval_at(names, i));
		autofree char *path = mem_printf("%s/%s", CRD_PATH, name);
		struct jval *crd;

		if (!str_ends(name, "." DWS_GROUP))
			continue;
		crd = kube_get(kube, path, err);
		if (crd)
			jval_append(crds, crd);
		else if (!kube_is_not_found(err))
			return NULL;
		else
			err_clear(err);
	}
	return mem_steal(&crds);
}

const char *custom_storage_version(const struct jval *crd)
{
	const struct jval *versions = jval_path(crd, "spec.versions");

	for (size_t i = 0; i < jval_len(versions); i++)
		if (jval_bool(jval_at(versions, i), "storage", false))
			return jval_str(jval_at(versions, i), "name");
	return NULL;
}

char *custom_path(const struct jval *crd, const char *ns, const char *name)
{
	const char *plural = jval_str(crd, "spec.names.plural");
	const char *version = custom_storage_version(crd);
	autofree char *space = ns ? mem_printf("namespaces/%s/", ns) :
				    mem_strdup("");

	return mem_printf("/apis/%s/%s/%s%s%s%s", DWS_GROUP,
			  version ? version : "", space, plural,
			  name ? "/" : "", name ? name : "");
}

/* Items of a list lack apiVersion and kind; users of ours do not want to. */
static void custom_complete(struct jval *object, const struct jval *crd)
{
	autofree char *api =
		mem_printf("%s/%s", DWS_GROUP, custom_storage_version(crd));

	jval_set_str(object, "apiVersion", api);
	jval_set_str(object, "kind", jval_str(crd, "spec.names.kind"));
}

/* A visitor's object is completed on its way. */
struct completion {
	const struct kube_visitor *visitor;
	const struct jval *crd;
};

static int complete_item(void *ctx, struct jval *object, struct err *err)
{
	const struct completion *self = ctx;

	custom_complete(object, self->crd);
	return self->visitor->item(self->visitor->ctx, object, err);
}

static int complete_restart(void *ctx, struct err *err)
{
	const struct completion *self = ctx;

	return self->visitor->restart(self->visitor->ctx, err);
}

/*
 * A CRD that has just come is not served yet, one that goes not any more:
 * then none can be there, and 404 of its collection says so. Clears `err`.
 */
static bool none_can_be(struct kube *kube, const struct jval *crd,
			struct err *err)
{
	autofree char *path = mem_printf("%s/%s", CRD_PATH, object_name(crd));
	autojval struct jval *now = NULL;
	struct err failure = ERR_INIT;
	const char *established;

	if (!kube_is_not_found(err))
		return false;
	now = kube_get(kube, path, &failure);
	established = jval_str(object_condition(now, "Established"), "status");
	if (now ? str_eq(established, "True") : !kube_is_not_found(&failure))
		return false;
	err_clear(err);
	return true;
}

int custom_each(struct kube *kube, const struct jval *crd,
		const struct kube_visitor *visitor, struct err *err)
{
	autofree char *path = custom_path(crd, NULL, NULL);
	struct completion self = { visitor, crd };
	struct kube_visitor complete = { complete_item, complete_restart,
					 &self };

	if (kube_list_each(kube, path, NULL, &complete, err) < 0)
		return none_can_be(kube, crd, err) ? 0 : -1;
	return 0;
}

struct jval *custom_list(struct kube *kube, const struct jval *crd,
			 const char *ns, struct err *err)
{
	autofree char *path = custom_path(crd, ns, NULL);
	struct jval *list = kube_list_all(kube, path, NULL, err);

	if (list == NULL && none_can_be(kube, crd, err))
		return jval_new_array();
	for (size_t i = 0; i < jval_len(list); i++)
		custom_complete(jval_at(list, i), crd);
	return list;
}

static int note_finalized(void *ctx, struct jval *object, struct err *err)
{
	struct jval *names = ctx;
	struct jval *name;

	(void)err;
	if (jval_len(jval_path(object, "metadata.finalizers")) == 0)
		return 0;
	name = jval_pack("{s:s, s:s, s:{s:s}}", "apiVersion",
			 object_api_version(object), "kind",
			 object_kind(object), "metadata", "name",
			 object_name(object));
	if (object_namespace(object))
		jval_set_str(name, "metadata.namespace",
			     object_namespace(object));
	jval_append(names, name);
	return 0;
}

/* What comes twice does no harm. */
static int note_again(void *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	return 0;
}

struct jval *custom_list_finalized(struct kube *kube, const struct jval *crd,
				   struct err *err)
{
	autojval struct jval *names = jval_new_array();
	const struct kube_visitor visitor = { note_finalized, note_again,
					      names };

	if (custom_each(kube, crd, &visitor, err) < 0)
		return NULL;
	return mem_steal(&names);
}

struct jval *workflows_crd(struct kube *kube, struct err *err)
{
	return kube_get(kube, WORKFLOWS_CRD, err);
}

struct jval *workflows_list(struct kube *kube, const char *ns, struct err *err)
{
	autojval struct jval *crd = workflows_crd(kube, err);

	if (crd == NULL) {
		if (!kube_is_not_found(err))
			return NULL;
		err_clear(err);
		return jval_new_array();
	}
	return custom_list(kube, crd, ns, err);
}

struct jval *workflows_get(struct kube *kube, const char *ns, const char *name,
			   struct err *err)
{
	autojval struct jval *crd = workflows_crd(kube, err);
	autofree char *path = NULL;

	if (crd == NULL) {
		if (kube_is_not_found(err))
			err_wrap(err, "DWS is not installed");
		return NULL;
	}
	path = custom_path(crd, ns, name);
	return kube_get(kube, path, err);
}

const char *const workflows_heads[] = { "NAMESPACE",  "NAME",  "JOB",	 "USER",
					"DESIRED",    "STATE", "STATUS", "AGE",
					"FINALIZERS", NULL };

static void cell(struct strs *cells, const char *text)
{
	strs_add(cells, str_empty(text) ? "-" : text);
}

/* A job ID is a number in some releases and a string in others. */
static void cell_any(struct strs *cells, const struct jval *value)
{
	if (jval_is_int(value))
		strs_addf(cells, "%lld", (long long)jval_integer(value));
	else
		cell(cells, jval_string(value));
}

static void cell_age(struct strs *cells, const char *since, time_t now)
{
	struct err err = ERR_INIT;
	char age[32];
	time_t t;

	if (since == NULL || clock_parse_rfc3339(since, &t, &err) < 0) {
		cell(cells, NULL);
		return;
	}
	clock_age(age, sizeof(age), t, now);
	cell(cells, age);
}

void workflows_cells(const struct jval *workflow, time_t now,
		     struct strs *cells)
{
	const struct jval *finalizers =
		jval_path(workflow, "metadata.finalizers");
	auto_strs struct strs names = STRS_INIT;
	autofree char *joined = NULL;

	for (size_t i = 0; i < jval_len(finalizers); i++)
		strs_add(&names, jval_string(jval_at(finalizers, i)));
	joined = strs_join(&names, ",");
	cell(cells, object_namespace(workflow));
	cell(cells, object_name(workflow));
	cell_any(cells, jval_path(workflow, "spec.jobID"));
	cell_any(cells, jval_path(workflow, "spec.userID"));
	cell(cells, jval_str(workflow, "spec.desiredState"));
	cell(cells, jval_str(workflow, "status.state"));
	/* Asked to go, and held by its finalizers. */
	cell(cells, jval_str(workflow, "metadata.deletionTimestamp") ?
			    "Terminating" :
			    jval_str(workflow, "status.status"));
	cell_age(cells, jval_str(workflow, "metadata.creationTimestamp"), now);
	cell(cells, joined);
}
