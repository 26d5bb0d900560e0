#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/http_transfer.h"
#include "net/tls.h"
#include "net/trust.h"

#define HTTP_CONNECT_TIMEOUT_MS 10000
#define HTTP_MAX_REDIRECTS 5L
/* Larger ones make nothing faster: TLS moves 16 KiB at once. */
#define HTTP_UPLOAD_BYTES (128L << 10)
#define HTTP_RECEIVE_BYTES (64L << 10)

/* An option that libcurl does not take is our bug. */
#define http_set(http, option, value)                                          \
	do {                                                                   \
		if (curl_easy_setopt((http)->easy, option, value) != CURLE_OK) \
			abort();                                               \
	} while (0)

static void http_set_blob(struct http *http, CURLoption option,
			  const char *text)
{
	struct curl_blob blob = {
		.data = (void *)(uintptr_t)text,
		.len = strlen(text),
		.flags = CURL_BLOB_NOCOPY,
	};

	if (blob.len > 0)
		http_set(http, option, &blob);
}

static CURLcode http_on_ssl_ctx(CURL *easy, void *ssl_ctx, void *ctx)
{
	(void)easy;
	trust_use(ctx, ssl_ctx);
	return CURLE_OK;
}

static void http_set_tls(struct http *http)
{
	const struct http_config *config = http->config;

	http_set(http, CURLOPT_SSL_VERIFYPEER, config->insecure ? 0L : 1L);
	http_set(http, CURLOPT_SSL_VERIFYHOST, config->insecure ? 0L : 2L);
	http_set(http, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* libcurl might know a place where none of ours is. */
	http_set(http, CURLOPT_CAINFO, NULL);
	http_set(http, CURLOPT_CAPATH, NULL);
	http_set(http, CURLOPT_SSL_CTX_FUNCTION, http_on_ssl_ctx);
	http_set(http, CURLOPT_SSL_CTX_DATA, config->trust);
	if (config->trust == NULL)
		http_set_blob(http, CURLOPT_CAINFO_BLOB,
			      config->ca_pem ? config->ca_pem : tls_host_ca());
	if (config->client_cert_pem == NULL)
		return;
	http_set(http, CURLOPT_SSLCERTTYPE, "PEM");
	http_set(http, CURLOPT_SSLKEYTYPE, "PEM");
	http_set_blob(http, CURLOPT_SSLCERT_BLOB, config->client_cert_pem);
	http_set_blob(http, CURLOPT_SSLKEY_BLOB,
		      config->client_key_pem ? config->client_key_pem :
					       config->client_cert_pem);
}

static bool http_is_loopback(const char *host)
{
	return str_eq(host, "localhost") || str_eq(host, "[::1]") ||
	       str_starts(host, "127.");
}

static const char *first_of_env(const char *const *names)
{
	for (; *names; names++)
		if (!str_empty(getenv(*names)))
			return getenv(*names);
	return NULL;
}

static const char *proxy_of_env(const char *scheme)
{
	static const char *const https[] = { "https_proxy", "HTTPS_PROXY",
					     "all_proxy", "ALL_PROXY", NULL };
	static const char *const http[] = { "http_proxy", "all_proxy",
					    "ALL_PROXY", NULL };

	return first_of_env(str_eq(scheme, "https") ? https : http);
}

/* "http://user:password@host:port/" -> "host:port" */
static char *proxy_shown(const char *proxy)
{
	const char *rest = strstr(proxy, "://");
	const char *at;

	rest = rest ? rest + 3 : proxy;
	at = strrchr(rest, '@');
	rest = at ? at + 1 : rest;
	return mem_strndup(rest, strcspn(rest, "/"));
}

/* libcurl reads the variables itself, but for HTTP_PROXY in capitals, and it
 * would ask a proxy for the loopback. */
static void http_set_proxy(struct http *http, const struct url *url)
{
	const char *proxy = http->config->proxy;

	if (proxy == NULL && http_is_loopback(url->host))
		proxy = "";
	if (proxy == NULL && str_eq(url->scheme, "http") &&
	    getenv("http_proxy") == NULL)
		proxy = getenv("HTTP_PROXY");
	if (proxy)
		http_set(http, CURLOPT_PROXY, proxy);
	else
		proxy = proxy_of_env(url->scheme);
	http->proxy = str_empty(proxy) ? NULL : proxy_shown(proxy);
	http_set(http, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

static void http_add_line(struct http *http, const char *name,
			  const char *value)
{
	autofree char *line =
		mem_printf("%s:%s%s", name, *value ? " " : "", value);
	struct curl_slist *list = curl_slist_append(http->headers, line);

	if (list == NULL)
		abort();
	http->headers = list;
}

static void http_set_headers(struct http *http)
{
	const struct http_request *request = http->request;

	/* An empty one keeps libcurl from waiting for a 100 (Continue). */
	http_add_line(http, "Expect", "");
	for (size_t i = 0; request->headers && i < request->headers->nr; i++) {
		struct curl_slist *list = curl_slist_append(
			http->headers, request->headers->item[i]);

		if (list == NULL)
			abort();
		http->headers = list;
	}
	/* libcurl drops it when a redirect leads to another origin. */
	if (request->authorization)
		http_add_line(http, "Authorization", request->authorization);
	http_set(http, CURLOPT_HTTPHEADER, http->headers);
}

/* The name to verify stands in the URL; the connection goes elsewhere. */
static void http_set_url(struct http *http, struct url *url)
{
	const char *name = http->config->tls_server_name;
	autofree char *text = NULL, *connect_to = NULL, *host = NULL;

	if (name && str_eq(url->scheme, "https")) {
		host = mem_printf("%s%s%s", url->host, url->port ? ":" : "",
				  url->port ? url->port : "");
		http_add_line(http, "Host", host);
		connect_to = mem_printf("::%s", http->origin);
		http->connect_to = curl_slist_append(NULL, connect_to);
		if (http->connect_to == NULL)
			abort();
		http_set(http, CURLOPT_CONNECT_TO, http->connect_to);
		free(url->host);
		url->host = mem_strdup(name);
	}
	http_set(http, CURLOPT_REDIR_PROTOCOLS_STR,
		 str_eq(url->scheme, "https") ? "https" : "http,https");
	text = url_text(url);
	http_set(http, CURLOPT_URL, text);
}

static void http_set_method(struct http *http)
{
	const struct http_request *request = http->request;
	const char *method = request->method;

	if (request->body || str_eq(method, "POST") || str_eq(method, "PUT") ||
	    str_eq(method, "PATCH")) {
		http_set(http, CURLOPT_UPLOAD, 1L);
		http_set(http, CURLOPT_INFILESIZE_LARGE,
			 (curl_off_t)http->body_left);
		http_set(http, CURLOPT_UPLOAD_BUFFERSIZE, HTTP_UPLOAD_BYTES);
		http_set(http, CURLOPT_READFUNCTION, http_on_body_wanted);
		http_set(http, CURLOPT_READDATA, http);
	} else if (str_eq(method, "HEAD")) {
		http_set(http, CURLOPT_NOBODY, 1L);
	} else {
		http_set(http, CURLOPT_HTTPGET, 1L);
	}
	http_set(http, CURLOPT_CUSTOMREQUEST, method);
}

static void http_set_transfer(struct http *http)
{
	int64_t connect_ms = http->config->connect_timeout_ms;

	if (connect_ms == 0)
		connect_ms = HTTP_CONNECT_TIMEOUT_MS;
	http_set(http, CURLOPT_NOSIGNAL, 1L);
	http_set(http, CURLOPT_PROTOCOLS_STR, "http,https");
	http_set(http, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	http_set(http, CURLOPT_TCP_KEEPALIVE, 1L);
	http_set(http, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	http_set(http, CURLOPT_FOLLOWLOCATION, http->follow ? 1L : 0L);
	http_set(http, CURLOPT_MAXREDIRS, HTTP_MAX_REDIRECTS);
	http_set(http, CURLOPT_USERAGENT, "dws-csm");
	/* Refused where a transfer that failed early left its buffer. */
	curl_easy_setopt(http->easy, CURLOPT_BUFFERSIZE, HTTP_RECEIVE_BYTES);
	http_set(http, CURLOPT_ERRORBUFFER, http->error);
	http_set(http, CURLOPT_HEADERFUNCTION, http_on_header);
	http_set(http, CURLOPT_HEADERDATA, http);
	http_set(http, CURLOPT_WRITEFUNCTION, http_on_body);
	http_set(http, CURLOPT_WRITEDATA, http);
}

void http_setup(struct http *http, struct url *url)
{
	curl_easy_reset(http->easy); /* keeps connections and TLS sessions */
	http_set_transfer(http);
	http_set_tls(http);
	http_set_proxy(http, url);
	http_set_method(http);
	http_set_url(http, url);
	http_set_headers(http);
}

const char *http_library_version(void)
{
	return curl_version_info(CURLVERSION_NOW)->version;
}
