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

int http_fail(struct http *http, struct err *err)
{
	const char *text = http->error[0] ?
				   http->error :
				   curl_easy_strerror((CURLcode)http->result);
	const char *detail = str_after(text, "SSL certificate problem: ");
	char reason[128];
	long sys = 0, asked = 0;

	if (http->body_failed) {
		*err = http->body_err;
		return -1;
	}
	curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &sys);
	curl_easy_getinfo(http->easy, CURLINFO_REQUEST_SIZE, &asked);
	if (http->result == CURLE_COULDNT_CONNECT && sys)
		text = strerror_r((int)sys, reason, sizeof(reason));
	if (http->result == CURLE_PEER_FAILED_VERIFICATION)
		err_set(err, ERR_NET,
			"cannot verify the certificate of '%s': %s "
			"(trusted CA certificates: %s)",
			http->origin, detail ? detail : text,
			http_ca_name(http));
	else if (http->result == CURLE_COULDNT_RESOLVE_HOST)
		err_set(err, ERR_NET, "cannot find the address of '%s'",
			http->origin);
	else if (http->result == CURLE_UNSUPPORTED_PROTOCOL)
		err_set(err, ERR_NET,
			"'%s' redirects to an address without TLS, which is "
			"refused",
			http->origin);
	else if (http->result == CURLE_OPERATION_TIMEDOUT)
		err_set(err, ERR_TIMEOUT,
			"cannot connect to '%s' in time: no answer",
			http->origin);
	else if (asked > 0)
		err_set(err, ERR_NET, "the connection to '%s' failed: %s",
			http->origin, text);
	else
		err_set(err, ERR_NET, "cannot connect to '%s': %s",
			http->origin, text);
	if (http->result == CURLE_PEER_FAILED_VERIFICATION &&
	    http->config->ca_remedy)
		err_hint(err, "%s", http->config->ca_remedy);
	err->transient = http_is_transient(http->result, text);
	return -1;
}
