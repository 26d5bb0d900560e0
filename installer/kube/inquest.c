#include "kube/inquest.h"

#include <string.h>

#include "base/mem.h"
#include "base/strs.h"
#include "kube/object.h"

#define LOG_LINES 5
#define LOG_MAX_BYTES ((size_t)64 << 10)
#define REVISION "deployment.kubernetes.io/revision"
#define TEMPLATE_HASH "pod-template-hash"

char *inquest_pod_query(const struct jval *owner)
{
	const struct jval *labels =
		jval_path(owner, "spec.selector.matchLabels");
	struct buf query;

	if (jval_len(labels) == 0)
		return NULL;
	buf_init(&query, BUF_TEXT_MAX);
	buf_addstr(&query, "labelSelector=");
	for (void *it = jval_first(labels); it; it = jval_next(labels, it)) {
		const char *value = jval_string(jval_member_value(it));

		if (query.len > strlen("labelSelector="))
			buf_addstr(&query, "%2C");
		kube_add_query(&query, NULL, jval_member_name(it));
		buf_addstr(&query, "%3D");
		kube_add_query(&query, NULL, value ? value : "");
	}
	return buf_steal(&query);
}

static const char *revision(const struct jval *object)
{
	return jval_string(
		jval_get(jval_path(object, "metadata.annotations"), REVISION));
}

static const char *template_hash(const struct jval *object)
{
	return jval_string(
		jval_get(jval_path(object, "metadata.labels"), TEMPLATE_HASH));
}

bool inquest_is_current(struct kube *kube, const struct jval *deployment,
			const struct jval *pod)
{
	const char *wanted = revision(deployment);
	autofree char *query = inquest_pod_query(deployment);
	autofree char *path = NULL;
	autojval struct jval *sets = NULL;
	struct err unused = ERR_INIT;

	if (strcmp(object_kind(deployment), "Deployment") != 0 || !wanted)
		return true;
	path = mem_printf("/apis/apps/v1/namespaces/%s/replicasets",
			  object_namespace(deployment));
	sets = kube_list_all(kube, path, query, &unused);
	for (size_t i = 0; i < jval_len(sets); i++) {
		const struct jval *set = jval_at(sets, i);

		if (str_eq(revision(set), wanted))
			return str_eq(template_hash(set), template_hash(pod));
	}
	return true;
}

struct jval *inquest_events(struct kube *kube, const struct jval *object)
{
	autofree char *path = mem_printf("/api/v1/namespaces/%s/events",
					 object_namespace(object));
	struct buf auto_buf query = BUF_INIT(BUF_TEXT_MAX);
	struct err unused = ERR_INIT;

	buf_addstr(&query, "fieldSelector=");
	kube_add_query(&query, NULL, "involvedObject.name=");
	kube_add_query(&query, NULL, object_name(object));
	return kube_list_all(kube, path, buf_str(&query), &unused);
}

static void add_log(struct kube *kube, struct buf *out, const struct jval *pod,
		    const char *container, bool previous)
{
	struct err unused = ERR_INIT;
	autofree char *path = mem_printf(
		"/api/v1/namespaces/%s/pods/%s/log?container=%s&tailLines=%d%s",
		object_namespace(pod), object_name(pod), container, LOG_LINES,
		previous ? "&previous=true" : "");
	autofree char *text = kube_get_text(kube, path, LOG_MAX_BYTES, &unused);
	struct strs auto_strs lines = STRS_INIT;
	autofree char *joined = NULL;

	strs_split(&lines, text ? text : "", '\n');
	if (lines.nr == 0)
		return;
	joined = strs_join(&lines, " | ");
	for (char *c = joined; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	buf_addf(out, "; last log: %s", joined);
}

void inquest_doom(struct kube *kube, struct buf *out, const struct doom *doom,
		  const struct jval *object)
{
	autojval struct jval *events = NULL;
	const char *message = NULL;

	if (doom->kind == DOOM_PULL || doom->kind == DOOM_CONFIG) {
		events = inquest_events(kube, object);
		message = doom_event(events);
	}
	if (message == NULL && doom->kind != DOOM_CRASH)
		message = doom->message;
	if (!str_empty(message))
		buf_addf(out, ": %s", message);
	if (doom->kind == DOOM_CRASH && doom->container)
		add_log(kube, out, object, doom->container, true);
}

/* The first container that runs and is not ready. */
static const char *unready_container(const struct jval *pod)
{
	const struct jval *list = jval_path(pod, "status.containerStatuses");

	for (size_t i = 0; i < jval_len(list); i++) {
		const struct jval *status = jval_at(list, i);

		if (!jval_bool(status, "ready", false) &&
		    jval_path(status, "state.running"))
			return jval_str(status, "name");
	}
	return NULL;
}

void inquest_unready(struct kube *kube, struct buf *out, const struct jval *pod)
{
	autojval struct jval *events = inquest_events(kube, pod);
	const char *message = doom_event(events);
	const char *phase = jval_str(pod, "status.phase");
	const char *container = unready_container(pod);

	buf_addf(out, "; pod '%s' is not ready (%s)", object_name(pod),
		 phase ? phase : "no phase");
	if (message)
		buf_addf(out, ": %s", message);
	if (container)
		add_log(kube, out, pod, container, false);
}
