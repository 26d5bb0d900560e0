#include "registry/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/jval.h"
#include "net/challenge.h"
#include "net/url.h"

#define TOKEN_MAX_BYTES ((size_t)256 << 10)
#define TOKEN_MIN_SECONDS 60
#define TOKEN_MAX_SECONDS (24 * 3600)
#define TOKEN_MARGIN_MS 10000
#define TOKEN_MAX_ROUNDS 3

/* What the request needs, one scope for each repository, blanks between. */
static char *scope_of(const struct registry_request *request)
{
	if (request->repository == NULL)
		return mem_strdup("");
	return mem_printf("repository:%s:pull%s%s%s%s", request->repository,
			  request->push ? ",push" : "",
			  request->from ? " repository:" : "",
			  request->from ? request->from : "",
			  request->from ? ":pull" : "");
}

static struct token **token_find(struct registry *registry, const char *scope)
{
	struct token **at = &registry->tokens;

	while (*at && !str_eq((*at)->scope, scope))
		at = &(*at)->next;
	return at;
}

static void token_unlink(struct token **at)
{
	struct token *token = *at;

	*at = token->next;
	free(token->scope);
	mem_free_secret(token->value);
	free(token);
}

/* A copy of the token for `scope`, or NULL. */
static char *token_cached(struct registry *registry, const char *scope)
{
	struct token **at;
	char *value = NULL;

	pthread_mutex_lock(&registry->lock);
	at = token_find(registry, scope);
	if (*at && (*at)->expires_ms <= clock_now_ms())
		token_unlink(at);
	else if (*at)
		value = mem_strdup((*at)->value);
	pthread_mutex_unlock(&registry->lock);
	return value;
}

static void token_store(struct registry *registry, const char *scope,
			const char *value, int64_t expires_ms)
{
	struct token *token = mem_alloc(sizeof(*token));
	struct token **at;

	token->scope = mem_strdup(scope);
	token->value = mem_strdup(value);
	token->expires_ms = expires_ms;
	pthread_mutex_lock(&registry->lock);
	at = token_find(registry, scope);
	if (*at)
		token_unlink(at);
	token->next = registry->tokens;
	registry->tokens = token;
	pthread_mutex_unlock(&registry->lock);
}

static void token_forget(struct registry *registry, const char *value)
{
	pthread_mutex_lock(&registry->lock);
	for (struct token **at = &registry->tokens; *at;) {
		if (str_eq((*at)->value, value))
			token_unlink(at);
		else
			at = &(*at)->next;
	}
	pthread_mutex_unlock(&registry->lock);
}

static char *token_url(struct registry *registry, const char *scope)
{
	auto_strs struct strs scopes = STRS_INIT;
	autofree char *url = NULL;

	pthread_mutex_lock(&registry->lock);
	url = mem_strdup(registry->realm);
	if (registry->service) {
		free(url);
		url = url_add_query(registry->realm, "service",
				    registry->service);
	}
	pthread_mutex_unlock(&registry->lock);
	strs_split(&scopes, scope, ' ');
	for (size_t i = 0; i < scopes.nr; i++) {
		char *longer = url_add_query(url, "scope", scopes.item[i]);

		free(url);
		url = longer;
	}
	return mem_steal(&url);
}

static int password_refused(const struct registry *registry,
			    const char *token_server, struct err *err)
{
	const char *from = registry->credentials_from;

	return err_set(err, ERR_REGISTRY,
		       "registry '%s' refused the user name or password "
		       "(user '%s'%s%s%s%s%s); check them",
		       registry->host, registry->username,
		       from ? ", password from " : "", from ? from : "",
		       token_server ? ", token server '" : "",
		       token_server ? token_server : "",
		       token_server ? "'" : "");
}

static int token_refused(const struct registry *registry,
			 const struct http_response *response,
			 const char *origin, struct err *err)
{
	if (response->status != 401 && response->status != 403)
		err_set(err, ERR_REGISTRY,
			"registry '%s': its token server '%s' answered %d",
			registry->host, origin, response->status);
	else if (registry->username)
		password_refused(registry, origin, err);
	else
		err_set(err, ERR_REGISTRY,
			"registry '%s' wants a user name and password (token "
			"server '%s'); give an auth.json with --authfile",
			registry->host, origin);
	err->http = response->status;
	return -1;
}

static int token_parse(const struct http_response *response, char **value,
		       int64_t *seconds, struct err *err)
{
	autojval struct jval *answer =
		jval_parse(buf_str(&response->body), response->body.len, err);
	const char *token;

	if (answer == NULL)
		return -1;
	token = jval_str(answer, "token");
	if (str_empty(token))
		token = jval_str(answer, "access_token");
	if (str_empty(token) || strpbrk(token, "\r\n"))
		return err_set(err, ERR_INVALID, "the answer has no token");
	*value = mem_printf("Bearer %s", token);
	*seconds = jval_int(answer, "expires_in", TOKEN_MIN_SECONDS);
	if (*seconds < TOKEN_MIN_SECONDS)
		*seconds = TOKEN_MIN_SECONDS;
	if (*seconds > TOKEN_MAX_SECONDS)
		*seconds = TOKEN_MAX_SECONDS;
	return 0;
}

static int token_ask(struct registry_session *session, const char *url,
		     struct http_response *response, struct err *err)
{
	struct registry *registry = session->registry;
	struct http_request request = {
		.method = "GET",
		.url = url,
		.authorization = registry->basic,
		.follow = true,
		.cancelled = session->cancelled,
		.cancel_ctx = session->cancel_ctx,
	};
	unsigned int attempt = 0;
	bool again;

	do {
		int failed;

		err_clear(err);
		failed = http_do(session->http, &request, TOKEN_MAX_BYTES,
				 response, err);
		if (failed == 0 && !registry_status_transient(response))
			return 0;
		again = registry_again(session, registry->retries, &attempt,
				       failed ? NULL : response, err);
		if (!again)
			return failed || err->kind ? -1 : 0;
	} while (again);
	return 0;
}

static int token_fetch(struct registry_session *session, const char *scope,
		       char **value, struct err *err)
{
	struct registry *registry = session->registry;
	autofree char *hint = mem_steal(&session->scope_hint);
	autofree char *url = token_url(registry, hint ? hint : scope);
	autofree char *origin = url_origin(url);
	auto_response struct http_response response = HTTP_RESPONSE_INIT;
	int64_t start = clock_now_ms(), seconds = 0;

	if (token_ask(session, url, &response, err) < 0) {
		if (err->kind != ERR_INTERRUPTED)
			err->kind = ERR_REGISTRY;
		return err_wrap(err, "registry '%s': get a token",
				registry->host);
	}
	if (response.status != 200)
		return token_refused(registry, &response, origin, err);
	if (token_parse(&response, value, &seconds, err) < 0) {
		err->kind = ERR_REGISTRY;
		return err_wrap(err, "registry '%s': token server '%s'",
				registry->host, origin);
	}
	mem_wipe(response.body.data, response.body.len);
	token_store(registry, scope, *value,
		    start + seconds * 1000 - TOKEN_MARGIN_MS);
	return 0;
}

static int token_get(struct registry_session *session, const char *scope,
		     char **value, struct err *err)
{
	struct registry *registry = session->registry;
	int result = 0;

	*value = token_cached(registry, scope);
	if (*value)
		return 0;
	pthread_mutex_lock(&registry->fetch);
	*value = token_cached(registry, scope);
	if (*value == NULL)
		result = token_fetch(session, scope, value, err);
	pthread_mutex_unlock(&registry->fetch);
	return result;
}

int token_authorize(struct registry_session *session,
		    const struct registry_request *request, const char *url,
		    char **authorization, struct err *err)
{
	struct registry *registry = session->registry;
	autofree char *scope = scope_of(request);
	enum auth_mode mode;

	*authorization = NULL;
	pthread_mutex_lock(&registry->lock);
	mode = registry->mode;
	pthread_mutex_unlock(&registry->lock);
	if (!url_same_origin(url, registry->base))
		return 0;
	if (mode == AUTH_BASIC)
		*authorization = mem_strdup(registry->basic);
	if (mode == AUTH_BEARER)
		return token_get(session, scope, authorization, err);
	return 0;
}

/* The realm as a URL. Nexus behind a proxy once wrote "null://host/...". */
static char *realm_url(const struct registry *registry,
		       const struct http_response *response, const char *realm,
		       struct err *err)
{
	const char *rest = str_after(realm, "null:");

	return registry_resolve(registry, response, rest ? rest : realm, err);
}

static int learn_bearer(struct registry_session *session,
			const struct challenge *challenge,
			const struct http_response *response, struct err *err)
{
	struct registry *registry = session->registry;
	const char *realm = challenge_param(challenge, "realm");
	const char *scope = challenge_param(challenge, "scope");
	char *url;

	if (realm == NULL)
		return err_set(err, ERR_INVALID, "challenge without realm");
	url = realm_url(registry, response, realm, err);
	if (url == NULL)
		return -1;
	free(session->scope_hint);
	session->scope_hint = mem_strdup(str_empty(scope) ? NULL : scope);
	pthread_mutex_lock(&registry->lock);
	free(registry->realm);
	free(registry->service);
	registry->realm = url;
	registry->service = mem_strdup(challenge_param(challenge, "service"));
	registry->mode = AUTH_BEARER;
	pthread_mutex_unlock(&registry->lock);
	return 0;
}

static int refused(const struct registry *registry, const char *used,
		   struct err *err)
{
	if (registry->basic == NULL)
		err_set(err, ERR_REGISTRY,
			"registry '%s' wants a user name and password; give "
			"--registry-username and --registry-password-stdin, "
			"or an auth.json with --authfile",
			registry->host);
	else if (str_starts(used ? used : "", "Bearer "))
		err_set(err, ERR_REGISTRY,
			"registry '%s' refused its own token for user '%s'; "
			"the user may lack the right to do this",
			registry->host, registry->username);
	else
		password_refused(registry, NULL, err);
	err->http = 401;
	return -1;
}

/* The password is for the registry alone. */
static int refused_elsewhere(const struct registry *registry,
			     const struct http_response *response,
			     struct err *err)
{
	autofree char *origin = url_origin(response->url);

	err_set(err, ERR_REGISTRY,
		"registry '%s' sends us to another host, '%s', which wants a "
		"password and gets none",
		registry->host, origin);
	err_hint(err, "let the proxy before the registry keep the Host "
		      "header, or name the registry as it names itself");
	err->http = 401;
	return -1;
}

int token_challenged(struct registry_session *session,
		     const struct http_response *response, const char *used,
		     unsigned int round, struct err *err)
{
	struct registry *registry = session->registry;
	auto_challenges struct challenges list = CHALLENGES_INIT;
	struct err unusable = ERR_INIT;
	const struct challenge *bearer;
	const char *line;
	size_t at = 0;

	while ((line = http_header_next(response, "www-authenticate", &at)))
		if (!challenges_add(&list, line))
			log_verbose("registry '%s': cannot understand all of "
				    "its challenge",
				    registry->host);
	if (used && str_starts(used, "Bearer "))
		token_forget(registry, used);
	if (!url_same_origin(response->url, registry->base))
		return refused_elsewhere(registry, response, err);
	if (round >= TOKEN_MAX_ROUNDS)
		return refused(registry, used, err);
	bearer = challenges_find(&list, "bearer");
	if (bearer && learn_bearer(session, bearer, response, &unusable) == 0)
		return 0;
	if (!challenges_find(&list, "basic") || registry->basic == NULL ||
	    (used && str_starts(used, "Basic "))) {
		if (unusable.kind != ERR_REGISTRY)
			return refused(registry, used, err);
		*err = unusable;
		return -1;
	}
	pthread_mutex_lock(&registry->lock);
	registry->mode = AUTH_BASIC;
	pthread_mutex_unlock(&registry->lock);
	return 0;
}
