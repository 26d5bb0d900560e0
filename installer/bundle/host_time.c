#include "bundle/host_time.h"

#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"

static bool is_host_time(const struct jval *volume)
{
	static const char *const places[] = { "/etc/localtime", "/etc/timezone",
					      "/usr/share/zoneinfo" };
	const char *path = jval_str(volume, "hostPath.path");

	for (size_t i = 0; path && i < ARRAY_SIZE(places); i++) {
		const char *rest = str_after(path, places[i]);

		if (rest && (*rest == '\0' || *rest == '/'))
			return true;
	}
	return false;
}

static struct jval *pod_spec(const struct jval *object)
{
	if (!str_eq(object_kind(object), "Deployment"))
		return NULL;
	return jval_path(object, "spec.template.spec");
}

bool host_time_mounted(const struct jval *object)
{
	const struct jval *volumes = jval_get(pod_spec(object), "volumes");

	for (size_t i = 0; i < jval_len(volumes); i++)
		if (is_host_time(jval_at(volumes, i)))
			return true;
	return false;
}

/* Nothing is left behind where nothing else was there: what the API server
 * would be told is what a release without them says. */
static void drop_if_empty(struct jval *object, const char *name)
{
	if (jval_len(jval_get(object, name)) == 0)
		jval_del(object, name);
}

static void unmount(struct jval *containers, const char *volume)
{
	for (size_t i = 0; i < jval_len(containers); i++) {
		struct jval *container = jval_at(containers, i);
		struct jval *mounts = jval_get(container, "volumeMounts");

		for (size_t k = jval_len(mounts); k > 0; k--)
			if (str_eq(jval_str(jval_at(mounts, k - 1), "name"),
				   volume))
				jval_remove_at(mounts, k - 1);
		if (mounts)
			drop_if_empty(container, "volumeMounts");
	}
}

void host_time_strip(struct jval *object)
{
	struct jval *spec = pod_spec(object);
	struct jval *volumes = jval_get(spec, "volumes");

	for (size_t i = jval_len(volumes); i > 0; i--) {
		const struct jval *volume = jval_at(volumes, i - 1);
		const char *name = jval_str(volume, "name");

		if (!is_host_time(volume))
			continue;
		unmount(jval_get(spec, "containers"), name);
		unmount(jval_get(spec, "initContainers"), name);
		jval_remove_at(volumes, i - 1);
	}
	if (volumes)
		drop_if_empty(spec, "volumes");
}

void host_time_strip_all(struct jval *objects)
{
	for (size_t i = 0; i < jval_len(objects); i++)
		host_time_strip(jval_at(objects, i));
}
