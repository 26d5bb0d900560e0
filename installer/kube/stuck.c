#include "kube/stuck.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "kube/doom.h"
#include "kube/inquest.h"
#include "kube/object.h"

/* Why it waits in a back-off, or NULL. */
static const char *back_off(const struct jval *pod)
{
	static const char *const reasons[] = {
		"ErrImagePull",
		"ImagePullBackOff",
		"CrashLoopBackOff",
	};
	struct doom doom;

	doom_of_pod(&doom, pod);
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (str_eq(doom.reason, reasons[i]))
			return reasons[i];
	return NULL;
}

static bool any_stuck(const struct jval *pods)
{
	for (void *it = jval_first(pods); it; it = jval_next(pods, it))
		if (back_off(jval_member_value(it)))
			return true;
	return false;
}

/* The uid of what controls `object`, or NULL. */
static const char *controller(const struct jval *object)
{
	const struct jval *list = jval_path(object, "metadata.ownerReferences");

	for (size_t i = 0; i < jval_len(list); i++)
		if (jval_bool(jval_at(list, i), "controller", false))
			return jval_str(jval_at(list, i), "uid");
	return NULL;
}

/* Whether `pod` is of one of `sets` that is the deployment's. */
static bool belongs(const struct jval *pod, const struct jval *sets,
		    const char *deployment_uid)
{
	const char *owner = controller(pod);

	for (size_t i = 0; owner && i < jval_len(sets); i++) {
		const struct jval *set = jval_at(sets, i);

		if (str_eq(jval_str(set, "metadata.uid"), owner))
			return str_eq(controller(set), deployment_uid);
	}
	return false;
}

static bool delete_pod(struct kube *kube, const struct jval *pod)
{
	autofree char *path = mem_printf("/api/v1/namespaces/%s/pods/%s",
					 object_namespace(pod),
					 object_name(pod));
	autojval struct jval *options =
		jval_pack("{s:s, s:s, s:{s:s?}}", "apiVersion", "v1", "kind",
			  "DeleteOptions", "preconditions", "uid",
			  jval_str(pod, "metadata.uid"));
	struct err failure = ERR_INIT;

	if (kube_call(kube, "DELETE", path, NULL, options, NULL, &failure) ==
	    0) {
		log_verbose(
			"pod '%s' in namespace '%s' was in %s since before: deleted, so that it is tried anew",
			object_name(pod), object_namespace(pod), back_off(pod));
		return true;
	}
	log_verbose("%s", failure.msg);
	return false;
}

unsigned int stuck_retry(struct kube *kube, const struct jval *deployment,
			 const struct jval *pods)
{
	autofree char *query = inquest_pod_query(deployment);
	const char *uid = jval_str(deployment, "metadata.uid");
	autofree char *path = NULL;
	autojval struct jval *sets = NULL;
	struct err unused = ERR_INIT;
	unsigned int nr = 0;

	if (strcmp(object_kind(deployment), "Deployment") != 0 || !uid ||
	    !any_stuck(pods))
		return 0;
	path = mem_printf("/apis/apps/v1/namespaces/%s/replicasets",
			  object_namespace(deployment));
	sets = kube_list_all(kube, path, query, &unused);
	for (void *it = jval_first(pods); it; it = jval_next(pods, it)) {
		const struct jval *pod = jval_member_value(it);

		if (back_off(pod) && belongs(pod, sets, uid))
			nr += delete_pod(kube, pod);
	}
	return nr;
}
