#include "txn/wlm_binding.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/object.h"
#include "txn/names.h"

#define RBAC "rbac.authorization.k8s.io"
#define API_VERSION RBAC "/v1"
#define SPARE_PATH WLM_BINDINGS_PATH "/" WLM_SPARE
/* So that nothing of that name which somebody else made is taken for one. */
#define SPARE_OF "dws-csm.io/spare-of"

/* Up to 0.1.0 and from 0.1.1 on; the rules are the same. */
static const char *const known_roles[] = { "dws-workload-manager",
					   "workload-manager" };

/* 1 and the object, 0 where it is not. */
static int look(struct kube *kube, const char *path, struct jval **object,
		struct err *err)
{
	struct err failure = ERR_INIT;

	*object = kube_get(kube, path, &failure);
	if (*object)
		return 1;
	if (kube_is_not_found(&failure))
		return 0;
	*err = failure;
	return -1;
}

int wlm_delete_as_read(struct kube *kube, const char *path,
		       const struct jval *object, struct err *err)
{
	autojval struct jval *options =
		jval_pack("{s:s, s:s, s:{s:s?, s:s?}}", "apiVersion", "v1",
			  "kind", "DeleteOptions", "preconditions", "uid",
			  jval_str(object, "metadata.uid"), "resourceVersion",
			  jval_str(object, "metadata.resourceVersion"));

	return kube_call(kube, "DELETE", path, NULL, options, NULL, err);
}

/* --- roles ------------------------------------------------------------------- */

const char *wlm_role_name(size_t index)
{
	return index < ARRAY_SIZE(known_roles) ? known_roles[index] : NULL;
}

bool wlm_role_is_about_dws(const struct jval *role)
{
	const struct jval *rules = jval_get(role, "rules");

	for (size_t i = 0; i < jval_len(rules); i++) {
		const struct jval *groups =
			jval_get(jval_at(rules, i), "apiGroups");

		for (size_t k = 0; k < jval_len(groups); k++)
			if (str_eq(jval_string(jval_at(groups, k)), DWS_GROUP))
				return true;
	}
	return false;
}

int wlm_role_stands(struct kube *kube, const char *name, bool *foreign,
		    struct err *err)
{
	autofree char *path = mem_printf(WLM_ROLES_PATH "/%s", name);
	autojval struct jval *role = NULL;
	int found = look(kube, path, &role, err);

	*foreign = found > 0 && !wlm_role_is_about_dws(role);
	return *foreign ? 0 : found;
}

int wlm_role_make(struct kube *kube, const struct release *release,
		  struct jval **made, struct err *err)
{
	const char *name = release->workload_manager_role;
	autojval struct jval *objects = catalogue_objects(release, err);

	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);

		if (!str_eq(object_kind(object), "ClusterRole") ||
		    !str_eq(object_name(object), name))
			continue;
		if (kube_call(kube, "POST", WLM_ROLES_PATH, NULL, object, made,
			      err) < 0)
			return err_wrap(err, "make the role '%s'", name);
		return 0;
	}
	return objects ? err_set(err, ERR_NOT_FOUND,
				 "release %s has no ClusterRole '%s'",
				 release->version, name) :
			 -1;
}

/* --- the binding as an object -------------------------------------------------- */

static void copy_field(struct jval *to, const struct jval *from,
		       const char *path)
{
	struct jval *value = jval_path(from, path);

	if (value)
		jval_set_path(to, path, jval_copy(value));
}

struct jval *wlm_binding_copy(const struct jval *binding)
{
	struct jval *object = jval_new_object();

	jval_set_str(object, "apiVersion", API_VERSION);
	jval_set_str(object, "kind", "ClusterRoleBinding");
	jval_set_str(object, "metadata.name", WLM_BINDING);
	copy_field(object, binding, "metadata.labels");
	copy_field(object, binding, "metadata.annotations");
	copy_field(object, binding, "roleRef");
	copy_field(object, binding, "subjects");
	return object;
}

struct jval *wlm_binding_to(const struct jval *binding, const char *role)
{
	struct jval *object = wlm_binding_copy(binding);

	jval_set(object, "roleRef",
		 jval_pack("{s:s, s:s, s:s}", "apiGroup", RBAC, "kind",
			   "ClusterRole", "name", role));
	return object;
}

struct jval *wlm_binding_user(void)
{
	return jval_pack("{s:s, s:s, s:s}", "apiGroup", RBAC, "kind", "User",
			 "name", WLM_USER);
}

static bool is_user(const struct jval *subject)
{
	return str_eq(jval_str(subject, "kind"), "User") &&
	       str_eq(jval_str(subject, "name"), WLM_USER);
}

struct jval *wlm_binding_others(const struct jval *binding, bool *bound)
{
	const struct jval *subjects = jval_get(binding, "subjects");
	struct jval *others = jval_new_array();

	*bound = false;
	for (size_t i = 0; i < jval_len(subjects); i++)
		if (is_user(jval_at(subjects, i)))
			*bound = true;
		else
			jval_append(others, jval_ref(jval_at(subjects, i)));
	return others;
}

/* --- the binding in the cluster ------------------------------------------------ */

int wlm_binding_look(struct jval **binding, struct kube *kube, struct err *err)
{
	return look(kube, WLM_BINDING_PATH, binding, err);
}

static bool is_same_at(const struct jval *a, const struct jval *b,
		       const char *path)
{
	return jval_equal(jval_path(a, path), jval_path(b, path));
}

/* A create whose answer was lost finds what it made: then that is it. */
static int create(struct kube *kube, const struct jval *object,
		  struct jval **made, struct err *err)
{
	autofree char *path =
		mem_printf("%s/%s", WLM_BINDINGS_PATH, object_name(object));
	autojval struct jval *there = NULL;
	struct err failure = ERR_INIT;

	if (kube_call(kube, "POST", WLM_BINDINGS_PATH, NULL, object, made,
		      err) == 0)
		return 0;
	if (!kube_is_conflict(err) || look(kube, path, &there, &failure) <= 0 ||
	    !is_same_at(there, object, "roleRef") ||
	    !is_same_at(there, object, "subjects") ||
	    !is_same_at(there, object, "metadata.annotations"))
		return -1;
	err_clear(err);
	if (made)
		*made = mem_steal(&there);
	return 0;
}

static bool is_spare(const struct jval *object)
{
	return str_eq(
		jval_string(jval_get(jval_path(object, "metadata.annotations"),
				     SPARE_OF)),
		WLM_BINDING);
}

static int make_spare(struct kube *kube, const struct jval *object,
		      struct jval **spare, struct err *err)
{
	autojval struct jval *copy = jval_copy(object);

	if (!jval_path(copy, "metadata.annotations"))
		jval_set(jval_path(copy, "metadata"), "annotations",
			 jval_new_object());
	jval_set(jval_path(copy, "metadata.annotations"), SPARE_OF,
		 jval_new_str(WLM_BINDING));
	jval_set_str(copy, "metadata.name", WLM_SPARE);
	return create(kube, copy, spare, err);
}

/* What it is the spare of. */
static struct jval *spared(const struct jval *spare)
{
	struct jval *object = wlm_binding_copy(spare);
	struct jval *annotations = jval_path(object, "metadata.annotations");

	jval_del(annotations, SPARE_OF);
	if (jval_len(annotations) == 0)
		jval_del_path(object, "metadata.annotations");
	return object;
}

static int drop_spare(struct kube *kube, const struct jval *spare,
		      struct err *err)
{
	struct err failure = ERR_INIT;

	if (wlm_delete_as_read(kube, SPARE_PATH, spare, &failure) == 0 ||
	    kube_is_not_found(&failure))
		return 0;
	*err = failure;
	return -1;
}

int wlm_binding_mend(struct jval **binding, struct kube *kube, struct err *err)
{
	autojval struct jval *spare = NULL;
	autojval struct jval *object = NULL;
	int found = wlm_binding_look(binding, kube, err);
	int left = found < 0 ? -1 : look(kube, SPARE_PATH, &spare, err);

	if (left < 0)
		return -1;
	if (left == 0 || !is_spare(spare))
		return found;
	if (found == 0) {
		object = spared(spare);
		if (create(kube, object, binding, err) < 0)
			return err_wrap(err, "make '" WLM_BINDING "' again");
	}
	return drop_spare(kube, spare, err) < 0 ? -1 : 1;
}

/* The spare stays where nothing else gives the rights; the next look mends
 * that. */
static int put_back(struct kube *kube, const struct jval *was,
		    const struct jval *spare, struct err *err)
{
	autojval struct jval *again = wlm_binding_copy(was);
	struct err failure = ERR_INIT;

	if (create(kube, again, NULL, &failure) < 0)
		return err_hint(err,
				"and '" WLM_BINDING "' as it was, to role "
				"'%s', could not be made again: %s",
				jval_str(was, "roleRef.name"), failure.msg);
	if (drop_spare(kube, spare, &failure) < 0)
		log_warn("%s", failure.msg);
	return -1;
}

static int change(struct kube *kube, const struct jval *was,
		  const struct jval *object, struct jval **made,
		  struct err *err)
{
	autojval struct jval *spare = NULL;
	struct err failure = ERR_INIT;

	if (make_spare(kube, object, &spare, err) < 0)
		return -1;
	if (wlm_delete_as_read(kube, WLM_BINDING_PATH, was, err) < 0 &&
	    !kube_is_not_found(err)) {
		if (drop_spare(kube, spare, &failure) < 0)
			log_warn("%s", failure.msg);
		return -1;
	}
	err_clear(err);
	if (create(kube, object, made, err) < 0)
		return put_back(kube, was, spare, err);
	if (drop_spare(kube, spare, &failure) < 0)
		log_warn("'" WLM_SPARE "' stays until the next change: %s",
			 failure.msg);
	return 0;
}

/* No signal in the middle. */
int wlm_binding_replace(struct kube *kube, const struct jval *was,
			const struct jval *object, struct jval **made,
			struct err *err)
{
	bool deferred = interrupt_defer(true);
	int result = was ? change(kube, was, object, made, err) :
			   create(kube, object, made, err);

	interrupt_defer(deferred);
	return result;
}
