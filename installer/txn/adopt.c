#include "txn/adopt.h"

#include <string.h>

#include "base/mem.h"
#include "format/ref.h"
#include "kube/object.h"
#include "kube/takeover.h"
#include "txn/inventory.h"
#include "txn/names.h"
#include "txn/record.h"

static void drop_members(struct jval *object, const char *path,
			 const char *const *names)
{
	struct jval *parent = path ? jval_path(object, path) : object;

	for (; *names; names++)
		jval_del(parent, *names);
}

static void drop_empty(struct jval *object, const char *path)
{
	const struct jval *value = jval_path(object, path);

	if (jval_is_object(value) && jval_len(value) == 0)
		jval_del_path(object, path);
}

/* cert-manager injects another one when it has issued anew. */
static void drop_injected(struct jval *object)
{
	struct jval *webhooks = jval_get(object, "webhooks");

	if (jval_get(jval_path(object, "metadata.annotations"),
		     "cert-manager.io/inject-ca-from") == NULL)
		return;
	for (size_t i = 0; i < jval_len(webhooks); i++)
		jval_del_path(jval_at(webhooks, i), "clientConfig.caBundle");
	jval_del_path(object, "spec.conversion.webhook.clientConfig.caBundle");
}

static void drop_service_addresses(struct jval *object)
{
	static const char *const given[] = { "clusterIP", "clusterIPs",
					     "healthCheckNodePort", NULL };
	struct jval *ports = jval_path(object, "spec.ports");

	drop_members(object, "spec", given);
	for (size_t i = 0; i < jval_len(ports); i++)
		jval_del(jval_at(ports, i), "nodePort");
}

/* Accounts get token Secrets of random names from older servers. */
static void drop_account_secrets(struct jval *object)
{
	jval_del(object, "secrets");
}

struct jval *adopt_object(const struct jval *live)
{
	static const char *const top[] = { "status", NULL };
	static const char *const meta[] = { "uid",
					    "resourceVersion",
					    "generation",
					    "creationTimestamp",
					    "managedFields",
					    "selfLink",
					    "ownerReferences",
					    NULL };
	static const char *const notes[] = {
		LAST_APPLIED, "deployment.kubernetes.io/revision",
		"kubernetes.io/service-account.uid", NULL
	};
	struct jval *object = jval_copy(live);
	const char *kind = object_kind(object);

	drop_members(object, NULL, top);
	drop_members(object, "metadata", meta);
	drop_members(object, "metadata.annotations", notes);
	drop_empty(object, "metadata.annotations");
	drop_injected(object);
	if (str_eq(kind, "Service"))
		drop_service_addresses(object);
	else if (str_eq(kind, "ServiceAccount"))
		drop_account_secrets(object);
	else if (str_eq(kind, "Secret"))
		jval_del(object, "data");
	return object;
}

static bool has_kind(const struct jval *objects, const char *kind)
{
	for (size_t i = 0; i < jval_len(objects); i++)
		if (str_eq(object_kind(jval_at(objects, i)), kind))
			return true;
	return false;
}

/* A certificate that somebody issued by hand: its key is not ours to keep, so
 * that another is issued when it comes back. */
static void add_certificate(struct jval *objects, const struct jval *inventory)
{
	if (has_kind(inventory, "Certificate"))
		return;
	for (size_t i = 0; i < jval_len(inventory); i++) {
		struct jval *copy;

		if (!str_eq(object_kind(jval_at(inventory, i)), "Secret") ||
		    !str_eq(object_name(jval_at(inventory, i)),
			    DWS_SERVING_SECRET))
			continue;
		copy = jval_copy(jval_at(inventory, i));
		jval_set_str(copy, "type", "kubernetes.io/tls");
		jval_set(copy, RECORD_WITHHELD, jval_new_bool(true));
		jval_append(objects, copy);
	}
}

struct jval *adopt_objects(struct kube *kube, struct discovery *discovery,
			   const struct jval *inventory, struct err *err)
{
	autojval struct jval *objects = jval_new_array();
	autojval struct jval *names = inventory_of_release(inventory);

	add_certificate(objects, inventory);
	for (size_t i = 0; i < jval_len(names); i++) {
		const struct jval *name = jval_at(names, i);
		autofree char *path = NULL;
		autojval struct jval *live = NULL;

		if (inventory_part(name) != PART_RELEASE)
			continue;
		path = kube_object_path(discovery, kube, name, err);
		if (path == NULL)
			return NULL;
		live = kube_get(kube, path, err);
		if (live)
			jval_append(objects, adopt_object(live));
		else if (!kube_is_not_found(err))
			return NULL;
		else
			err_clear(err);
	}
	return mem_steal(&objects);
}

static void note_image(struct jval *images, const char *reference)
{
	autoref struct ref ref = { 0 };
	struct err err = ERR_INIT;
	const char *name;

	for (size_t i = 0; i < jval_len(images); i++)
		if (str_eq(jval_str(jval_at(images, i), "reference"),
			   reference))
			return;
	if (reference == NULL || ref_parse(&ref, reference, &err) < 0)
		return;
	name = strrchr(ref.repository, '/');
	jval_append(images,
		    jval_pack("{s:s, s:s, s:s?}", "name",
			      name ? name + 1 : ref.repository, "reference",
			      reference, "digest", ref.digest));
}

static struct jval *images_of(const struct jval *objects)
{
	struct jval *images = jval_new_array();

	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *list = jval_path(
			jval_at(objects, i), "spec.template.spec.containers");

		for (size_t k = 0; k < jval_len(list); k++)
			note_image(images, jval_str(jval_at(list, k), "image"));
	}
	return images;
}

struct jval *adopt_record(int64_t revision, const struct survey *survey,
			  const struct jval *objects)
{
	struct jval *record = record_new(
		revision, survey->version ? survey->version : "unknown",
		"adopt");

	record_set_objects(record, objects);
	jval_set(record, "images", images_of(objects));
	record_set_status(record, "deployed");
	return record;
}
