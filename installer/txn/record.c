#include "txn/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "base/version.h"
#include "kube/apply.h"
#include "kube/object.h"
#include "txn/identity.h"
#include "txn/parcel.h"

#define RECORD_PREFIX "dws-csm.release.v"
#define RECORD "release"

static int record_compare(const void *a, const void *b)
{
	int64_t left = jval_int(*(struct jval *const *)a, "revision", 0);
	int64_t right = jval_int(*(struct jval *const *)b, "revision", 0);

	return (left > right) - (left < right);
}

static struct jval *record_sorted(const struct jval *records)
{
	size_t nr = jval_len(records);
	autofree struct jval **order = mem_array(nr, sizeof(*order));
	struct jval *sorted = jval_new_array();

	for (size_t i = 0; i < nr; i++)
		order[i] = jval_at(records, i);
	qsort(order, nr, sizeof(*order), record_compare);
	for (size_t i = 0; i < nr; i++)
		jval_append(sorted, jval_ref(order[i]));
	return sorted;
}

/* A record that cannot be read, or is of a later dws-csm, must not stand in
 * the way of those who want to look or to clean up. */
static struct jval *record_unreadable(const struct jval *secret)
{
	const char *number = str_after(object_name(secret), RECORD_PREFIX);
	struct jval *record = jval_new_object();

	jval_set(record, "revision",
		 jval_new_int(number ? strtol(number, NULL, 10) : 0));
	jval_set_str(record, "status", "unreadable");
	return record;
}

static int record_collect(void *ctx, struct jval *secret, struct err *err)
{
	struct err why = ERR_INIT;
	struct jval *record = parcel_open(secret, RECORD, &why);

	(void)err;
	if (record == NULL) {
		log_warn("%s", why.msg);
		record = record_unreadable(secret);
	}
	jval_append(ctx, record);
	return 0;
}

struct jval *record_list(struct kube *kube, struct err *err)
{
	autojval struct jval *records = jval_new_array();

	if (kube_list(kube, PARCEL_SECRETS,
		      "labelSelector=" RECORD_LABEL "%3D" RECORD,
		      record_collect, records, err) < 0) {
		err_wrap(err, "list release records");
		return NULL;
	}
	return record_sorted(records);
}

struct jval *record_new(int64_t revision, const char *version,
			const char *operation)
{
	char now[CLOCK_RFC3339_SIZE];
	autofree char *user = identity_user();
	autofree char *host = identity_host();
	struct jval *record;

	clock_rfc3339(now, sizeof(now), clock_wall());
	record = jval_pack("{s:I, s:s, s:s, s:s, s:s}", "revision", revision,
			   "version", version, "operation", operation,
			   "started", now, "installer", version_string());
	jval_set_str(record, "user", user);
	jval_set_str(record, "host", host);
	record_set_status(record, "installing");
	return record;
}

static bool is_secret(const struct jval *object)
{
	return str_eq(object_kind(object), "Secret");
}

/* Whether the webhook's certificate is of our making. */
static bool has_own_certificate(const struct jval *objects)
{
	for (size_t i = 0; i < jval_len(objects); i++)
		if (is_secret(jval_at(objects, i)) &&
		    str_eq(object_name(jval_at(objects, i)),
			   DWS_SERVING_SECRET))
			return true;
	return false;
}

static void drop_ca_bundles(struct jval *object)
{
	const struct jval *webhooks = jval_get(object, "webhooks");

	for (size_t i = 0; i < jval_len(webhooks); i++)
		jval_del_path(jval_at(webhooks, i), "clientConfig.caBundle");
	jval_del_path(object, "spec.conversion.webhook.clientConfig.caBundle");
}

/* A Secret without data of its own (of a token) can be applied as it is. */
static void withhold(struct jval *secret)
{
	if (jval_get(secret, "data") == NULL &&
	    jval_get(secret, "stringData") == NULL)
		return;
	jval_del(secret, "data");
	jval_del(secret, "stringData");
	jval_set(secret, RECORD_WITHHELD, jval_new_bool(true));
}

void record_set_objects(struct jval *record, const struct jval *objects)
{
	struct jval *copy = jval_copy(objects);
	bool own_certificate = has_own_certificate(copy);

	for (size_t i = 0; i < jval_len(copy); i++) {
		struct jval *object = jval_at(copy, i);

		if (is_secret(object))
			withhold(object);
		if (own_certificate)
			drop_ca_bundles(object);
	}
	jval_set(record, "objects", copy);
}

void record_set_status(struct jval *record, const char *status)
{
	char now[CLOCK_RFC3339_SIZE];

	jval_set_str(record, "status", status);
	if (strcmp(status, "installing") == 0) {
		jval_del(record, "finished");
	} else if (jval_str(record, "finished") == NULL) {
		clock_rfc3339(now, sizeof(now), clock_wall());
		jval_set_str(record, "finished", now);
	}
}

void record_set_failure(struct jval *record, const char *message)
{
	jval_set_str(record, "failure", message);
}

struct jval *record_find(const struct jval *records, int64_t revision)
{
	for (size_t i = 0; i < jval_len(records); i++)
		if (jval_int(jval_at(records, i), "revision", 0) == revision)
			return jval_at(records, i);
	return NULL;
}

char *record_name(const struct jval *record)
{
	return mem_printf(RECORD_PREFIX "%lld",
			  (long long)jval_int(record, "revision", 0));
}

static struct jval *record_secret(const struct jval *record, struct err *err)
{
	autofree char *name = record_name(record);
	struct jval *secret = parcel_wrap(name, RECORD, record, err);

	if (secret)
		jval_set(jval_path(secret, "metadata.labels"),
			 "dws-csm.io/status",
			 jval_new_str(jval_str(record, "status")));
	return secret;
}

/* Is the record that is there ours after all? An answer may get lost. */
static int check_rival(struct kube *kube, const struct jval *record,
		       struct err *err)
{
	static const char *const who[] = { "user", "host", "started" };
	autofree char *name = record_name(record);
	autofree char *path = mem_printf(PARCEL_SECRETS "/%s", name);
	autojval struct jval *secret = kube_get(kube, path, err);
	autojval struct jval *other = NULL;
	bool same = true;

	if (secret == NULL)
		return -1;
	other = parcel_open(secret, RECORD, err);
	if (other == NULL)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(who); i++)
		same &= str_eq(jval_str(other, who[i]),
			       jval_str(record, who[i]));
	if (same)
		return 0;
	return err_set(err, ERR_LOCKED,
		       "another installer is at work: user '%s' on '%s' since "
		       "%s; wait until it has ended, and look at 'dws-csm "
		       "history'",
		       jval_str(other, "user"), jval_str(other, "host"),
		       jval_str(other, "started"));
}

int record_create(struct kube *kube, const struct jval *record, struct err *err)
{
	autojval struct jval *secret = record_secret(record, err);

	if (secret == NULL)
		return -1;
	if (kube_call(kube, "POST",
		      PARCEL_SECRETS "?fieldManager=" APPLY_FIELD_MANAGER, NULL,
		      secret, NULL, err) == 0)
		return 0;
	if (!kube_is_conflict(err))
		return err_wrap(err, "write release record '%s'",
				object_name(secret));
	err_clear(err);
	return check_rival(kube, record, err);
}

int record_save(struct kube *kube, const struct jval *record, struct err *err)
{
	autofree char *name = record_name(record);
	autofree char *path = mem_printf(PARCEL_SECRETS
					 "/%s?fieldManager=" APPLY_FIELD_MANAGER
					 "&force=true",
					 name);
	autojval struct jval *secret = record_secret(record, err);

	if (secret == NULL)
		return -1;
	if (kube_call(kube, "PATCH", path, "application/apply-patch+yaml",
		      secret, NULL, err) < 0)
		return err_wrap(err, "write release record '%s'", name);
	return 0;
}

int record_supersede(struct kube *kube, const struct jval *records,
		     struct err *err)
{
	for (size_t i = 0; i < jval_len(records); i++) {
		struct jval *old = jval_at(records, i);
		const char *status = jval_str(old, "status");

		if (str_eq(status, "deployed"))
			record_set_status(old, "superseded");
		else if (str_eq(status, "installing"))
			jval_set_str(old, "status", "failed");
		else
			continue;
		if (record_save(kube, old, err) < 0)
			return -1;
	}
	return 0;
}

/* The newest of `status` among the first `nr` records, or `nr`. */
static size_t newest_of(const struct jval *records, size_t nr,
			const char *status)
{
	for (size_t i = nr; i-- > 0;)
		if (str_eq(jval_str(jval_at(records, i), "status"), status))
			return i;
	return nr;
}

struct jval *record_surplus(const struct jval *records, size_t keep)
{
	size_t nr = jval_len(records);
	size_t deployed = newest_of(records, nr, "deployed");
	size_t before = newest_of(records, deployed, "superseded");
	struct jval *surplus = jval_new_array();

	for (size_t i = 0; i < nr && nr - i > keep; i++) {
		struct jval *record = jval_at(records, i);
		const char *status = jval_str(record, "status");

		if (i != deployed && i != before &&
		    !str_eq(status, "installing") &&
		    !str_eq(status, "unreadable"))
			jval_append(surplus, jval_ref(record));
	}
	return surplus;
}

int record_prune(struct kube *kube, const struct jval *records, size_t keep,
		 struct err *err)
{
	autojval struct jval *surplus = record_surplus(records, keep);

	for (size_t i = 0; i < jval_len(surplus); i++) {
		autofree char *name = record_name(jval_at(surplus, i));
		autofree char *path = mem_printf(PARCEL_SECRETS "/%s", name);
		struct err failure = ERR_INIT;

		if (kube_call(kube, "DELETE", path, NULL, NULL, NULL,
			      &failure) == 0 ||
		    kube_is_not_found(&failure))
			continue;
		*err = failure;
		return err_wrap(err, "remove release record '%s'", name);
	}
	return 0;
}
