#include "txn/certs.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/x509.h"
#include "bundle/adapt.h"
#include "format/base64.h"
#include "kube/object.h"
#include "txn/names.h"
#include "txn/record.h"

/* cert-manager renews every 90 days; nobody renews ours but a run of
 * install, so they last ten years, as kubeadm's CA does. */
#define CERT_DAYS 3650
#define RENEW_BEFORE_DAYS 90
#define PEM_MAX_BYTES ((size_t)64 << 10)
#define SECRET_PATH \
	"/api/v1/namespaces/" DWS_NAMESPACE "/secrets/" DWS_SERVING_SECRET

/* The version of cert-manager.io to use, or NULL for our own certificate. */
static const char *certs_version(const struct survey *survey,
				 enum webhook_certs certs)
{
	if (certs == CERTS_SELF_SIGNED)
		return NULL;
	return adapt_cert_manager_version(&survey->cert_manager);
}

int certs_check(const struct survey *survey, enum webhook_certs certs,
		struct err *err)
{
	if (certs == CERTS_CERT_MANAGER && !certs_version(survey, certs))
		return err_set(err, ERR_BLOCKED,
			       "this cluster serves no cert-manager.io that "
			       "DWS can use; install cert-manager, or choose "
			       "--webhook-certs self-signed");
	return 0;
}

static char *secret_text(const struct jval *secret, const char *key)
{
	const char *text = jval_string(jval_get(jval_get(secret, "data"), key));
	auto_buf_secret struct buf plain = BUF_INIT(PEM_MAX_BYTES);
	struct err err = ERR_INIT;

	if (text == NULL || base64_decode(&plain, text, strlen(text), &err) < 0)
		return NULL;
	return buf_steal(&plain);
}

static bool still_holds(const struct x509_pair *pair, const char *ca,
			const struct strs *names)
{
	time_t then = clock_wall() + (time_t)RENEW_BEFORE_DAYS * 86400;
	struct err err = ERR_INIT;

	if (!pair->cert_pem || !pair->key_pem || !ca)
		return false;
	for (size_t i = 0; i < names->nr; i++)
		if (x509_verify(pair->cert_pem, ca, names->item[i], then,
				&err) != 1)
			return false;
	return true;
}

/* It may have been ours before. */
static bool is_of_cert_manager(const struct jval *secret)
{
	return jval_get(jval_path(secret, "metadata.annotations"),
			"cert-manager.io/certificate-name");
}

/* The one in the cluster, when it is ours and good: 1; else 0. */
static int certs_keep(struct kube *kube, const struct strs *names,
		      struct x509_pair *pair, char **ca, struct err *err)
{
	autojval struct jval *secret = kube_get(kube, SECRET_PATH, err);
	const struct jval *labels = jval_path(secret, "metadata.labels");

	if (secret == NULL) {
		if (!kube_is_not_found(err))
			return -1;
		err_clear(err);
		return 0;
	}
	if (!str_eq(jval_string(
			    jval_get(labels, "app.kubernetes.io/managed-by")),
		    "dws-csm") ||
	    is_of_cert_manager(secret))
		return 0;
	pair->cert_pem = secret_text(secret, "tls.crt");
	pair->key_pem = secret_text(secret, "tls.key");
	*ca = secret_text(secret, "ca.crt");
	return still_holds(pair, *ca, names);
}

/* The first certificate of a bundle, with its end line. */
static char *first_certificate(const char *bundle)
{
	static const char end[] = "-----END CERTIFICATE-----\n";
	const char *at = bundle ? strstr(bundle, end) : NULL;

	return at ? mem_strndup(bundle, (size_t)(at - bundle) + strlen(end)) :
		    mem_strdup("");
}

/*
 * The CA's key is forgotten at once: nothing else shall be signed by it. The
 * CA before stays in the bundle, since pods see the new certificate only a
 * minute later.
 */
static int certs_issue(const struct strs *names, struct x509_pair *pair,
		       char **ca, struct err *err)
{
	auto_x509_pair struct x509_pair authority = { 0 };
	autofree char *before = first_certificate(*ca);

	x509_pair_release(pair);
	if (x509_make_ca(&authority, "dws-csm webhook CA", CERT_DAYS, err) <
		    0 ||
	    x509_issue_server(pair, &authority, names, CERT_DAYS, err) < 0)
		return err_wrap(err, "issue the webhook's certificate");
	free(*ca);
	*ca = mem_printf("%s%s", authority.cert_pem, before);
	return 0;
}

struct jval *certs_adapt(struct kube *kube, const struct survey *survey,
			 enum webhook_certs certs, const struct jval *objects,
			 struct strs *notes, struct err *err)
{
	struct adaptation adaptation = {
		.cert_manager = certs_version(survey, certs),
		.service_monitor = survey->service_monitor,
	};
	auto_x509_pair struct x509_pair pair = { 0 };
	auto_strs struct strs names = STRS_INIT;
	autofree char *ca = NULL;

	if (adaptation.cert_manager == NULL) {
		int kept;

		adapt_webhook_names(objects, &names);
		kept = certs_keep(kube, &names, &pair, &ca, err);
		if (kept < 0)
			return NULL;
		if (kept == 0 && certs_issue(&names, &pair, &ca, err) < 0)
			return NULL;
		adaptation.ca_pem = ca;
		adaptation.cert_pem = pair.cert_pem;
		adaptation.key_pem = pair.key_pem;
	}
	return adapt_objects(objects, &adaptation, notes);
}

/* --- records --------------------------------------------------------------- */

static bool is_serving_secret(const struct jval *object)
{
	return str_eq(object_kind(object), "Secret") &&
	       str_eq(object_name(object), DWS_SERVING_SECRET);
}

/* As the release's Certificate has them: a Service's two long names. */
static void add_service_names(const struct jval *config, struct strs *names)
{
	const char *service = jval_str(config, "service.name");
	const char *ns = jval_str(config, "service.namespace");
	autofree char *name = NULL;

	if (service == NULL || ns == NULL)
		return;
	name = mem_printf("%s.%s.svc", service, ns);
	if (strs_has(names, name))
		return;
	strs_add(names, name);
	strs_addf(names, "%s.cluster.local", name);
}

static void revive_client(struct jval *config, struct strs *names,
			  const char *ca)
{
	if (!jval_is_object(config))
		return;
	if (names)
		add_service_names(config, names);
	if (ca)
		jval_set_str(config, "caBundle", ca);
}

/* Each place that names the webhook's Service: its names are collected, its
 * CA is set. */
static void revive_clients(struct jval *objects, struct strs *names,
			   const char *ca)
{
	for (size_t i = 0; i < jval_len(objects); i++) {
		struct jval *object = jval_at(objects, i);
		struct jval *webhooks = jval_get(object, "webhooks");

		for (size_t k = 0; k < jval_len(webhooks); k++)
			revive_client(jval_path(jval_at(webhooks, k),
						"clientConfig"),
				      names, ca);
		revive_client(jval_path(object, "spec.conversion.webhook."
						"clientConfig"),
			      names, ca);
	}
}

static int revive_secret(struct kube *kube, struct jval *objects,
			 struct jval *secret, struct err *err)
{
	auto_x509_pair struct x509_pair pair = { 0 };
	auto_strs struct strs names = STRS_INIT;
	autofree char *ca = NULL;
	autofree char *ca64 = NULL;
	int kept;

	revive_clients(objects, &names, NULL);
	kept = certs_keep(kube, &names, &pair, &ca, err);
	if (kept < 0 || (kept == 0 && certs_issue(&names, &pair, &ca, err) < 0))
		return -1;
	adapt_fill_secret(secret, ca, pair.cert_pem, pair.key_pem);
	ca64 = mem_strdup(
		jval_string(jval_get(jval_get(secret, "data"), "ca.crt")));
	revive_clients(objects, NULL, ca64);
	return 0;
}

struct jval *certs_revive(struct kube *kube, const struct jval *objects,
			  struct err *err)
{
	autojval struct jval *revived = jval_new_array();
	struct jval *serving = NULL;

	for (size_t i = 0; i < jval_len(objects); i++) {
		struct jval *object = jval_at(objects, i);
		struct jval *copy;

		bool withheld = jval_get(object, RECORD_WITHHELD);

		if (withheld && !is_serving_secret(object))
			continue;
		copy = jval_copy(object);
		jval_del(copy, RECORD_WITHHELD);
		if (withheld)
			serving = copy;
		jval_append(revived, copy);
	}
	if (serving && revive_secret(kube, revived, serving, err) < 0)
		return NULL;
	return mem_steal(&revived);
}
