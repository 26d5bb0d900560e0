#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/strs.h"
#include "kube/apply.h"
#include "kube/object.h"
#include "kube/watch.h"

/* A watch may have missed the end; then it is seen by a look each so often. */
#define LOOK_AGAIN_MS 10000

static bool owns_others(const struct jval *object)
{
	static const char *const kinds[] = { "Deployment", "ReplicaSet",
					     "StatefulSet", "DaemonSet",
					     "Job" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(object_kind(object), kinds[i]) == 0)
			return true;
	return false;
}

/* Its resource: 1, or 0 when the kind is not served, and so nothing is. */
static int find_resource(struct kube *kube, struct discovery *discovery,
			 const struct jval *object,
			 struct kube_resource *resource, struct err *err)
{
	return discovery_find(discovery, kube, object_api_version(object),
			      object_kind(object), resource, err);
}

static const char *namespace_of(const struct kube_resource *resource,
				const struct jval *object)
{
	const char *ns = object_namespace(object);

	return resource->namespaced && ns == NULL ? "default" : ns;
}

int delete_object(struct kube *kube, struct discovery *discovery,
		  const struct jval *object, struct err *err)
{
	autojval struct jval *options = jval_new_object();
	autojval struct jval *answer = NULL;
	struct err failure = ERR_INIT;
	struct kube_resource resource;
	autofree char *path = NULL;
	int found = find_resource(kube, discovery, object, &resource, err);

	if (found != 1)
		return found;
	path = kube_resource_path(&resource, namespace_of(&resource, object),
				  object_name(object));
	jval_set_str(options, "kind", "DeleteOptions");
	jval_set_str(options, "apiVersion", "v1");
	jval_set_str(options, "propagationPolicy",
		     owns_others(object) ? "Foreground" : "Background");
	/* A Status instead of the object: nothing holds it, it has gone. */
	if (kube_call(kube, "DELETE", path, NULL, options, &answer, &failure) ==
	    0)
		return str_eq(jval_str(answer, "kind"), "Status") ? 2 : 1;
	if (kube_is_not_found(&failure))
		return 0;
	*err = failure;
	return -1;
}

/* The object as it is now, metadata only; NULL in `now` when it is gone. */
static int look(struct kube *kube, struct discovery *discovery,
		const struct jval *object, struct jval **now, struct err *err)
{
	struct err failure = ERR_INIT;
	struct kube_resource resource;
	autofree char *path = NULL;
	struct kube_request request = { .form = KUBE_METADATA };
	int found = find_resource(kube, discovery, object, &resource, err);

	*now = NULL;
	if (found != 1)
		return found;
	path = kube_resource_path(&resource, namespace_of(&resource, object),
				  object_name(object));
	request.path = path;
	if (kube_request(kube, &request, now, &failure) >= 0 ||
	    kube_is_not_found(&failure))
		return 0;
	*err = failure;
	return -1;
}

/* Whether an event tells that the object of this uid is no more. */
static bool tells_gone(const char *type, const struct jval *object,
		       const char *uid)
{
	bool same = str_eq(jval_str(object, "metadata.uid"), uid);

	return strcmp(type, "DELETED") == 0 ? same : !same;
}

/* Watch one that is there: 1 gone, 0 when the time is over. A list without
 * it says so as well. */
static int watch_gone(struct kube *kube, struct discovery *discovery,
		      const struct jval *object, const char *uid,
		      int64_t deadline, struct err *err)
{
	struct buf auto_buf query = BUF_INIT(BUF_TEXT_MAX);
	struct kube_resource resource;
	autofree char *path = NULL;
	struct watch *watch;
	bool seen = false;
	int result = find_resource(kube, discovery, object, &resource, err);

	if (result != 1)
		return result < 0 ? -1 : 1;
	path = kube_resource_path(&resource, namespace_of(&resource, object),
				  NULL);
	buf_addstr(&query, "fieldSelector=");
	kube_add_query(&query, NULL, "metadata.name=");
	kube_add_query(&query, NULL, object_name(object));
	watch = watch_new(kube, path, buf_str(&query));
	do {
		autojval struct jval *now = NULL;
		const char *type;

		result = watch_next(watch, deadline_left_ms(deadline), &type,
				    &now, err);
		if (result != 1)
			break;
		if (strcmp(type, "SYNCED") == 0) {
			result = !seen;
			seen = false;
		} else {
			result = tells_gone(type, now, uid);
			seen = true;
		}
	} while (result == 0);
	watch_free(watch);
	/* Its collection went away with it: a CRD. */
	if (result < 0 && kube_is_not_found(err)) {
		err_clear(err);
		return 1;
	}
	return result;
}

static int wait_one_gone(struct kube *kube, struct discovery *discovery,
			 const struct jval *object, int64_t deadline,
			 struct err *err)
{
	const char *given = jval_str(object, "metadata.uid");

	for (;;) {
		autojval struct jval *now = NULL;
		int64_t turn = deadline_in_ms(LOOK_AGAIN_MS);
		const char *uid;
		int gone;

		if (look(kube, discovery, object, &now, err) < 0)
			return -1;
		uid = jval_str(now, "metadata.uid");
		if (now == NULL || (given && !str_eq(given, uid)))
			return 1;
		if (deadline_left_ms(deadline) == 0)
			return 0;
		gone = watch_gone(kube, discovery, object, uid,
				  turn < deadline ? turn : deadline, err);
		if (gone != 0)
			return gone;
	}
}

static void add_finalizers(struct buf *out, const struct jval *object)
{
	const struct jval *list = jval_path(object, "metadata.finalizers");

	for (size_t i = 0; i < jval_len(list); i++) {
		const char *text = jval_string(jval_at(list, i));

		buf_addf(out, "%s%s",
			 i ? ", " : " (finalizers: ", text ? text : "");
	}
	if (jval_len(list) > 0)
		buf_addch(out, ')');
}

/* What is left when the time is over. */
static int tell_remaining(struct kube *kube, struct discovery *discovery,
			  const struct jval *objects, int64_t timeout_ms,
			  struct err *err)
{
	struct buf auto_buf list = BUF_INIT(BUF_TEXT_MAX);

	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);
		const char *given = jval_str(object, "metadata.uid");
		autofree char *label = object_label(object);
		autojval struct jval *now = NULL;
		const char *uid;

		if (look(kube, discovery, object, &now, err) < 0)
			return -1;
		uid = jval_str(now, "metadata.uid");
		if (now == NULL || (given && !str_eq(given, uid)))
			continue;
		buf_addf(&list, "%s%s", list.len ? ", " : "", label);
		if (object_namespace(object))
			buf_addf(&list, " in namespace '%s'",
				 object_namespace(object));
		add_finalizers(&list, now);
	}
	if (list.len == 0)
		return 0;
	return err_set(err, ERR_TIMEOUT, "not gone after %lld seconds: %s",
		       (long long)(timeout_ms / 1000), buf_str(&list));
}

int wait_gone(struct kube *kube, struct discovery *discovery,
	      const struct jval *objects, int64_t timeout_ms,
	      struct progress *progress, struct err *err)
{
	int64_t deadline = deadline_in_ms(timeout_ms);

	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);
		autofree char *label = object_label(object);
		struct progress_item *item =
			progress_add(progress, PROGRESS_STEPS, 1, "%s", label);
		int gone;

		progress_note(item, "waiting until it is gone");
		gone = wait_one_gone(kube, discovery, object, deadline, err);
		progress_end(item, gone == 1 ? PROGRESS_DONE : PROGRESS_FAILED,
			     gone == 1 ? "gone" : NULL);
		if (gone < 0)
			return -1;
		if (gone == 0 && tell_remaining(kube, discovery, objects,
						timeout_ms, err) < 0)
			return -1;
	}
	return 0;
}
