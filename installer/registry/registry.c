#include "registry/registry.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "format/base64.h"
#include "net/tls.h"
#include "net/trust.h"
#include "net/url.h"
#include "registry/request.h"
#include "registry/upload_state.h"

#define REGISTRY_RETRIES 5
#define REGISTRY_RETRY_MAX_MS 30000
/* The first contact finds typing errors: those are told soon. */
#define REGISTRY_FIRST_RETRIES 2

static bool is_loopback(const struct url *url)
{
	return str_eq(url->host, "localhost") || str_eq(url->host, "[::1]") ||
	       str_starts(url->host, "127.");
}

static int set_address(struct registry *self,
		       const struct registry_options *options, struct err *err)
{
	/* Docker Hub is spoken of by another name than it has. */
	const char *host = str_eq(options->host, "docker.io") ?
				   "registry-1.docker.io" :
				   options->host;
	autofree char *text = mem_printf(
		"%s://%s", options->plain_http ? "http" : "https", host);
	auto_url struct url url = { 0 };

	if (url_parse(&url, text, err) < 0 || *url.path || url.query) {
		err_set(err, ERR_USAGE, "'%s' is not the name of a registry",
			options->host);
		return err_hint(err, "it must be HOST or HOST:PORT");
	}
	if (options->plain_http && !is_loopback(&url))
		return err_set(err, ERR_USAGE,
			       "registry '%s' must be asked over https",
			       options->host);
	self->host = mem_strdup(options->host);
	self->base = url_text(&url);
	return 0;
}

static int set_credentials(struct registry *self,
			   const struct registry_options *options,
			   struct err *err)
{
	auto_buf_secret struct buf pair = BUF_INIT(BUF_TEXT_MAX);
	auto_buf_secret struct buf basic = BUF_INIT(BUF_TEXT_MAX);

	if (str_empty(options->username))
		return 0;
	if (strchr(options->username, ':'))
		return err_set(err, ERR_USAGE,
			       "a user name of a registry has no ':'");
	buf_addf(&pair, "%s:%s", options->username,
		 options->password ? options->password : "");
	buf_addstr(&basic, "Basic ");
	base64_encode(&basic, buf_str(&pair), pair.len);
	self->username = mem_strdup(options->username);
	self->credentials_from = mem_strdup(options->credentials_from);
	self->basic = buf_steal(&basic);
	return 0;
}

struct registry *registry_new(const struct registry_options *options,
			      struct err *err)
{
	struct registry *self = mem_alloc(sizeof(*self));

	self->uploads_dirfd = -1;
	pthread_mutex_init(&self->fetch, NULL);
	pthread_mutex_init(&self->lock, NULL);
	if (set_address(self, options, err) < 0 ||
	    set_credentials(self, options, err) < 0) {
		registry_free(self);
		return NULL;
	}
	if (options->ca_pem) {
		self->ca_pem = tls_join(tls_host_ca(), options->ca_pem);
		self->ca_name = mem_printf("%s, %s", tls_host_ca_name(),
					   options->ca_name ? options->ca_name :
							      "given");
	}
	self->trust = trust_new(self->ca_pem ? self->ca_pem : tls_host_ca());
	self->config.trust = self->trust;
	self->config.ca_pem = self->ca_pem;
	self->config.ca_name = self->ca_name;
	self->config.ca_remedy = "give the certificate of the CA with "
				 "--registry-ca FILE";
	self->retries = options->retries ? options->retries : REGISTRY_RETRIES;
	self->retry_max_ms = options->retry_max_ms ? options->retry_max_ms :
						     REGISTRY_RETRY_MAX_MS;
	return self;
}

void registry_free(struct registry *self)
{
	struct token *token;

	if (self == NULL)
		return;
	while ((token = self->tokens)) {
		self->tokens = token->next;
		free(token->scope);
		mem_free_secret(token->value);
		free(token);
	}
	free(self->host);
	free(self->base);
	free(self->username);
	free(self->credentials_from);
	mem_free_secret(self->basic);
	trust_free(self->trust);
	free(self->ca_pem);
	free(self->ca_name);
	free(self->realm);
	free(self->service);
	if (self->uploads_dirfd >= 0)
		close(self->uploads_dirfd);
	pthread_mutex_destroy(&self->fetch);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

const char *registry_host(const struct registry *self)
{
	return self->host;
}

void registry_keep_uploads(struct registry *self, const char *dir)
{
	struct err err = ERR_INIT;

	self->uploads_dirfd = upload_state_dir(dir, &err);
	if (self->uploads_dirfd < 0)
		log_verbose("uploads are not remembered: %s", err.msg);
}

struct registry_session *registry_connect(struct registry *registry)
{
	struct registry_session *session = mem_alloc(sizeof(*session));

	session->registry = registry;
	session->http = http_new(&registry->config);
	return session;
}

void registry_disconnect(struct registry_session *session)
{
	if (session == NULL)
		return;
	http_free(session->http);
	free(session->scope_hint);
	free(session);
}

void session_cancel_by(struct registry_session *session,
		       bool (*cancelled)(void *ctx), void *ctx)
{
	session->cancelled = cancelled;
	session->cancel_ctx = ctx;
}

/* A registry that asks nobody for a password may let anybody in as somebody
 * (Nexus does); what we have is sent all the same, and checked. */
static bool settle_mode(struct registry *self)
{
	bool again = false;

	pthread_mutex_lock(&self->lock);
	if (self->mode == AUTH_UNKNOWN) {
		self->mode = self->basic ? AUTH_BASIC : AUTH_NONE;
		again = self->basic != NULL;
	}
	pthread_mutex_unlock(&self->lock);
	return again;
}

int registry_check(struct registry_session *session, struct err *err)
{
	const struct registry_request request = {
		.method = "GET",
		.url = "/v2/",
		.retries = REGISTRY_FIRST_RETRIES,
	};
	auto_response struct http_response response = HTTP_RESPONSE_INIT;

	do {
		if (registry_ask(session, &request, &response, err) < 0)
			return -1;
		if (response.status == 404)
			return err_set(err, ERR_REGISTRY,
				       "'%s' is no registry: it does not know "
				       "'/v2/'",
				       session->registry->host);
		if (response.status != 200)
			return registry_fail(session, &response, err, "use it");
	} while (settle_mode(session->registry));
	return 0;
}
