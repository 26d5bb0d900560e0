#include "txn/wlm.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "kube/object.h"
#include "txn/names.h"
#include "txn/survey.h"

#define RBAC "rbac.authorization.k8s.io"
#define API_VERSION RBAC "/v1"
#define ROLES_PATH "/apis/" API_VERSION "/clusterroles"
#define BINDINGS_PATH "/apis/" API_VERSION "/clusterrolebindings"
#define BINDING_PATH BINDINGS_PATH "/" WLM_BINDING
#define UNTIL "dws-csm.io/credential-until"
#define LATEST "dws-csm.io/credential-latest"
#define MERGE_PATCH "application/merge-patch+json"
#define DAY_S 86400

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

static bool is_about_dws(const struct jval *role)
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

/* 1 when a role of this name is there and is about DWS, 0 when there is none;
 * the name may be somebody else's. */
static int role_stands(struct kube *kube, const char *name, bool *foreign,
		       struct err *err)
{
	autofree char *path = mem_printf(ROLES_PATH "/%s", name);
	autojval struct jval *role = NULL;
	int found = look(kube, path, &role, err);

	*foreign = found > 0 && !is_about_dws(role);
	return *foreign ? 0 : found;
}

/* The release that stands, or the one that would be installed. */
static const struct release *standing_release(struct kube *kube,
					      struct discovery *discovery,
					      const struct catalogue *catalogue,
					      struct err *err)
{
	auto_survey struct survey survey = SURVEY_INIT;

	if (survey_take(&survey, kube, discovery, err) < 0)
		return NULL;
	for (size_t i = 0; i < catalogue_count(catalogue); i++)
		if (str_eq(catalogue_at(catalogue, i)->version, survey.version))
			return catalogue_at(catalogue, i);
	return catalogue_release(catalogue, NULL, err);
}

static int make_role(struct kube *kube, const struct release *release,
		     struct jval **made, struct err *err)
{
	autojval struct jval *objects = catalogue_objects(release, err);

	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);

		if (!str_eq(object_kind(object), "ClusterRole") ||
		    !str_eq(object_name(object),
			    release->workload_manager_role))
			continue;
		if (kube_call(kube, "POST", ROLES_PATH, NULL, object, made,
			      err) < 0)
			return err_wrap(err, "make the role '%s'",
					object_name(object));
		return 0;
	}
	return objects ? err_set(err, ERR_NOT_FOUND,
				 "release %s has no ClusterRole '%s'",
				 release->version,
				 release->workload_manager_role) :
			 -1;
}

/* The role of the release; another release's that stands; one that is made. */
static int find_role(struct wlm_grant *grant, struct kube *kube,
		     const struct release *release, struct err *err)
{
	const char *names[1 + ARRAY_SIZE(known_roles)];
	bool foreign = false, wanted_is_foreign = false;

	names[0] = release->workload_manager_role;
	memcpy(names + 1, known_roles, sizeof(known_roles));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int found = role_stands(kube, names[i], &foreign, err);

		if (found < 0)
			return -1;
		wanted_is_foreign |= i == 0 && foreign;
		if (found > 0) {
			grant->role = mem_strdup(names[i]);
			return 0;
		}
	}
	if (wanted_is_foreign)
		return err_set(err, ERR_BLOCKED,
			       "ClusterRole '%s' is somebody else's: it has no "
			       "rule about '" DWS_GROUP "'; rename that one, "
			       "then run this again",
			       names[0]);
	if (make_role(kube, release, &grant->role_made, err) < 0)
		return -1;
	grant->role = mem_strdup(names[0]);
	return 0;
}

static bool is_user(const struct jval *subject)
{
	return str_eq(jval_str(subject, "kind"), "User") &&
	       str_eq(jval_str(subject, "name"), WLM_USER);
}

/* The subjects of a binding (NULL = none) but the user. */
static struct jval *other_subjects(const struct jval *binding, bool *bound)
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

/* `binding` is what stood, or NULL. */
static struct jval *binding_object(const struct jval *binding, const char *role)
{
	bool bound;
	struct jval *subjects = other_subjects(binding, &bound);
	struct jval *object = jval_new_object();

	jval_append(subjects, jval_pack("{s:s, s:s, s:s}", "apiGroup", RBAC,
					"kind", "User", "name", WLM_USER));
	jval_set_str(object, "apiVersion", API_VERSION);
	jval_set_str(object, "kind", "ClusterRoleBinding");
	jval_set_str(object, "metadata.name", WLM_BINDING);
	jval_set(jval_path(object, "metadata"), "labels",
		 jval_pack("{s:s}", "app.kubernetes.io/managed-by", "dws-csm"));
	if (jval_path(binding, "metadata.annotations"))
		jval_set_path(
			object, "metadata.annotations",
			jval_ref(jval_path(binding, "metadata.annotations")));
	jval_set(object, "roleRef",
		 jval_pack("{s:s, s:s, s:s}", "apiGroup", RBAC, "kind",
			   "ClusterRole", "name", role));
	jval_set(object, "subjects", subjects);
	return object;
}

/* What somebody changed since it was read is refused (409). */
static int delete_as_read(struct kube *kube, const char *path,
			  const struct jval *object, struct err *err)
{
	autojval struct jval *options =
		jval_pack("{s:s, s:s, s:{s:s?, s:s?}}", "apiVersion", "v1",
			  "kind", "DeleteOptions", "preconditions", "uid",
			  jval_str(object, "metadata.uid"), "resourceVersion",
			  jval_str(object, "metadata.resourceVersion"));

	return kube_call(kube, "DELETE", path, NULL, options, NULL, err);
}

static void copy_field(struct jval *to, const struct jval *from,
		       const char *path)
{
	struct jval *value = jval_path(from, path);

	if (value)
		jval_set_path(to, path, jval_ref(value));
}

/* A binding as it can be made again. */
static struct jval *without_server_fields(const struct jval *binding)
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

/* What a binding refers to cannot be changed: `was` (or NULL) goes and
 * `object` is made. Where that is refused, `was` is made again. */
static int replace(struct kube *kube, const struct jval *was,
		   const struct jval *object, struct jval **made,
		   struct err *err)
{
	autojval struct jval *again = NULL;
	struct err failure = ERR_INIT;

	if (was && delete_as_read(kube, BINDING_PATH, was, err) < 0)
		return -1;
	if (kube_call(kube, "POST", BINDINGS_PATH, NULL, object, made, err) ==
	    0)
		return 0;
	if (was == NULL)
		return -1;
	again = without_server_fields(was);
	if (kube_call(kube, "POST", BINDINGS_PATH, NULL, again, NULL,
		      &failure) < 0)
		err_hint(err,
			 "and '" WLM_BINDING "' as it was, to role '%s', could "
			 "not be made again: %s",
			 jval_str(was, "roleRef.name"), failure.msg);
	return -1;
}

/* No signal in the middle: there must be one of the two. */
static int bind_anew(struct wlm_grant *grant, struct kube *kube,
		     struct jval *binding, struct err *err)
{
	autojval struct jval *object = binding_object(binding, grant->role);
	bool deferred = interrupt_defer(true);
	int result = replace(kube, binding, object, &grant->binding_made, err);

	interrupt_defer(deferred);
	if (result < 0)
		return err_wrap(err, "bind user '" WLM_USER "' to role '%s'",
				grant->role);
	grant->user_added = true;
	grant->binding_was = binding ? jval_ref(binding) : NULL;
	return 0;
}

static int add_subject(struct wlm_grant *grant, struct kube *kube,
		       const struct jval *binding, struct err *err)
{
	bool bound;
	autojval struct jval *subjects = other_subjects(binding, &bound);
	autojval struct jval *wanted = NULL;
	autojval struct jval *body = NULL;

	if (bound)
		return 0;
	wanted = binding_object(binding, "");
	/* With its version: refused where somebody changed it meanwhile. */
	body = jval_pack("{s:{s:s}, s:O}", "metadata", "resourceVersion",
			 jval_str(binding, "metadata.resourceVersion"),
			 "subjects", jval_get(wanted, "subjects"));
	if (kube_call(kube, "PATCH", BINDING_PATH, MERGE_PATCH, body, NULL,
		      err) < 0)
		return -1;
	grant->user_added = true;
	return 0;
}

/* 1 where the binding gives the user its role, 0 where the role is gone. */
static int use_binding(struct wlm_grant *grant, struct kube *kube,
		       const struct jval *binding, struct err *err)
{
	const char *role = jval_str(binding, "roleRef.name");
	bool foreign = false;
	int found = role ? role_stands(kube, role, &foreign, err) : 0;

	if (found < 0)
		return -1;
	if (foreign)
		return err_set(err, ERR_BLOCKED,
			       "ClusterRoleBinding '" WLM_BINDING "' is bound "
			       "to ClusterRole '%s', which has no rule about "
			       "'" DWS_GROUP "'; it was left as it is: give "
			       "its subjects that role by a binding of another "
			       "name, delete this one, then run this again",
			       role);
	if (found == 0)
		return 0;
	grant->role = mem_strdup(role);
	return add_subject(grant, kube, binding, err) < 0 ? -1 : 1;
}

int wlm_grant(struct wlm_grant *grant, struct kube *kube,
	      struct discovery *discovery, const struct catalogue *catalogue,
	      struct err *err)
{
	autojval struct jval *binding = NULL;
	int found = look(kube, BINDING_PATH, &binding, err);
	const struct release *release;

	if (found > 0)
		found = use_binding(grant, kube, binding, err);
	if (found != 0)
		return found < 0 ? -1 : 0;
	release = standing_release(kube, discovery, catalogue, err);
	if (release == NULL || find_role(grant, kube, release, err) < 0)
		return -1;
	return bind_anew(grant, kube, binding, err);
}

/* Without the user it goes, unless it has other subjects. */
static int drop_user(struct kube *kube, const struct jval *binding,
		     const struct jval *others, bool forget, struct err *err)
{
	autojval struct jval *body = NULL;

	if (jval_len(others) == 0)
		return delete_as_read(kube, BINDING_PATH, binding, err);
	body = jval_pack("{s:{s:s}, s:O}", "metadata", "resourceVersion",
			 jval_str(binding, "metadata.resourceVersion"),
			 "subjects", others);
	if (forget)
		jval_set_path(body, "metadata.annotations",
			      jval_pack("{s:n, s:n}", UNTIL, LATEST));
	return kube_call(kube, "PATCH", BINDING_PATH, MERGE_PATCH, body, NULL,
			 err);
}

static int take_user_back(const struct wlm_grant *grant, struct kube *kube,
			  struct err *err)
{
	autojval struct jval *binding = NULL;
	autojval struct jval *others = NULL;
	bool bound;
	int found;

	if (grant->binding_was) {
		others = without_server_fields(grant->binding_was);
		return replace(kube, grant->binding_made, others, NULL, err);
	}
	found = look(kube, BINDING_PATH, &binding, err);
	if (found <= 0)
		return found;
	others = other_subjects(binding, &bound);
	return bound ? drop_user(kube, binding, others, false, err) : 0;
}

int wlm_take_back(const struct wlm_grant *grant, struct kube *kube,
		  struct err *err)
{
	autofree char *path = mem_printf(
		ROLES_PATH "/%s",
		grant->role_made ? object_name(grant->role_made) : "");

	if (grant->user_added && take_user_back(grant, kube, err) < 0)
		return -1;
	return grant->role_made ?
		       delete_as_read(kube, path, grant->role_made, err) :
		       0;
}

void wlm_grant_release(struct wlm_grant *grant)
{
	free(grant->role);
	jval_free(grant->role_made);
	jval_free(grant->binding_made);
	jval_free(grant->binding_was);
	memset(grant, 0, sizeof(*grant));
}

/* 0 where it says nothing that can be read. */
static time_t noted(const struct jval *binding, const char *annotation)
{
	const char *text = jval_string(jval_get(
		jval_path(binding, "metadata.annotations"), annotation));
	struct err err = ERR_INIT;
	time_t when;

	return text && clock_parse_rfc3339(text, &when, &err) == 0 ? when : 0;
}

int wlm_note(struct kube *kube, time_t until, struct err *err)
{
	autojval struct jval *binding = kube_get(kube, BINDING_PATH, err);
	autojval struct jval *body = NULL;
	char now[CLOCK_RFC3339_SIZE], latest[CLOCK_RFC3339_SIZE];
	time_t before = noted(binding, LATEST);

	if (binding == NULL)
		return -1;
	clock_rfc3339(now, sizeof(now), until);
	clock_rfc3339(latest, sizeof(latest), before > until ? before : until);
	body = jval_pack("{s:{s:{s:s, s:s}}}", "metadata", "annotations", UNTIL,
			 now, LATEST, latest);
	if (kube_call(kube, "PATCH", BINDING_PATH, MERGE_PATCH, body, NULL,
		      err) < 0)
		return err_wrap(err, "note in the cluster when it expires");
	return 0;
}

int wlm_revoke(struct wlm_revoked *revoked, struct kube *kube, struct err *err)
{
	autojval struct jval *binding = NULL;
	autojval struct jval *others = NULL;
	int found = look(kube, BINDING_PATH, &binding, err);

	*revoked = (struct wlm_revoked){ .found = false };
	if (found <= 0)
		return found;
	others = other_subjects(binding, &revoked->found);
	revoked->others = jval_len(others) > 0;
	revoked->until = noted(binding, LATEST);
	if (!revoked->found)
		return 0;
	return drop_user(kube, binding, others, true, err);
}

struct jval *wlm_value(struct kube *kube)
{
	struct err err = ERR_INIT;
	autojval struct jval *binding = NULL;
	autojval struct jval *others = NULL;
	struct jval *value;
	bool bound = false, foreign = false;
	int found = look(kube, BINDING_PATH, &binding, &err);
	const char *role = jval_str(binding, "roleRef.name");
	time_t until = noted(binding, UNTIL);
	char when[CLOCK_RFC3339_SIZE];

	others = other_subjects(binding, &bound);
	if (found >= 0 && (!bound || role == NULL))
		return jval_new_null();
	if (found > 0)
		found = role_stands(kube, role, &foreign, &err);
	if (found < 0)
		return jval_pack("{s:o}", "error", jval_new_str(err.msg));
	value = jval_pack("{s:s, s:s, s:b, s:n, s:n}", "user", WLM_USER, "role",
			  role, "roleFound", found > 0, "until", "daysLeft");
	if (until == 0)
		return value;
	clock_rfc3339(when, sizeof(when), until);
	jval_set_str(value, "until", when);
	jval_set(value, "daysLeft",
		 jval_new_int((int64_t)(until - clock_wall()) / DAY_S));
	return value;
}
