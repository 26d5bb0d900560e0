#include "txn/inventory.h"

#include <string.h>

#include "base/mem.h"
#include "kube/object.h"
#include "txn/gate.h"
#include "txn/lease.h"
#include "txn/names.h"
#include "txn/record.h"
#include "txn/wlm_binding.h"

#define LEADER_ELECTION "a08857a2." DWS_GROUP
#define SECRETS_PATH "/api/v1/namespaces/" DWS_NAMESPACE "/secrets"
#define OLD_SLURM_ROLE "workload-manager"

/* What no manifest names. */
static const struct {
	const char *api_version;
	const char *kind;
	const char *ns;
	const char *name;
} leftovers[] = {
	{ "v1", "Secret", DWS_NAMESPACE, DWS_SERVING_SECRET },
	{ "coordination.k8s.io/v1", "Lease", DWS_NAMESPACE, LEADER_ELECTION },
	{ "v1", "ConfigMap", DWS_NAMESPACE, LEADER_ELECTION },
	{ "rbac.authorization.k8s.io/v1", "ClusterRole", NULL, OLD_SLURM_ROLE },
	{ "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", NULL,
	  WLM_BINDING },
	{ "rbac.authorization.k8s.io/v1", "ClusterRoleBinding", NULL,
	  WLM_SPARE },
	{ "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration",
	  NULL, GATE_NAME },
	{ "coordination.k8s.io/v1", "Lease", DWS_NAMESPACE, LEASE_NAME },
};

struct inventory {
	struct kube *kube;
	struct discovery *discovery;
	struct jval *seen;	  /* set of keys */
	struct jval *collections; /* path -> set of names */
	struct jval *found;	  /* what exists */
};

static struct jval *name_only(const char *api_version, const char *kind,
			      const char *ns, const char *name)
{
	struct jval *object = jval_pack("{s:s, s:s, s:{s:s}}", "apiVersion",
					api_version, "kind", kind, "metadata",
					"name", name);

	if (ns)
		jval_set_str(object, "metadata.namespace", ns);
	return object;
}

/* The version to ask for: cert-manager's is whatever the cluster serves. */
static int served_version(struct inventory *self, const struct jval *object,
			  char **api_version, struct err *err)
{
	auto_strs struct strs versions = STRS_INIT;
	struct kube_resource resource;
	char group[128];
	int found = discovery_find(self->discovery, self->kube,
				   object_api_version(object),
				   object_kind(object), &resource, err);

	if (found != 0) {
		*api_version = mem_strdup(object_api_version(object));
		return found;
	}
	object_group(object, group, sizeof(group));
	if (discovery_versions(self->discovery, self->kube, group, &versions,
			       err) < 0)
		return -1;
	for (size_t i = 0; found == 0 && i < versions.nr; i++) {
		autofree char *other =
			mem_printf("%s/%s", group, versions.item[i]);

		found = discovery_find(self->discovery, self->kube, other,
				       object_kind(object), &resource, err);
		if (found > 0)
			*api_version = mem_steal(&other);
	}
	return found;
}

static bool is_binding(const struct jval *name)
{
	return str_eq(object_name(name), WLM_BINDING) ||
	       str_eq(object_name(name), WLM_SPARE);
}

/*
 * Names without "dws" may be somebody else's: such a role counts only when
 * it is about resources of DWS, such a binding when it binds one of those.
 */
static bool is_doubtful(const struct jval *name)
{
	return is_binding(name) || str_eq(object_name(name), OLD_SLURM_ROLE);
}

static bool is_of_dws(const struct jval *live)
{
	const char *role = jval_str(live, "roleRef.name");

	if (is_binding(live))
		return str_eq(role, OLD_SLURM_ROLE) ||
		       str_eq(role, "dws-workload-manager");
	return wlm_role_is_about_dws(live);
}

static char *collection_path(struct inventory *self, const struct jval *name,
			     struct err *err)
{
	struct kube_resource resource;
	int found = discovery_find(self->discovery, self->kube,
				   object_api_version(name), object_kind(name),
				   &resource, err);

	if (found > 0)
		return kube_resource_path(&resource, object_namespace(name),
					  NULL);
	if (found == 0)
		err_set(err, ERR_API, "the API server serves no %s any more",
			object_kind(name));
	return NULL;
}

/* The names in a collection, asked for once: {name: true}. Borrowed. */
static const struct jval *collection(struct inventory *self, const char *path,
				     struct err *err)
{
	struct jval *set = jval_get(self->collections, path);
	autojval struct jval *names = NULL;

	if (set)
		return set;
	names = kube_list_names(self->kube, path, NULL, err);
	if (names == NULL)
		return NULL;
	set = jval_new_object();
	for (size_t i = 0; i < jval_len(names); i++)
		jval_set(set, object_name(jval_at(names, i)),
			 jval_new_bool(true));
	jval_set(self->collections, path, set);
	return set;
}

/* A name that may be somebody else's needs a look at the object. */
static int look_at(struct inventory *self, const struct jval *name,
		   struct err *err)
{
	autojval struct jval *live = NULL;
	autofree char *path = NULL;

	if (!is_doubtful(name))
		return 1;
	path = kube_object_path(self->discovery, self->kube, name, err);
	if (path == NULL)
		return -1;
	live = kube_get(self->kube, path, err);
	if (live)
		return is_of_dws(live);
	if (!kube_is_not_found(err))
		return -1;
	err_clear(err);
	return 0;
}

/* Add the object if it exists in the cluster. */
static int inventory_try(struct inventory *self, const struct jval *object,
			 struct err *err)
{
	const char *ns = object_namespace(object);
	autofree char *label = object_label(object);
	autofree char *key = mem_printf("%s in %s", label, ns ? ns : "");
	autofree char *api_version = NULL;
	autofree char *path = NULL;
	autojval struct jval *name = NULL;
	const struct jval *names;
	int found;

	if (jval_get(self->seen, key))
		return 0;
	jval_set(self->seen, key, jval_new_bool(true));
	found = served_version(self, object, &api_version, err);
	if (found <= 0)
		return found;
	name = name_only(api_version, object_kind(object), ns,
			 object_name(object));
	path = collection_path(self, name, err);
	names = path ? collection(self, path, err) : NULL;
	if (names == NULL)
		return -1;
	if (jval_get(names, object_name(object)) == NULL)
		return 0;
	found = look_at(self, name, err);
	if (found > 0)
		jval_append(self->found, jval_ref(name));
	return found < 0 ? -1 : 0;
}

static int inventory_try_all(struct inventory *self, const struct jval *objects,
			     struct err *err)
{
	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);

		if (!str_eq(object_kind(object), "Namespace") &&
		    inventory_try(self, object, err) < 0)
			return -1;
	}
	return 0;
}

static int inventory_releases(struct inventory *self,
			      const struct catalogue *catalogue,
			      struct err *err)
{
	for (size_t i = 0; i < catalogue_count(catalogue); i++) {
		autojval struct jval *objects =
			catalogue_objects(catalogue_at(catalogue, i), err);

		if (objects == NULL ||
		    inventory_try_all(self, objects, err) < 0)
			return -1;
	}
	return 0;
}

/* The newest first: an object is asked for in the version it has there. */
static int inventory_records(struct inventory *self, const struct jval *records,
			     struct err *err)
{
	for (size_t i = jval_len(records); i-- > 0;)
		if (inventory_try_all(self,
				      jval_get(jval_at(records, i), "objects"),
				      err) < 0)
			return -1;
	return 0;
}

static struct jval *leftover_names(const struct survey *survey)
{
	struct jval *names = jval_new_array();

	for (size_t i = 0; i < ARRAY_SIZE(leftovers); i++)
		jval_append(names, name_only(leftovers[i].api_version,
					     leftovers[i].kind, leftovers[i].ns,
					     leftovers[i].name));
	for (size_t i = 0; i < jval_len(survey->crds); i++)
		jval_append(names,
			    name_only(CRD_API_VERSION,
				      "CustomResourceDefinition", NULL,
				      object_name(jval_at(survey->crds, i))));
	return names;
}

/* Records, journal and backups, in the order of their names. */
static int inventory_books(struct inventory *self, struct err *err)
{
	autojval struct jval *books = kube_list_names(
		self->kube, SECRETS_PATH, "labelSelector=" RECORD_LABEL, err);

	for (size_t i = 0; i < jval_len(books); i++)
		jval_append(self->found,
			    name_only("v1", "Secret", DWS_NAMESPACE,
				      object_name(jval_at(books, i))));
	return books ? 0 : -1;
}

struct jval *inventory_take(struct kube *kube, struct discovery *discovery,
			    const struct catalogue *catalogue,
			    const struct survey *survey, struct err *err)
{
	autojval struct jval *seen = jval_new_object();
	autojval struct jval *found = jval_new_array();
	autojval struct jval *others = leftover_names(survey);
	autojval struct jval *collections = jval_new_object();
	struct inventory self = { kube, discovery, seen, collections, found };

	if (inventory_records(&self, survey->records, err) < 0 ||
	    inventory_releases(&self, catalogue, err) < 0 ||
	    inventory_try_all(&self, others, err) < 0 ||
	    inventory_books(&self, err) < 0) {
		err_wrap(err, "find what belongs to DWS");
		return NULL;
	}
	return object_sorted(found);
}

/* No backup of ours has what goes with it. */
static bool holds_data(const struct jval *object)
{
	const char *kind = object_kind(object);

	if (str_eq(kind, "CustomResourceDefinition"))
		return !str_ends(object_name(object), "." DWS_GROUP);
	return str_eq(kind, "PersistentVolumeClaim") ||
	       str_eq(kind, "PersistentVolume");
}

/* Later releases have a token Secret for each account, named like it. */
static bool is_token(const char *name)
{
	return str_eq(name, DWS_CONTROLLER) || str_eq(name, DWS_WEBHOOK);
}

enum inventory_part inventory_part(const struct jval *object)
{
	const char *kind = object_kind(object);
	const char *name = object_name(object);

	if (str_eq(kind, "Secret"))
		return str_starts(name, "dws-csm.") ? PART_BOOKS :
		       is_token(name)		    ? PART_RELEASE :
						      PART_KEPT;
	if (str_eq(name, GATE_NAME) ||
	    (str_eq(kind, "Lease") && str_eq(name, LEASE_NAME)))
		return PART_BOOKS;
	if (is_binding(object))
		return PART_KEPT;
	if (holds_data(object))
		return PART_DATA;
	return str_eq(name, LEADER_ELECTION) ? PART_RUNTIME : PART_RELEASE;
}

struct jval *inventory_of_release(const struct jval *inventory)
{
	struct jval *list = jval_new_array();

	for (size_t i = 0; i < jval_len(inventory); i++)
		if (inventory_part(jval_at(inventory, i)) <= PART_RUNTIME)
			jval_append(list, jval_ref(jval_at(inventory, i)));
	return list;
}
