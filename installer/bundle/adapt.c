#include "bundle/adapt.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "bundle/render.h"
#include "format/base64.h"
#include "kube/object.h"

#define CERT_MANAGER_GROUP "cert-manager.io"
#define INJECT_ANNOTATION "cert-manager.io/inject-ca-from"

const char *adapt_cert_manager_version(const struct strs *versions)
{
	/* The fields that our Certificate and Issuer use are the same in all
	 * of these; older ones have dnsNames elsewhere or another group. */
	static const char *const known[] = { "v1", "v1beta1", "v1alpha3",
					     "v1alpha2" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strs_has(versions, known[i]))
			return known[i];
	return NULL;
}

static bool is_cert_manager(const struct jval *object)
{
	return str_starts(object_api_version(object), CERT_MANAGER_GROUP "/");
}

static const struct jval *find_certificate(const struct jval *objects)
{
	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);

		if (is_cert_manager(object) &&
		    str_eq(object_kind(object), "Certificate"))
			return object;
	}
	return NULL;
}

void adapt_webhook_names(const struct jval *objects, struct strs *names)
{
	const struct jval *list =
		jval_path(find_certificate(objects), "spec.dnsNames");

	for (size_t i = 0; i < jval_len(list); i++)
		strs_add(names, jval_string(jval_at(list, i)));
}

static char *pem_base64(const char *pem)
{
	auto_buf_secret struct buf text = BUF_INIT(BUF_TEXT_MAX);

	base64_encode(&text, pem, strlen(pem));
	return buf_steal(&text);
}

void adapt_fill_secret(struct jval *secret, const char *ca, const char *cert,
		       const char *key)
{
	autofree char *ca64 = pem_base64(ca);
	autofree char *cert64 = pem_base64(cert);
	char *key64 = pem_base64(key);

	jval_set(secret, "data",
		 jval_pack("{s:s, s:s, s:s}", "ca.crt", ca64, "tls.crt", cert64,
			   "tls.key", key64));
	mem_free_secret(key64);
}

/* What cert-manager would put where the Certificate's secretName says. */
static struct jval *serving_secret(const struct jval *certificate,
				   const struct adaptation *adaptation)
{
	struct jval *secret =
		jval_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s}}, s:s}",
			  "apiVersion", "v1", "kind", "Secret", "metadata",
			  "name", jval_str(certificate, "spec.secretName"),
			  "namespace", object_namespace(certificate), "labels",
			  "app.kubernetes.io/managed-by", "dws-csm", "type",
			  "kubernetes.io/tls");

	adapt_fill_secret(secret, adaptation->ca_pem, adaptation->cert_pem,
			  adaptation->key_pem);
	return secret;
}

static void drop_annotation(struct jval *object)
{
	struct jval *annotations = jval_path(object, "metadata.annotations");

	jval_del(annotations, INJECT_ANNOTATION);
	if (annotations && jval_len(annotations) == 0)
		jval_del_path(object, "metadata.annotations");
}

/* Our CA into what asks cert-manager for its own. */
static void inject_ca(struct jval *object, const char *ca_base64)
{
	struct jval *annotations = jval_path(object, "metadata.annotations");
	struct jval *webhooks = jval_get(object, "webhooks");

	if (jval_get(annotations, INJECT_ANNOTATION) == NULL)
		return;
	drop_annotation(object);
	for (size_t i = 0; i < jval_len(webhooks); i++)
		jval_set_str(jval_at(webhooks, i), "clientConfig.caBundle",
			     ca_base64);
	if (jval_path(object, "spec.conversion.webhook.clientConfig"))
		jval_set_str(object,
			     "spec.conversion.webhook.clientConfig.caBundle",
			     ca_base64);
}

static void set_cert_manager_version(struct jval *object, const char *version)
{
	autofree char *api = mem_printf(CERT_MANAGER_GROUP "/%s", version);

	jval_set_str(object, "apiVersion", api);
}

void adapt_cert_manager(struct jval *object, const struct strs *versions)
{
	const char *version = adapt_cert_manager_version(versions);

	if (version && is_cert_manager(object))
		set_cert_manager_version(object, version);
}

static void note_certificates(const struct jval *certificate,
			      const struct adaptation *adaptation,
			      struct strs *notes)
{
	const char *wanted;

	if (adaptation->cert_manager == NULL) {
		strs_add(notes, "the webhook's certificate is issued by "
				"dws-csm: cert-manager is not used");
		return;
	}
	wanted = str_after(object_api_version(certificate),
			   CERT_MANAGER_GROUP "/");
	if (!str_eq(wanted, adaptation->cert_manager))
		strs_addf(notes,
			  "Certificate and Issuer are written as %s/%s: the "
			  "cluster's cert-manager is preferred in that version "
			  "to %s",
			  CERT_MANAGER_GROUP, adaptation->cert_manager, wanted);
}

struct jval *adapt_objects(const struct jval *objects,
			   const struct adaptation *adaptation,
			   struct strs *notes)
{
	const struct jval *certificate = find_certificate(objects);
	autojval struct jval *adapted = jval_new_array();
	autofree char *ca = adaptation->cert_manager ?
				    NULL :
				    pem_base64(adaptation->ca_pem);

	if (certificate)
		note_certificates(certificate, adaptation, notes);
	for (size_t i = 0; i < jval_len(objects); i++) {
		const struct jval *object = jval_at(objects, i);
		struct jval *copy;

		if (render_is_service_monitor(object) &&
		    !adaptation->service_monitor) {
			strs_add(notes, "the ServiceMonitor is left out: the "
					"cluster has no monitoring.coreos.com");
			continue;
		}
		if (is_cert_manager(object) && !adaptation->cert_manager)
			continue;
		copy = jval_copy(object);
		if (is_cert_manager(object))
			set_cert_manager_version(copy,
						 adaptation->cert_manager);
		else if (ca)
			inject_ca(copy, ca);
		jval_append(adapted, copy);
	}
	if (certificate && !adaptation->cert_manager)
		jval_append(adapted, serving_secret(certificate, adaptation));
	return object_sorted(adapted);
}
