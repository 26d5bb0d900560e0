#include "txn/wlm_follow.h"

#include "base/mem.h"
#include "kube/object.h"
#include "txn/wlm_binding.h"

static const struct release *
release_of_catalogue(const struct wlm_release *release)
{
	for (size_t i = 0; i < catalogue_count(release->catalogue); i++) {
		const struct release *one = catalogue_at(release->catalogue, i);

		if (str_eq(one->version, release->version))
			return one;
	}
	return NULL;
}

static bool has_role(const struct jval *objects, const char *name)
{
	for (size_t i = 0; i < jval_len(objects); i++)
		if (str_eq(object_kind(jval_at(objects, i)), "ClusterRole") &&
		    str_eq(object_name(jval_at(objects, i)), name))
			return true;
	return false;
}

/* Of the objects; a record of what was made by hand may lack it. */
static const char *role_of(const struct wlm_release *release)
{
	const struct release *known = release_of_catalogue(release);
	const char *name;

	for (size_t i = 0; (name = wlm_role_name(i)); i++)
		if (has_role(release->objects, name))
			return name;
	return known ? known->workload_manager_role : NULL;
}

static bool is_of_some_release(const struct catalogue *catalogue,
			       const char *role)
{
	const char *name;

	for (size_t i = 0; (name = wlm_role_name(i)); i++)
		if (str_eq(name, role))
			return true;
	for (size_t i = 0; i < catalogue_count(catalogue); i++)
		if (str_eq(catalogue_at(catalogue, i)->workload_manager_role,
			   role))
			return true;
	return false;
}

/* The role that it should be bound to and is not: 1, else 0. */
static int find_role(const struct jval *binding, struct kube *kube,
		     const struct wlm_release *release, const char **role,
		     struct err *err)
{
	const char *now = jval_str(binding, "roleRef.name");
	bool foreign = false;

	*role = role_of(release);
	if (*role == NULL || now == NULL || str_eq(*role, now) ||
	    !is_of_some_release(release->catalogue, now))
		return 0;
	/* The name says little: the site may have a role of it. */
	if (wlm_role_stands(kube, now, &foreign, err) < 0)
		return -1;
	return !foreign;
}

/* 0 also where it cannot be made, since nothing is known of it. */
static int ensure_role(struct kube *kube, const struct wlm_release *release,
		       const char *role, struct err *err)
{
	const struct release *known = release_of_catalogue(release);
	bool foreign = false;
	int stands;

	if (has_role(release->objects, role))
		return 1;
	stands = wlm_role_stands(kube, role, &foreign, err);
	if (stands != 0 || foreign || known == NULL)
		return stands;
	return wlm_role_make(kube, known, NULL, err) < 0 ? -1 : 1;
}

int wlm_follow(struct kube *kube, const struct wlm_release *release,
	       struct err *err)
{
	autojval struct jval *binding = NULL;
	autojval struct jval *object = NULL;
	const char *role;
	int found = wlm_binding_mend(&binding, kube, err);

	if (found > 0)
		found = find_role(binding, kube, release, &role, err);
	if (found > 0)
		found = ensure_role(kube, release, role, err);
	if (found <= 0)
		return found;
	object = wlm_binding_to(binding, role);
	if (wlm_binding_replace(kube, binding, object, NULL, err) < 0)
		return err_wrap(err, "bind '" WLM_BINDING "' to role '%s'",
				role);
	return 1;
}

/* 1, else 0. What still stands gives its rights, whoever made it. */
static int is_stranded(const struct jval *binding, struct kube *kube,
		       const struct wlm_release *release, struct err *err)
{
	const char *name = object_name(binding);
	const char *role = jval_str(binding, "roleRef.name");
	bool foreign = false;
	int stands;

	if (role == NULL || str_eq(name, WLM_BINDING) ||
	    str_eq(name, WLM_SPARE) ||
	    !is_of_some_release(release->catalogue, role))
		return 0;
	stands = wlm_role_stands(kube, role, &foreign, err);
	return stands < 0 ? -1 : stands == 0 && !foreign;
}

int wlm_stranded(struct kube *kube, const struct wlm_release *release,
		 struct strs *names, struct err *err)
{
	autojval struct jval *bindings =
		kube_list_all(kube, WLM_BINDINGS_PATH, NULL, err);

	for (size_t i = 0; i < jval_len(bindings); i++) {
		const struct jval *binding = jval_at(bindings, i);
		int stranded = is_stranded(binding, kube, release, err);

		if (stranded < 0)
			return -1;
		if (stranded > 0)
			strs_add(names, object_name(binding));
	}
	return bindings ? 0 : -1;
}

int wlm_foresee(struct kube *kube, const struct wlm_release *release,
		struct plan *plan, struct err *err)
{
	autojval struct jval *binding = NULL;
	const char *role;
	int found = wlm_binding_look(&binding, kube, err);

	if (found > 0)
		found = find_role(binding, kube, release, &role, err);
	if (found > 0)
		plan_add(
			plan, "bind",
			"the release has another role for workload managers",
			"clusterrolebinding.rbac.authorization.k8s.io/" WLM_BINDING
			" to %s",
			role);
	return found < 0 ? -1 : 0;
}
