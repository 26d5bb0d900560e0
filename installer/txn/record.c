#include "txn/record.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strs.h"
#include "base/version.h"
#include "format/base64.h"
#include "format/gzip.h"
#include "kube/apply.h"
#include "kube/object.h"
#include "txn/names.h"

#define RECORD_PREFIX "dws-csm.release.v"
#define RECORD_MAX_BYTES ((size_t)16 << 20)
#define SECRETS_PATH "/api/v1/namespaces/" DWS_NAMESPACE "/secrets"

static struct jval *record_decode(const struct jval *secret, struct err *err)
{
	const char *text = jval_str(secret, "data.release");
	auto_buf struct buf packed = BUF_INIT(RECORD_MAX_BYTES);
	auto_buf struct buf plain = BUF_INIT(RECORD_MAX_BYTES);
	struct jval *record = NULL;

	if (text == NULL)
		err_set(err, ERR_INVALID, "it has no 'release'");
	else if (base64_decode(&packed, text, strlen(text), err) == 0 &&
		 gzip_expand(&plain, packed.data, packed.len, err) == 0)
		record = jval_parse(plain.data, plain.len, err);
	if (record == NULL)
		err_wrap(err, "read release record '%s'", object_name(secret));
	return record;
}

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
	struct jval *record = record_decode(secret, &why);

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

	if (kube_list(kube, SECRETS_PATH,
		      "labelSelector=" RECORD_LABEL "%3Drelease",
		      record_collect, records, err) < 0) {
		err_wrap(err, "list release records");
		return NULL;
	}
	return record_sorted(records);
}

/*
 * The name that was logged in with. Not from the user database: in a static
 * executable that would load the host's libraries.
 */
static void record_set_user(struct jval *record)
{
	static const char *const names[] = { "SUDO_USER", "LOGNAME", "USER" };
	autofree char *number = mem_printf("uid %u", getuid());

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!str_empty(getenv(names[i]))) {
			jval_set_str(record, "user", getenv(names[i]));
			return;
		}
	jval_set_str(record, "user", getuid() == 0 ? "root" : number);
}

static void record_set_host(struct jval *record)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	jval_set_str(record, "host", host);
}

struct jval *record_new(int64_t revision, const char *version,
			const char *operation)
{
	char now[CLOCK_RFC3339_SIZE];
	struct jval *record;

	clock_rfc3339(now, sizeof(now), clock_wall());
	record = jval_pack("{s:I, s:s, s:s, s:s, s:s}", "revision", revision,
			   "version", version, "operation", operation,
			   "started", now, "installer", version_string());
	record_set_user(record);
	record_set_host(record);
	record_set_status(record, "installing");
	return record;
}

void record_set_objects(struct jval *record, const struct jval *objects)
{
	struct jval *copy = jval_copy(objects);

	for (size_t i = 0; i < jval_len(copy); i++)
		if (str_eq(object_kind(jval_at(copy, i)), "Secret")) {
			jval_del(jval_at(copy, i), "data");
			jval_del(jval_at(copy, i), "stringData");
		}
	jval_set(record, "objects", copy);
}

void record_set_status(struct jval *record, const char *status)
{
	char now[CLOCK_RFC3339_SIZE];

	jval_set_str(record, "status", status);
	if (strcmp(status, "deployed") == 0 || strcmp(status, "failed") == 0) {
		clock_rfc3339(now, sizeof(now), clock_wall());
		jval_set_str(record, "finished", now);
	}
}

char *record_name(const struct jval *record)
{
	return mem_printf(RECORD_PREFIX "%lld",
			  (long long)jval_int(record, "revision", 0));
}

static struct jval *record_secret(const struct jval *record, struct err *err)
{
	autofree char *name = record_name(record);
	autofree char *text = jval_text(record, false);
	auto_buf struct buf packed = BUF_INIT(RECORD_MAX_BYTES);
	auto_buf struct buf encoded = BUF_INIT(RECORD_MAX_BYTES * 2);

	gzip_compress(&packed, text, strlen(text));
	base64_encode(&encoded, packed.data, packed.len);
	if (buf_check(&encoded, "release record", err) < 0)
		return NULL;
	return jval_pack(
		"{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s, s:s}}, s:s, s:{s:s}}",
		"apiVersion", "v1", "kind", "Secret", "metadata", "name", name,
		"namespace", DWS_NAMESPACE, "labels", RECORD_LABEL, "release",
		"app.kubernetes.io/managed-by", "dws-csm", "dws-csm.io/status",
		jval_str(record, "status"), "type", "dws-csm.io/release.v1",
		"data", "release", buf_str(&encoded));
}

/* Is the record that is there ours after all? An answer may get lost. */
static int check_rival(struct kube *kube, const struct jval *record,
		       struct err *err)
{
	static const char *const who[] = { "user", "host", "started" };
	autofree char *name = record_name(record);
	autofree char *path = mem_printf("%s/%s", SECRETS_PATH, name);
	autojval struct jval *secret = kube_get(kube, path, err);
	autojval struct jval *other = NULL;
	bool same = true;

	if (secret == NULL)
		return -1;
	other = record_decode(secret, err);
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
		      SECRETS_PATH "?fieldManager=" APPLY_FIELD_MANAGER, NULL,
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
	autofree char *path = mem_printf("%s/%s?fieldManager=%s&force=true",
					 SECRETS_PATH, name,
					 APPLY_FIELD_MANAGER);
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
