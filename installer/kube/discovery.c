#include "kube/discovery.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "kube/object.h"

struct discovery {
	pthread_mutex_t lock;
	struct jval *groups;  /* group version -> APIResourceList */
	struct jval *version; /* of the server, or NULL */
	/* What was forgotten, since resources told are borrowed from it. */
	struct jval *forgotten;
};

struct discovery *discovery_new(void)
{
	struct discovery *discovery = mem_alloc(sizeof(*discovery));

	pthread_mutex_init(&discovery->lock, NULL);
	discovery->groups = jval_new_object();
	discovery->forgotten = jval_new_array();
	return discovery;
}

void discovery_free(struct discovery *discovery)
{
	if (discovery == NULL)
		return;
	jval_free(discovery->groups);
	jval_free(discovery->forgotten);
	jval_free(discovery->version);
	pthread_mutex_destroy(&discovery->lock);
	free(discovery);
}

void discovery_forget(struct discovery *discovery)
{
	pthread_mutex_lock(&discovery->lock);
	jval_append(discovery->forgotten, discovery->groups);
	discovery->groups = jval_new_object();
	pthread_mutex_unlock(&discovery->lock);
}

int discovery_version(struct discovery *discovery, struct kube *kube,
		      const char **git_version, int *minor, struct err *err)
{
	const char *text;

	pthread_mutex_lock(&discovery->lock);
	if (discovery->version == NULL)
		discovery->version = kube_get(kube, "/version", err);
	pthread_mutex_unlock(&discovery->lock);
	if (discovery->version == NULL)
		return -1;
	text = jval_str(discovery->version, "gitVersion");
	*git_version = text ? text : "";
	/* Some write "20+". */
	text = jval_str(discovery->version, "minor");
	*minor = text ? (int)strtol(text, NULL, 10) : 0;
	return 0;
}

/* The resources of a group version, borrowed: 1, or 0 when it is not served
 * (asked again each time: it may come). With the lock held. */
static int group_load(struct discovery *discovery, struct kube *kube,
		      const char *api_version, struct jval **list,
		      struct err *err)
{
	struct buf auto_buf path = BUF_INIT(4096);
	const char *slash = strchr(api_version, '/');
	struct err failure = ERR_INIT;

	*list = jval_get(discovery->groups, api_version);
	if (*list)
		return 1;
	buf_addstr(&path, slash ? "/apis/" : "/api/");
	if (slash) {
		autofree char *group =
			mem_strndup(api_version, (size_t)(slash - api_version));

		kube_add_query(&path, NULL, group);
		buf_addch(&path, '/');
	}
	kube_add_query(&path, NULL, slash ? slash + 1 : api_version);
	*list = kube_get(kube, buf_str(&path), &failure);
	if (*list) {
		jval_set(discovery->groups, api_version, *list);
		return 1;
	}
	if (kube_is_not_found(&failure))
		return 0;
	*err = failure;
	return err_wrap(err, "ask what the API server serves of '%s'",
			api_version);
}

static int find_kind(const struct jval *list, const char *kind,
		     struct kube_resource *resource)
{
	const struct jval *resources = jval_get(list, "resources");

	for (size_t i = 0; i < jval_len(resources); i++) {
		const struct jval *item = jval_at(resources, i);
		const char *name = jval_str(item, "name");

		/* "deployments/scale" is a part of one. */
		if (name == NULL || strchr(name, '/') ||
		    !str_eq(jval_str(item, "kind"), kind))
			continue;
		resource->api_version = jval_str(list, "groupVersion");
		resource->kind = jval_str(item, "kind");
		resource->plural = name;
		resource->namespaced = jval_bool(item, "namespaced", false);
		return resource->api_version != NULL;
	}
	return 0;
}

int discovery_find(struct discovery *discovery, struct kube *kube,
		   const char *api_version, const char *kind,
		   struct kube_resource *resource, struct err *err)
{
	struct jval *list;
	int found;

	pthread_mutex_lock(&discovery->lock);
	found = group_load(discovery, kube, api_version, &list, err);
	if (found == 1)
		found = find_kind(list, kind, resource);
	pthread_mutex_unlock(&discovery->lock);
	return found;
}

int discovery_versions(struct discovery *discovery, struct kube *kube,
		       const char *group, struct strs *versions,
		       struct err *err)
{
	struct buf auto_buf path = BUF_INIT(4096);
	autojval struct jval *answer = NULL;
	struct err failure = ERR_INIT;
	const struct jval *list;
	const char *preferred;

	(void)discovery; /* small, and wanted fresh */
	if (str_empty(group)) {
		strs_add(versions, "v1");
		return 0;
	}
	buf_addstr(&path, "/apis/");
	kube_add_query(&path, NULL, group);
	answer = kube_get(kube, buf_str(&path), &failure);
	if (answer == NULL && kube_is_not_found(&failure))
		return 0;
	if (answer == NULL) {
		*err = failure;
		return -1;
	}
	preferred = jval_str(answer, "preferredVersion.version");
	if (preferred)
		strs_add(versions, preferred);
	list = jval_get(answer, "versions");
	for (size_t i = 0; i < jval_len(list); i++) {
		const char *version = jval_str(jval_at(list, i), "version");

		if (version && !str_eq(version, preferred))
			strs_add(versions, version);
	}
	return 0;
}

char *kube_resource_path(const struct kube_resource *resource, const char *ns,
			 const char *name)
{
	struct buf path;

	buf_init(&path, BUF_TEXT_MAX);
	buf_addf(&path, "/%s/%s",
		 strchr(resource->api_version, '/') ? "apis" : "api",
		 resource->api_version);
	if (ns && resource->namespaced) {
		buf_addstr(&path, "/namespaces/");
		kube_add_query(&path, NULL, ns);
	}
	buf_addf(&path, "/%s", resource->plural);
	if (name) {
		buf_addch(&path, '/');
		kube_add_query(&path, NULL, name);
	}
	return buf_steal(&path);
}

char *kube_object_path(struct discovery *discovery, struct kube *kube,
		       const struct jval *object, struct err *err)
{
	struct kube_resource resource;
	const char *ns = object_namespace(object);
	int found = discovery_find(discovery, kube, object_api_version(object),
				   object_kind(object), &resource, err);

	if (found < 0)
		return NULL;
	if (found == 0) {
		err_set(err, ERR_API,
			"the API server does not serve kind '%s' of '%s'",
			object_kind(object), object_api_version(object));
		return NULL;
	}
	if (resource.namespaced && ns == NULL)
		ns = "default";
	return kube_resource_path(&resource, ns, object_name(object));
}
