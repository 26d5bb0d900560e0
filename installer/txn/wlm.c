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
		     struct err *err)
{
	autojval struct jval *objects = catalogue_objects(release, err);

	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);

		if (!str_eq(object_kind(object), "ClusterRole") ||
		    !str_eq(object_name(object),
			    release->workload_manager_role))
			continue;
		if (kube_call(kube, "POST", ROLES_PATH, NULL, object, NULL,
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
	if (make_role(kube, release, err) < 0)
		return -1;
	grant->role = mem_strdup(names[0]);
	grant->role_made = true;
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

/* What a binding refers to cannot be changed: it is made anew. Nobody loses
 * by that, since what it referred to is not there. */
static int bind_anew(struct kube *kube, const struct jval *binding,
		     const char *role, struct err *err)
{
	autojval struct jval *object = binding_object(binding, role);

	if (binding &&
	    kube_call(kube, "DELETE", BINDING_PATH, NULL, NULL, NULL, err) < 0)
		return -1;
	return kube_call(kube, "POST", BINDINGS_PATH, NULL, object, NULL, err);
}

static int add_subject(struct kube *kube, const struct jval *binding,
		       struct err *err)
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
	return kube_call(kube, "PATCH", BINDING_PATH, MERGE_PATCH, body, NULL,
			 err);
}

int wlm_grant(struct wlm_grant *grant, struct kube *kube,
	      struct discovery *discovery, const struct catalogue *catalogue,
	      struct err *err)
{
	autojval struct jval *binding = NULL;
	int found = look(kube, BINDING_PATH, &binding, err);
	const char *bound_to = jval_str(binding, "roleRef.name");
	const struct release *release;
	bool foreign;

	if (found > 0 && bound_to &&
	    str_eq(jval_str(binding, "roleRef.kind"), "ClusterRole")) {
		found = role_stands(kube, bound_to, &foreign, err);
		if (found > 0) {
			grant->role = mem_strdup(bound_to);
			return add_subject(kube, binding, err);
		}
	}
	if (found < 0)
		return -1;
	release = standing_release(kube, discovery, catalogue, err);
	if (release == NULL || find_role(grant, kube, release, err) < 0)
		return -1;
	grant->binding_made = binding == NULL;
	if (bind_anew(kube, binding, grant->role, err) < 0)
		return err_wrap(err, "bind user '" WLM_USER "' to role '%s'",
				grant->role);
	return 0;
}

void wlm_grant_release(struct wlm_grant *grant)
{
	free(grant->role);
	grant->role = NULL;
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
	autojval struct jval *body = NULL;
	int found = look(kube, BINDING_PATH, &binding, err);

	*revoked = (struct wlm_revoked){ .found = false };
	if (found <= 0)
		return found;
	others = other_subjects(binding, &revoked->found);
	revoked->others = jval_len(others) > 0;
	revoked->until = noted(binding, LATEST);
	if (!revoked->found)
		return 0;
	if (!revoked->others)
		return kube_call(kube, "DELETE", BINDING_PATH, NULL, NULL, NULL,
				 err);
	body = jval_pack("{s:{s:s, s:{s:n, s:n}}, s:O}", "metadata",
			 "resourceVersion",
			 jval_str(binding, "metadata.resourceVersion"),
			 "annotations", UNTIL, LATEST, "subjects", others);
	return kube_call(kube, "PATCH", BINDING_PATH, MERGE_PATCH, body, NULL,
			 err);
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
