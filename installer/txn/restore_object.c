#include "txn/restore_object.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "kube/apply.h"
#include "kube/object.h"
#include "txn/custom.h"

/* What somebody else writes at the same time. */
#define TRIES 5
/* One that Kubernetes is about to collect: how long that may take. */
#define COLLECT_MS 60000
#define COLLECT_PAUSE_MS 50

static bool is_empty(const struct jval *value)
{
	return value == NULL || jval_is_null(value) ||
	       (jval_is_object(value) && jval_len(value) == 0);
}

static bool has_status_subresource(const struct jval *crd)
{
	const char *stored = custom_storage_version(crd);
	const struct jval *versions = jval_path(crd, "spec.versions");

	for (size_t i = 0; i < jval_len(versions); i++) {
		const struct jval *version = jval_at(versions, i);

		if (str_eq(jval_str(version, "name"), stored))
			return jval_path(version, "subresources.status") !=
			       NULL;
	}
	return false;
}

/* Only if nobody changed it since `live` was read: 409 otherwise. */
static int patch_status(struct kube *kube, const char *path,
			const struct jval *live, const struct jval *status,
			struct err *err)
{
	const char *version = jval_str(live, "metadata.resourceVersion");
	autofree char *where = mem_printf("%s/status", path);
	autojval struct jval *patch = jval_pack("{s:{s:s?}, s:O}", "metadata",
						"resourceVersion", version,
						"status", status);

	return kube_call(kube, "PATCH", where, "application/merge-patch+json",
			 patch, NULL, err);
}

/* What we created had none, so whatever a controller wrote into it meanwhile
 * it made up; with what was there already controllers know better. */
static int complete_status(struct kube *kube, const char *path,
			   struct jval **live, const struct jval *status,
			   bool created, struct err *err)
{
	for (unsigned int tries = 1;; tries++) {
		struct err failure = ERR_INIT;

		if (*live == NULL) {
			*live = kube_get(kube, path, err);
			if (*live == NULL)
				return -1;
		}
		if (!created && !is_empty(jval_get(*live, "status")))
			return 0;
		if (patch_status(kube, path, *live, status, &failure) == 0)
			return 0;
		if (!kube_is_conflict(&failure) || tries == TRIES) {
			*err = failure;
			return err_wrap(err, "write its status");
		}
		jval_free(mem_steal(live));
	}
}

/* --- what was detached ------------------------------------------------------ */

static bool has_finalizer(const struct jval *list, const struct jval *wanted)
{
	for (size_t i = 0; i < jval_len(list); i++)
		if (jval_equal(jval_at(list, i), wanted))
			return true;
	return false;
}

/* All of both, or NULL when `live` lacks none of those. */
static struct jval *all_finalizers(const struct jval *live,
				   const struct jval *saved)
{
	const struct jval *here = jval_path(live, "metadata.finalizers");
	const struct jval *there = jval_path(saved, "metadata.finalizers");
	autojval struct jval *all = here ? jval_copy(here) : jval_new_array();
	size_t nr = jval_len(all);

	for (size_t i = 0; i < jval_len(there); i++)
		if (!has_finalizer(all, jval_at(there, i)))
			jval_append(all, jval_ref(jval_at(there, i)));
	return jval_len(all) > nr ? mem_steal(&all) : NULL;
}

static int patch_finalizers(struct kube *kube, const char *path,
			    const struct jval *live,
			    const struct jval *finalizers, struct err *err)
{
	autojval struct jval *patch =
		jval_pack("{s:{s:s?, s:O}}", "metadata", "resourceVersion",
			  jval_str(live, "metadata.resourceVersion"),
			  "finalizers", finalizers);

	return kube_call(kube, "PATCH", path, "application/merge-patch+json",
			 patch, NULL, err);
}

/* The same one as was saved, which still stands, with what was taken off. */
static int attach(struct kube *kube, const char *path, const struct jval *saved,
		  struct jval **live, struct err *err)
{
	for (unsigned int tries = 1;; tries++) {
		struct err failure = ERR_INIT;
		autojval struct jval *all = all_finalizers(*live, saved);

		if (all == NULL ||
		    jval_path(*live, "metadata.deletionTimestamp") ||
		    !str_eq(jval_str(*live, "metadata.uid"),
			    jval_str(saved, "metadata.uid")))
			return 0;
		if (patch_finalizers(kube, path, *live, all, &failure) == 0) {
			jval_free(mem_steal(live));
			return 0;
		}
		if (!kube_is_conflict(&failure) || tries == TRIES) {
			*err = failure;
			return err_wrap(err, "put its finalizers back");
		}
		jval_free(mem_steal(live));
		*live = kube_get(kube, path, err);
		if (*live == NULL)
			return -1;
	}
}

/* Whether an earlier run of ours made it, and not somebody else since. */
static bool is_of_ours(const struct jval *live)
{
	const struct jval *list = jval_path(live, "metadata.managedFields");

	for (size_t i = 0; i < jval_len(list); i++) {
		const struct jval *entry = jval_at(list, i);

		if (str_eq(jval_str(entry, "manager"), APPLY_FIELD_MANAGER) &&
		    jval_get(jval_get(entry, "fieldsV1"), "f:spec"))
			return true;
	}
	return false;
}

/* --- creating ---------------------------------------------------------------- */

/* What was about to go when it was saved goes on doing so. */
static int delete_again(struct kube *kube, const char *path, struct err *err)
{
	struct err failure = ERR_INIT;

	if (kube_call(kube, "DELETE", path, NULL, NULL, NULL, &failure) == 0 ||
	    kube_is_not_found(&failure))
		return 0;
	*err = failure;
	return -1;
}

/* Its namespace is not there, or about to go. The message tells it from a
 * kind that is not served, which would be our fault. */
static bool is_homeless(const struct jval *object, const struct err *err)
{
	autofree char *missing = mem_printf(
		"namespaces \"%s\" not found",
		object_namespace(object) ? object_namespace(object) : "");

	return (err->http == 404 && strstr(err->msg, missing)) ||
	       (err->http == 403 &&
		strstr(err->msg, "because it is being terminated"));
}

static enum fate homeless(const struct jval *object)
{
	log_warn("%s '%s' is left out: namespace '%s' does not exist; create "
		 "it, then restore again",
		 object_kind(object), object_name(object),
		 object_namespace(object));
	return FATE_HOMELESS;
}

int restore_create(const struct restoring *self, struct kube *kube,
		   const struct jval *crd, const struct jval *object,
		   struct jval **live, struct err *err)
{
	autofree char *all = custom_path(crd, object_namespace(object), NULL);
	autofree char *path =
		mem_printf("%s%s", all, self->dry_run ? "?dryRun=All" : "");
	struct err failure = ERR_INIT;

	if (kube_call(kube, "POST", path, NULL, object, live, &failure) == 0)
		return FATE_CREATED;
	if (kube_is_conflict(&failure))
		return FATE_EXISTED;
	if (is_homeless(object, &failure))
		return homeless(object);
	*err = failure;
	return -1;
}

/* Whatever holds it: it is about to go. */
static int remove_live(struct kube *kube, const char *path,
		       const struct jval *live, struct err *err)
{
	autojval struct jval *patch =
		jval_pack("{s:{s:n}}", "metadata", "finalizers");
	autojval struct jval *options =
		jval_pack("{s:s, s:s, s:{s:s?}}", "apiVersion", "v1", "kind",
			  "DeleteOptions", "preconditions", "uid",
			  jval_str(live, "metadata.uid"));

	if ((jval_len(jval_path(live, "metadata.finalizers")) == 0 ||
	     kube_call(kube, "PATCH", path, "application/merge-patch+json",
		       patch, NULL, err) == 0) &&
	    kube_call(kube, "DELETE", path, NULL, options, NULL, err) == 0)
		return 0;
	if (!kube_is_not_found(err) && !kube_is_conflict(err))
		return -1;
	err_clear(err);
	return 0;
}

/*
 * What is there already, in a CRD that was not removed, may have had its owner
 * in one that was: Kubernetes collects it, sooner or later, and nothing that is
 * written into it is sure to be seen in time. So it goes at once, and is
 * created anew. 1 when it is gone, 0 when it stays; `*live` is what it is then.
 */
static int replace_doomed(const struct restoring *self, struct kube *kube,
			  const char *path, struct jval **live, struct err *err)
{
	int64_t deadline = deadline_in_ms(COLLECT_MS);

	for (bool removed = false;; removed = true) {
		int held;

		jval_free(mem_steal(live));
		*live = kube_get(kube, path, err);
		if (*live == NULL && !kube_is_not_found(err))
			return -1;
		if (*live == NULL) {
			err_clear(err);
			return 1;
		}
		held = owners_hold(self->owners, kube, *live, err);
		if (held != 0)
			return held < 0 ? -1 : 0;
		if (!removed && remove_live(kube, path, *live, err) < 0)
			return -1;
		if (deadline_left_ms(deadline) == 0)
			return err_set(err, ERR_TIMEOUT,
				       "its owner is gone, and it stays");
		if (clock_sleep(COLLECT_PAUSE_MS, err) < 0)
			return -1;
	}
}

/* A fate, or -1; `*live` is what stands then, or NULL. */
static int bring_object(const struct restoring *self, struct kube *kube,
			const struct jval *crd, const char *path,
			const struct jval *object, struct jval **live,
			struct err *err)
{
	int64_t deadline = deadline_in_ms(COLLECT_MS);

	for (;;) {
		int fate = restore_create(self, kube, crd, object, live, err);
		int gone;

		if (fate != FATE_EXISTED)
			return fate;
		gone = replace_doomed(self, kube, path, live, err);
		if (gone <= 0)
			return gone < 0 ? -1 : FATE_EXISTED;
		if (deadline_left_ms(deadline) == 0)
			return err_set(err, ERR_TIMEOUT,
				       "the server says that it is there, and "
				       "that it is not");
		if (clock_sleep(COLLECT_PAUSE_MS, err) < 0)
			return -1;
	}
}

int restore_put(const struct restoring *self, struct kube *kube,
		const struct jval *crd, const struct jval *saved,
		struct jval *object, struct err *err)
{
	autofree char *path =
		custom_path(crd, object_namespace(object), object_name(object));
	autojval struct jval *status = NULL;
	autojval struct jval *live = NULL;
	bool created, again;
	int fate;

	if (has_status_subresource(crd) && jval_get(object, "status")) {
		status = jval_ref(jval_get(object, "status"));
		jval_del(object, "status");
	}
	fate = bring_object(self, kube, crd, path, object, &live, err);
	if (fate != FATE_CREATED && fate != FATE_EXISTED)
		return fate;
	created = fate == FATE_CREATED;
	/* A kill came between its creation and its deletion. */
	again = created || (self->detached && is_of_ours(live));
	if (!created && self->detached &&
	    attach(kube, path, saved, &live, err) < 0)
		return -1;
	if (!is_empty(status) &&
	    complete_status(kube, path, &live, status, created, err) < 0)
		return -1;
	if (again && jval_str(saved, "metadata.deletionTimestamp") &&
	    delete_again(kube, path, err) < 0)
		return -1;
	return fate;
}
