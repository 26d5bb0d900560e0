#include "kube/crd.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"

#define PAUSE_MS 10
#define PAUSE_MAX_MS 500
/* After that long it is worth asking for the reason. */
#define SLOW_MS 1500

static bool is_crd(const struct jval *object)
{
	return strcmp(object_kind(object), "CustomResourceDefinition") == 0;
}

bool crd_brings(const struct jval *objects, const struct jval *object)
{
	char group[256];

	object_group(object, group, sizeof(group));
	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *crd = jval_at(objects, i);

		if (is_crd(crd) && str_eq(jval_str(crd, "spec.group"), group) &&
		    str_eq(jval_str(crd, "spec.names.kind"),
			   object_kind(object)))
			return true;
	}
	return false;
}

/* Whether discovery shows all of its served versions: 1, 0, -1. */
static int crd_visible(struct kube *kube, struct discovery *discovery,
		       const struct jval *crd, struct err *err)
{
	const char *group = jval_str(crd, "spec.group");
	const char *kind = jval_str(crd, "spec.names.kind");
	const struct jval *versions = jval_path(crd, "spec.versions");

	for (size_t i = 0; group && kind && i < jval_len(versions); i++) {
		const struct jval *version = jval_at(versions, i);
		const char *name = jval_str(version, "name");
		autofree char *api_version = NULL;
		struct kube_resource resource;
		int found;

		if (name == NULL || !jval_bool(version, "served", true))
			continue;
		api_version = mem_printf("%s/%s", group, name);
		found = discovery_find(discovery, kube, api_version, kind,
				       &resource, err);
		if (found != 1)
			return found;
	}
	return 1;
}

/*
 * An API server that died between two conditions of a CRD does not take it up
 * again until the CRD is updated, or for minutes: its establishing controller
 * hears of updates only. So it is updated, and back.
 */
static int crd_nudge(struct kube *kube, const char *path, struct err *err)
{
	static const char *const values[] = { "now", NULL };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		autojval struct jval *patch =
			jval_pack("{s:{s:{s:s?}}}", "metadata", "annotations",
				  "dws-csm.io/nudged", values[i]);

		if (kube_call(kube, "PATCH", path,
			      "application/merge-patch+json", patch, NULL,
			      err) < 0)
			return -1;
	}
	return 0;
}

/* Refused for good, or forgotten? */
static int crd_check(struct kube *kube, struct discovery *discovery,
		     const struct jval *crd, struct err *err)
{
	autofree char *path = kube_object_path(discovery, kube, crd, err);
	autojval struct jval *now = path ? kube_get(kube, path, err) : NULL;
	const struct jval *names = object_condition(now, "NamesAccepted");
	const char *message = jval_str(names, "message");

	if (now == NULL)
		return -1;
	if (str_eq(jval_str(names, "status"), "True") &&
	    str_eq(jval_str(object_condition(now, "Established"), "status"),
		   "False"))
		return crd_nudge(kube, path, err);
	if (!str_eq(jval_str(names, "status"), "False"))
		return 0;
	return err_set(
		err, ERR_FAILED,
		"customresourcedefinition '%s' can never be established: %s",
		object_name(crd), message ? message : "names refused");
}

/* The first CRD that is not visible yet, or NULL. */
static int first_hidden(struct kube *kube, struct discovery *discovery,
			const struct jval *objects, const struct jval **hidden,
			struct err *err)
{
	*hidden = NULL;
	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *crd = jval_at(objects, i);
		int visible;

		if (!is_crd(crd))
			continue;
		visible = crd_visible(kube, discovery, crd, err);
		if (visible < 0)
			return -1;
		if (visible == 0) {
			*hidden = crd;
			return 0;
		}
	}
	return 0;
}

int crd_wait(struct kube *kube, struct discovery *discovery,
	     const struct jval *objects, int64_t timeout_ms, struct err *err)
{
	int64_t deadline = deadline_in_ms(timeout_ms);
	int64_t slow = deadline_in_ms(SLOW_MS);
	const struct jval *hidden;

	for (unsigned int turn = 1;; turn++) {
		discovery_forget(discovery);
		if (first_hidden(kube, discovery, objects, &hidden, err) < 0)
			return -1;
		if (hidden == NULL)
			return 0;
		if (deadline_left_ms(slow) == 0) {
			if (crd_check(kube, discovery, hidden, err) < 0)
				return -1;
			slow = deadline_in_ms(SLOW_MS);
		}
		if (deadline_left_ms(deadline) == 0)
			return err_set(
				err, ERR_TIMEOUT,
				"customresourcedefinition '%s' is not served after %lld seconds",
				object_name(hidden),
				(long long)(timeout_ms / 1000));
		if (clock_sleep(clock_backoff_ms(turn, PAUSE_MS, PAUSE_MAX_MS),
				err) < 0)
			return -1;
	}
}
