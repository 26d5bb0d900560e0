#include "kube/csr.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/base64.h"
#include "kube/object.h"

#define API_VERSION "certificates.k8s.io/v1"
#define RESOURCE "certificatesigningrequests"
#define PATH "/apis/" API_VERSION "/" RESOURCE
#define REVIEWS "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
#define SIGNER "kubernetes.io/kube-apiserver-client"
#define REASON "ByDwsCsm"
#define PAUSE_MS 100
#define PAUSE_MAX_MS 2000
#define CERT_MAX_BYTES ((size_t)1 << 20)

static struct jval *request_object(const struct csr *csr)
{
	auto_buf struct buf request = BUF_INIT(BUF_TEXT_MAX);
	struct jval *object = jval_new_object();
	struct jval *usages = jval_new_array();

	base64_encode(&request, csr->request_pem, strlen(csr->request_pem));
	jval_append(usages, jval_new_str("client auth"));
	jval_append(usages, jval_new_str("digital signature"));
	if (csr->rsa)
		jval_append(usages, jval_new_str("key encipherment"));
	jval_set_str(object, "apiVersion", API_VERSION);
	jval_set_str(object, "kind", "CertificateSigningRequest");
	jval_set_str(object, "metadata.generateName", csr->name);
	jval_set_str(object, "spec.request", buf_str(&request));
	jval_set_str(object, "spec.signerName", SIGNER);
	jval_set_path(object, "spec.expirationSeconds",
		      jval_new_int(csr->seconds));
	jval_set_path(object, "spec.usages", usages);
	return object;
}

static int approve(struct kube *kube, struct jval *object, const char *path,
		   struct err *err)
{
	autofree char *approval = mem_printf("%s/approval", path);
	struct jval *conditions = jval_new_array();

	jval_append(conditions,
		    jval_pack("{s:s, s:s, s:s, s:s}", "type", "Approved",
			      "status", "True", "reason", REASON, "message",
			      "asked for and approved by dws-csm"));
	jval_set_path(object, "status.conditions", conditions);
	if (kube_call(kube, "PUT", approval, NULL, object, NULL, err) == 0)
		return 0;
	err_wrap(err, "approve the request for a certificate");
	if (err->http == 403)
		err_hint(err, "this user may not approve for signer '" SIGNER
			      "'; a cluster administrator may");
	return -1;
}

/* 1 and the certificate, 0 when it is not there yet. */
static int certificate_of(const struct jval *object, char **cert_pem,
			  struct err *err)
{
	static const char *const ends[] = { "Denied", "Failed" };
	const char *text = jval_str(object, "status.certificate");
	auto_buf struct buf pem = BUF_INIT(CERT_MAX_BYTES);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		const struct jval *condition =
			object_condition(object, ends[i]);
		const char *message = jval_str(condition, "message");

		if (condition)
			return err_set(err, ERR_API,
				       "the request for a certificate was "
				       "answered '%s': %s",
				       ends[i], message ? message : "");
	}
	if (str_empty(text))
		return 0;
	if (base64_decode(&pem, text, strlen(text), err) < 0 ||
	    buf_check(&pem, "certificate", err) < 0)
		return err_wrap(err, "certificate of the API server");
	*cert_pem = buf_steal(&pem);
	return 1;
}

static int fetch(struct kube *kube, const char *path, int64_t timeout_ms,
		 char **cert_pem, struct err *err)
{
	int64_t deadline = deadline_in_ms(timeout_ms);

	for (unsigned int tries = 1;; tries++) {
		autojval struct jval *object = kube_get(kube, path, err);
		int found = object ? certificate_of(object, cert_pem, err) : -1;

		if (found != 0)
			return found < 0 ? -1 : 0;
		if (deadline_left_ms(deadline) == 0)
			return err_set(
				err, ERR_TIMEOUT,
				"nobody signed the approved request for a "
				"certificate; the controller manager must run "
				"with --cluster-signing-cert-file and "
				"--cluster-signing-key-file, else give the "
				"cluster's CA by --ca-cert and --ca-key");
		if (clock_sleep(clock_backoff_ms(tries, PAUSE_MS, PAUSE_MAX_MS),
				err) < 0)
			return -1;
	}
}

/* It holds no secret and goes by itself in the end, but it is ours to tidy
 * up, also after a signal. */
static void forget(struct kube *kube, const char *path)
{
	struct err err = ERR_INIT;
	bool deferred = interrupt_defer(true);

	if (kube_call(kube, "DELETE", path, NULL, NULL, NULL, &err) < 0 &&
	    !kube_is_not_found(&err))
		log_warn("%s", err.msg);
	interrupt_defer(deferred);
}

int csr_check(struct kube *kube, struct err *err)
{
	static const struct {
		const char *verb, *resource, *subresource, *name;
	} needed[] = {
		{ "create", RESOURCE, "", "" },
		{ "get", RESOURCE, "", "" },
		{ "delete", RESOURCE, "", "" },
		{ "update", RESOURCE, "approval", "" },
		{ "approve", "signers", "", SIGNER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		autojval struct jval *review = jval_pack(
			"{s:s, s:s, s:{s:{s:s, s:s, s:s, s:s, s:s}}}",
			"apiVersion", "authorization.k8s.io/v1", "kind",
			"SelfSubjectAccessReview", "spec", "resourceAttributes",
			"group", "certificates.k8s.io", "verb", needed[i].verb,
			"resource", needed[i].resource, "subresource",
			needed[i].subresource, "name", needed[i].name);
		autojval struct jval *answer = NULL;

		if (kube_call(kube, "POST", REVIEWS, NULL, review, &answer,
			      err) < 0)
			return err_wrap(err, "ask what the user may do");
		if (!jval_bool(answer, "status.allowed", false))
			return err_set(err, ERR_BLOCKED,
				       "this user may not %s %s%s%s, which "
				       "--via-csr needs; a cluster "
				       "administrator may",
				       needed[i].verb, needed[i].resource,
				       *needed[i].subresource ? "/" : "",
				       needed[i].subresource);
	}
	return 0;
}

int csr_issue(struct kube *kube, const struct csr *csr, char **cert_pem,
	      bool *heard, struct err *err)
{
	autojval struct jval *request = request_object(csr);
	autojval struct jval *object = NULL;
	autofree char *path = NULL;
	int result;

	if (kube_call(kube, "POST", PATH, NULL, request, &object, err) < 0)
		return err_wrap(err, "ask the cluster for a certificate");
	path = mem_printf(PATH "/%s", object_name(object));
	*heard = jval_is_int(jval_path(object, "spec.expirationSeconds"));
	result = approve(kube, object, path, err);
	if (result == 0)
		result = fetch(kube, path, csr->timeout_ms, cert_pem, err);
	forget(kube, path);
	return result;
}
