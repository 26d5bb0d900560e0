#include "txn/wlm.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "kube/object.h"
#include "txn/names.h"
#include "txn/survey.h"

#define UNTIL "dws-csm.io/credential-until"
#define LATEST "dws-csm.io/credential-latest"
#define MERGE_PATCH "application/merge-patch+json"
#define DAY_S 86400

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

/* The role of the release; another release's that stands; one that is made. */
static int find_role(struct wlm_grant *grant, struct kube *kube,
		     const struct release *release, struct err *err)
{
	const char *name = release->workload_manager_role;
	bool foreign = false, wanted_is_foreign = false;

	for (size_t i = 0; name; name = wlm_role_name(i++)) {
		int found = wlm_role_stands(kube, name, &foreign, err);

		if (found < 0)
			return -1;
		wanted_is_foreign |= i == 0 && foreign;
		if (found > 0) {
			grant->role = mem_strdup(name);
			return 0;
		}
	}
	if (wanted_is_foreign)
		return err_set(err, ERR_BLOCKED,
			       "ClusterRole '%s' is somebody else's: it has no "
			       "rule about '" DWS_GROUP "'; rename that one, "
			       "then run this again",
			       release->workload_manager_role);
	if (wlm_role_make(kube, release, &grant->role_made, err) < 0)
		return -1;
	grant->role = mem_strdup(release->workload_manager_role);
	return 0;
}

/* With the user among its subjects; `binding` is what stood, or NULL. */
static struct jval *binding_object(const struct jval *binding, const char *role)
{
	bool bound;
	struct jval *subjects = wlm_binding_others(binding, &bound);
	struct jval *object = wlm_binding_to(binding, role);

	jval_append(subjects, wlm_binding_user());
	jval_set(object, "subjects", subjects);
	if (!jval_path(object, "metadata.labels"))
		jval_set(jval_path(object, "metadata"), "labels",
			 jval_new_object());
	jval_set(jval_path(object, "metadata.labels"),
		 "app.kubernetes.io/managed-by", jval_new_str("dws-csm"));
	return object;
}

static int bind_anew(struct wlm_grant *grant, struct kube *kube,
		     struct jval *binding, struct err *err)
{
	autojval struct jval *object = binding_object(binding, grant->role);

	if (wlm_binding_replace(kube, binding, object, &grant->binding_made,
				err) < 0)
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
	autojval struct jval *subjects = wlm_binding_others(binding, &bound);
	autojval struct jval *wanted = NULL;
	autojval struct jval *body = NULL;

	if (bound)
		return 0;
	wanted = binding_object(binding, "");
	/* With its version: refused where somebody changed it meanwhile. */
	body = jval_pack("{s:{s:s}, s:O}", "metadata", "resourceVersion",
			 jval_str(binding, "metadata.resourceVersion"),
			 "subjects", jval_get(wanted, "subjects"));
	if (kube_call(kube, "PATCH", WLM_BINDING_PATH, MERGE_PATCH, body, NULL,
		      err) < 0)
		return -1;
	grant->user_added = true;
	return 0;
}

/* 1 where the role of the binding is there, 0 where it is gone. */
static int binding_works(const struct jval *binding, struct kube *kube,
			 struct err *err)
{
	const char *role = jval_str(binding, "roleRef.name");
	bool foreign = false;
	int found = role ? wlm_role_stands(kube, role, &foreign, err) : 0;

	if (found < 0 || !foreign)
		return found;
	return err_set(err, ERR_BLOCKED,
		       "ClusterRoleBinding '" WLM_BINDING "' is bound to "
		       "ClusterRole '%s', which has no rule about '" DWS_GROUP
		       "'; it was left as it is: give its subjects that role "
		       "by a binding of another name, delete this one, then "
		       "run this again",
		       role);
}

static int use_binding(struct wlm_grant *grant, struct kube *kube,
		       const struct jval *binding, struct err *err)
{
	int works = binding_works(binding, kube, err);

	if (works <= 0)
		return works;
	grant->role = mem_strdup(jval_str(binding, "roleRef.name"));
	return add_subject(grant, kube, binding, err) < 0 ? -1 : 1;
}

int wlm_may_grant(bool *bound, struct kube *kube, struct err *err)
{
	autojval struct jval *binding = NULL;
	autojval struct jval *others = NULL;
	int found = wlm_binding_look(&binding, kube, err);

	others = wlm_binding_others(binding, bound);
	return found < 0 || (found > 0 &&
			     binding_works(binding, kube, err) < 0) ?
		       -1 :
		       0;
}

int wlm_grant(struct wlm_grant *grant, struct kube *kube,
	      struct discovery *discovery, const struct catalogue *catalogue,
	      struct err *err)
{
	autojval struct jval *binding = NULL;
	int found = wlm_binding_mend(&binding, kube, err);
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
		return wlm_delete_as_read(kube, WLM_BINDING_PATH, binding, err);
	body = jval_pack("{s:{s:s}, s:O}", "metadata", "resourceVersion",
			 jval_str(binding, "metadata.resourceVersion"),
			 "subjects", others);
	if (forget)
		jval_set_path(body, "metadata.annotations",
			      jval_pack("{s:n, s:n}", UNTIL, LATEST));
	return kube_call(kube, "PATCH", WLM_BINDING_PATH, MERGE_PATCH, body,
			 NULL, err);
}

static int take_user_back(const struct wlm_grant *grant, struct kube *kube,
			  struct err *err)
{
	autojval struct jval *binding = NULL;
	autojval struct jval *others = NULL;
	bool bound;
	int found;

	if (grant->binding_was) {
		others = wlm_binding_copy(grant->binding_was);
		return wlm_binding_replace(kube, grant->binding_made, others,
					   NULL, err);
	}
	found = wlm_binding_mend(&binding, kube, err);
	if (found <= 0)
		return found;
	others = wlm_binding_others(binding, &bound);
	return bound ? drop_user(kube, binding, others, false, err) : 0;
}

int wlm_take_back(const struct wlm_grant *grant, struct kube *kube,
		  struct err *err)
{
	autofree char *path = mem_printf(
		WLM_ROLES_PATH "/%s",
		grant->role_made ? object_name(grant->role_made) : "");

	if (grant->user_added && take_user_back(grant, kube, err) < 0)
		return -1;
	return grant->role_made ?
		       wlm_delete_as_read(kube, path, grant->role_made, err) :
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
	autojval struct jval *binding = kube_get(kube, WLM_BINDING_PATH, err);
	autojval struct jval *body = NULL;
	char now[CLOCK_RFC3339_SIZE], latest[CLOCK_RFC3339_SIZE];
	time_t before = noted(binding, LATEST);

	if (binding == NULL)
		return -1;
	clock_rfc3339(now, sizeof(now), until);
	clock_rfc3339(latest, sizeof(latest), before > until ? before : until);
	body = jval_pack("{s:{s:{s:s, s:s}}}", "metadata", "annotations", UNTIL,
			 now, LATEST, latest);
	if (kube_call(kube, "PATCH", WLM_BINDING_PATH, MERGE_PATCH, body, NULL,
		      err) < 0)
		return err_wrap(err, "note in the cluster when it expires");
	return 0;
}

int wlm_revoke(struct wlm_revoked *revoked, struct kube *kube, struct err *err)
{
	autojval struct jval *binding = NULL;
	autojval struct jval *others = NULL;
	int found = wlm_binding_mend(&binding, kube, err);

	*revoked = (struct wlm_revoked){ .found = false };
	if (found <= 0)
		return found;
	others = wlm_binding_others(binding, &revoked->found);
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
	int found = wlm_binding_look(&binding, kube, &err);
	const char *role = jval_str(binding, "roleRef.name");
	time_t until = noted(binding, UNTIL);
	char when[CLOCK_RFC3339_SIZE];

	others = wlm_binding_others(binding, &bound);
	if (found >= 0 && (!bound || role == NULL))
		return jval_new_null();
	if (found > 0)
		found = wlm_role_stands(kube, role, &foreign, &err);
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
