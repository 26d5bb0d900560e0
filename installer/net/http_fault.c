#include <curl/curl.h>
#include <string.h>

#include "base/mem.h"
#include "net/http_transfer.h"
#include "net/tls.h"

static bool http_is_transient(int code, const char *text)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_SEND_FAIL_REWIND:
		return true;
	case CURLE_SSL_CONNECT_ERROR:
		return !strstr(text, "wrong version") && !strstr(text, "alert");
	default:
		return false;
	}
}

static const char *http_ca_name(const struct http *http)
{
	if (http->config->ca_name)
		return http->config->ca_name;
	return http->config->ca_pem ? "given" : tls_host_ca_name();
}

/* Libcurl cannot use the configuration: `err` says what of it. */
static void http_tell_useless(const struct http *http, const char *text,
			      struct err *err)
{
	if (http->result == CURLE_SSL_CACERT_BADFILE)
		err_set(err, ERR_INVALID,
			"the trusted CA certificates (%s) cannot be read as "
			"PEM",
			http_ca_name(http));
	else if (strcasestr(text, "private key"))
		err_set(err, ERR_INVALID,
			"the client key is not a private key that fits its "
			"certificate");
	else
		err_set(err, ERR_INVALID,
			"the client certificate cannot be read as PEM");
}

/* Libcurl 7.88 tells a proxy that it cannot connect to only by its text. */
static bool http_is_of_proxy(const struct http *http, const char *text)
{
	autofree char *failed = NULL;

	if (http->proxy == NULL || http->result != CURLE_COULDNT_CONNECT)
		return false;
	failed = mem_printf("Failed to connect to %.*s port ",
			    (int)strcspn(http->proxy, ":"), http->proxy);
	return str_starts(text, failed);
}

/* Whether a proxy is to blame: then `err` says so. */
static bool http_tell_proxy(const struct http *http, const char *text,
			    const char *reason, struct err *err)
{
	long answer = 0;

	curl_easy_getinfo(http->easy, CURLINFO_HTTP_CONNECTCODE, &answer);
	if (http->result == CURLE_COULDNT_RESOLVE_PROXY)
		err_set(err, ERR_NET,
			"cannot find the address of the proxy "
			"for '%s': %s",
			http->origin, text);
	else if (http_is_of_proxy(http, text))
		err_set(err, ERR_NET,
			"cannot connect to the proxy '%s' for '%s': %s",
			http->proxy, http->origin, reason);
	else if (answer >= 300)
		err_set(err, ERR_NET,
			"the proxy '%s' refuses to connect to '%s': status %ld",
			http->proxy ? http->proxy : "", http->origin, answer);
	else
		return false;
	err_hint(err, "check HTTPS_PROXY and NO_PROXY");
	err->transient = answer < 300 || answer >= 500;
	return true;
}

static void http_tell(const struct http *http, const char *text,
		      const char *reason, struct err *err)
{
	const char *detail = str_after(text, "SSL certificate problem: ");
	long asked = 0;

	curl_easy_getinfo(http->easy, CURLINFO_REQUEST_SIZE, &asked);
	switch (http->result) {
	case CURLE_PEER_FAILED_VERIFICATION:
		err_set(err, ERR_NET,
			"cannot verify the certificate of '%s': %s "
			"(trusted CA certificates: %s)",
			http->origin, detail ? detail : text,
			http_ca_name(http));
		if (http->config->ca_remedy)
			err_hint(err, "%s", http->config->ca_remedy);
		break;
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		http_tell_useless(http, text, err);
		break;
	case CURLE_COULDNT_RESOLVE_HOST:
		err_set(err, ERR_NET, "cannot find the address of '%s'",
			http->origin);
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
		err_set(err, ERR_NET,
			"'%s' redirects to an address without TLS, which is "
			"refused",
			http->origin);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		err_set(err, ERR_TIMEOUT,
			"cannot connect to '%s' in time: no answer",
			http->origin);
		break;
	default:
		err_set(err, ERR_NET,
			asked > 0 ? "the connection to '%s' failed: %s" :
				    "cannot connect to '%s': %s",
			http->origin, reason);
	}
	err->transient = http_is_transient(http->result, text);
}

int http_fail(struct http *http, struct err *err)
{
	const char *text = http->error[0] ?
				   http->error :
				   curl_easy_strerror((CURLcode)http->result);
	const char *reason = text;
	char words[128];
	long sys = 0;

	if (http->body_failed) {
		*err = http->body_err;
		return -1;
	}
	curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &sys);
	if (http->result == CURLE_COULDNT_CONNECT && sys)
		reason = strerror_r((int)sys, words, sizeof(words));
	if (!http_tell_proxy(http, text, reason, err))
		http_tell(http, text, reason, err);
	return -1;
}
